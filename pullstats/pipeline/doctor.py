"""What a store holds that the rules do not know, and what in it is out of date."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from pullstats.enrich import RuleSources, load_rules, open_geo
from pullstats.metrics.extent import Extent
from pullstats.metrics.likely_copies import find_copies
from pullstats.metrics.query import DEFAULT_MEMORY
from pullstats.metrics.same_requests import pair_logs, scan_once
from pullstats.percentages import write_share
from pullstats.pipeline.answer import read_extent
from pullstats.pipeline.asking import ask_store
from pullstats.reports import Column, Report
from pullstats.store import Store

_COLUMNS: Final = (
    Column("unknown", "unknown", "text"),
    Column("value", "value", "text"),
    Column("requests", "requests", "count"),
    Column("endpoints", "endpoints", "count"),
    Column("last", "last", "time"),
)
_PRODUCT: Final = re.compile(r"[a-z][a-z0-9_.+-]*[/ ]")
_COMPATIBLE: Final = re.compile(r"compatible; ?([a-z][\w .+-]*[/;])")
_NUMBERS: Final = r"[0-9a-f]{12,}|[0-9]+"
_PAIRS: Final = 5
"""Pairs of logs that are named."""
_AGENT: Final = "agent"
_PATH: Final = "path"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found.

    Attributes:
        unknown: `unknown` (agent or path), `value`, `requests`, `endpoints`, `last`, most frequent first.
        remarks: what is out of date, and what to do.
        share: of the requests, how many have an unknown agent and an unknown path.
    """

    unknown: pl.DataFrame
    remarks: tuple[str, ...]
    share: dict[str, float]

    def report(self) -> Report:
        """Show both lists."""
        headline = "; ".join(
            f"{write_share(share)} of the requests name {'an' if name == _AGENT else 'a'} {name} that no rule knows"
            for name, share in self.share.items()
        )
        footer = "" if self.remarks else "rules and geo database are up to date"
        meta = {"warnings": list(self.remarks), "share": self.share}
        return Report(self.unknown, _COLUMNS, headline=headline, footer=footer, meta=meta)

    def hints(self) -> str:
        """Write a rule for each unknown value, to be completed and put into the folder of one's own rules."""
        rows = [
            _agent_hint(row["value"], row["requests"]) if row["unknown"] == _AGENT else _path_hint(row["value"], row["requests"])
            for row in self.unknown.to_dicts()
        ]
        return "\n".join(rows)


def examine(store: Path, *, limit: int = 20, rules: RuleSources | None = None) -> Findings:
    """Look through a store.

    Args:
        store: its folder.
        limit: rows of each list, 0 for all.
        rules: where the user's own rules and routes are; None for the usual folder.

    Raises:
        UserError: a store or rules that cannot be read.
    """
    current = load_rules(rules).version
    found, warnings = ask_store(store, lambda opened: _examine(opened, limit, current))
    stale = filter(None, [open_geo().warn_if_stale(datetime.now(UTC).date())])
    return replace(found, remarks=(*found.remarks, *stale, *warnings))


def _examine(opened: Store, limit: int, current: str) -> Findings:
    events = opened.scan_events(
        ["timestamp", "endpoint_id", "user_agent_original", "user_agent_name", "url_path", "package_type", "action", "http_response_status_code"]
    )
    agents = events.filter((pl.col("user_agent_name") == "unknown") & pl.col("user_agent_original").is_not_null())
    # A path that nothing answers is a scanner's guess; one that is answered is somebody's artifact.
    paths = events.filter((pl.col("action") == "other") & pl.col("package_type").is_null() & pl.col("http_response_status_code").is_between(200, 399))
    total = events.select(pl.len()).collect().item()
    lists = [
        _count(agents, _AGENT, pl.col("user_agent_original"), limit),
        _count(paths, _PATH, pl.col("url_path").str.replace_all(_NUMBERS, "{n}"), limit),
    ]
    found, counts = zip(*lists, strict=True)
    share = {name: count / total if total else 0.0 for name, count in zip((_AGENT, _PATH), counts, strict=True)}
    return Findings(pl.concat(found), (*_remark_on_rules(opened.rule_sets(), current), *_remark_on_repeats(opened)), share)


