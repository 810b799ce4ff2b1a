"""How far the numbers can be trusted: logs, rejected lines, what filters left out, agents that nobody knows, gaps."""

from __future__ import annotations

from typing import Final

from pullstats.percentages import write_share
from pullstats.publish.page.markup import draw_notes, draw_table
from pullstats.publish.page.section import Reports, Section
from pullstats.publish.period import TOTALS

LOGS: Final = "logs"
REJECTS: Final = "rejects"
"""Names of the reports that no question makes: what logs there are, and why lines of them were rejected."""


def _draw(reports: Reports) -> str:
    told = [*_tell_filters(reports), *_tell_gaps(reports), *_tell_unknown(reports)]
    tables = [(LOGS, "Logs in the store"), (REJECTS, "Why lines were rejected")]
    drawn = "".join(f'<h3 id="{name}">{title}</h3>{draw_table(reports[name], title)}' for name, title in tables if name in reports)
    return f"{draw_notes(told)}{drawn}"


def _tell_filters(reports: Reports) -> list[str]:
    excluded = reports[TOTALS].meta["excluded"]
    if not excluded["filters"]:
        return ["No filter: every request of the window counts."]
    return [f"Filters left out {excluded['events']:,} requests, {write_share(excluded['share'])} of the window: {'; '.join(excluded['filters'])}."]


def _tell_gaps(reports: Reports) -> list[str]:
    """Say when the logs were silent: as the series says it, which is not asked where few must not be told."""
    series = reports["series"]
    if not series.frame.height:
        return []
    gaps = [text for text in map(str, series.meta["warnings"]) if text.startswith("gap")]
    return gaps or ["No log was silent for longer than its own rhythm explains."]


def _tell_unknown(reports: Reports) -> list[str]:
    """Say how many downloads came from clients that nobody knows: their row, where it is shown."""
    frame, total = reports["by-client"].frame, reports["by-client"].meta.get("totals", {}).get("downloads")
    if not total or "client" not in frame.columns:
        return []
    unknown = frame.filter(frame["client"] == "unknown")["downloads"]
    return [
        f"{int(count):,} downloads ({write_share(count / total)}) came from agents that no rule knows; pullstats doctor lists them."
        for count in unknown
    ]


SECTION: Final = Section("quality", "How far to trust this", (), _draw)