def _count(rows: pl.LazyFrame, name: str, value: pl.Expr, limit: int) -> tuple[pl.DataFrame, int]:
    grouped = (
        rows.group_by(value.alias("value"))
        .agg(
            pl.len().cast(pl.Int64).alias("requests"),
            pl.col("endpoint_id").n_unique().cast(pl.Int64).alias("endpoints"),
            pl.col("timestamp").max().alias("last"),
        )
        .sort(["requests", "value"], descending=[True, False])
        .collect()
    )
    shown = grouped.head(limit) if limit else grouped
    return shown.select(pl.lit(name).alias("unknown"), "value", "requests", "endpoints", "last"), int(grouped["requests"].sum())


def _remark_on_rules(versions: dict[str, int], current: str) -> Iterator[str]:
    old = sum(count for version, count in versions.items() if version != current)
    if old:
        yield f"{old:,} events were read by other rules than those of now ({current}); run: pullstats rebuild"


def _remark_on_repeats(opened: Store) -> Iterator[str]:
    """Name the logs that hold the same requests, those with the most first."""
    extent = read_extent(opened)
    if extent.sources is None:
        return
    repeats = scan_once(opened.scan_events, extent, DEFAULT_MEMORY).find(None, None)
    pairs = pair_logs(repeats, extent)
    for left, kept, count in pairs.head(_PAIRS).rows():
        yield (
            f"{count:,} requests of '{left}' are in '{kept}' as well, by their ids, and count twice; --same-request id counts those of '{kept}' alone"
        )
    if pairs.height > _PAIRS:
        yield f"{pairs['count'][_PAIRS:].sum():,} more requests are in two logs, of {pairs.height - _PAIRS:,} more pairs of logs"
    told = {frozenset(pair) for pair in repeats.select("source_id", "kept_in").unique().rows()}
    yield from _suspect_copies(opened, extent, told)


def _suspect_copies(opened: Store, extent: Extent, told: Container[frozenset[str]]) -> Iterator[str]:
    """Name the logs that look as if another held their requests, too, where no id says so."""
    assert extent.sources is not None
    names = dict(extent.sources.select("source_id", "name").rows())
    copies = [one for one in find_copies(opened.scan_events, extent.sources, extent.events or 0) if frozenset((one.source, one.other)) not in told]
    for one in copies[:_PAIRS]:
        source, other = (names[name] or name for name in (one.source, one.other))
        yield (
            f"'{source}' looks like a copy of what '{other}' holds: of {one.looked_at:,} of its requests {write_share(one.share)} are there within a second"
            f"{f' of {one.offset:+d} s' if one.offset else ''}, by {', '.join(one.keys)} (by chance {write_share(one.by_chance)}); if both log the same requests, as a "
            "balancer and what is behind it do, each counts twice: keep one of the two logs, or let both log one id for --same-request id"
        )
    if len(copies) > _PAIRS:
        yield f"{len(copies) - _PAIRS:,} more pairs of logs look like copies"


def _agent_hint(text: str, requests: int) -> str:
    low = text.lower()
    product = _COMPATIBLE.search(low) if low.startswith("mozilla/") else None
    if product is not None:
        key, start = "words", product[1]
    elif (product := _PRODUCT.match(low)) is not None and not low.startswith("mozilla/"):
        key, start = "starts", product[0]
    else:
        key, start = "words", low[-40:]
    name = re.sub(r"[^a-z0-9.-]+", "-", start.strip("/ ")).strip("-") or "name-it"
    return (
        f'# {requests:,} requests; give it its kind\n[[agent]]\nclient = {json.dumps(name)}\nkind = "unknown"\n'
        f"{key} = [{_toml(start)}]\nsamples = [{_toml(text)}]\n"
    )


def _path_hint(path: str, requests: int) -> str:
    pattern = "^" + re.escape(path).replace(re.escape("{n}"), "[0-9a-f]+")
    folder, _, last = pattern.rpartition("/")
    sample = path.replace("{n}", "1")
    return (
        f'# {requests:,} requests; say which part is the package\n[[path]]\nname = {_toml(path[:60])}\npackage_type = "generic"\n'
        f"pattern = {_toml(f'{folder}/(?P<name>{last})$')}\nsamples = [{_toml(sample)}]\n"
    )


def _toml(text: str) -> str:
    """Write a TOML basic string in plain ASCII: nothing a log holds reaches the terminal as it is."""
    return json.dumps(text).replace("\x7f", "\\u007f")
