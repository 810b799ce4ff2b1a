"""The figures of the README, written anew from what was measured: what stands between `<!-- measured -->` and `<!-- /measured -->`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import results
from questions import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from measure import Series

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
INGEST = (
    ("ingest", 0, "pullstats ingest"),
    ("ingest", 1, "GoAccess, one report"),
    ("ingest", 2, "DuckDB, `regexp_extract` → Parquet, nothing enriched"),
    ("ingest", 3, "DuckDB, `read_csv` → Parquet, nothing enriched"),
    ("ingest", 4, "ClickHouse, `extractGroups` → Parquet, nothing enriched"),
    ("inputs", 2, "pullstats ingest, the same lines in JSON"),
    ("inputs", 3, "pullstats ingest, the same lines in a CloudWatch export"),
    ("inputs", 4, "pullstats ingest, the same lines in Firehose envelopes, ids compared"),
    ("growth", 1, "pullstats ingest, 12,000,000 lines"),
    ("short", 0, "pullstats ingest, a log that is known"),
    ("short", 1, "pullstats ingest, 200 lines into a new store"),
    ("short", 2, "pullstats report on these"),
)


def update(path: Path, seen: Mapping[str, Sequence[Series]]) -> str:
    """Write the figures into a README, if all of them were measured; says what was done."""
    missing = [name for name in (*dict.fromkeys(name for name, _, _ in INGEST), *QUESTIONS) if not _measured(seen, name, 0)]
    if missing:
        return f"{path.name} stays as it is: not measured were {', '.join(missing)}"
    text = path.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        return f"{path.name} stays as it is: it has no {BEGIN} … {END}"
    before, _, rest = text.partition(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{figures(seen)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return f"{path.name} has the figures of this run"


def figures(seen: Mapping[str, Sequence[Series]]) -> str:
    """Write the tables and what follows from them."""
    facts = dict(results.machine())
    ours, goaccess, large = seen["ingest"][0], _measured(seen, "ingest", 1), seen["growth"][1]
    machine = f"{facts['cores']} cores ({facts['CPU']}, {facts['memory']}, {facts['kernel']}, Python {facts['Python']})"
    versions = ", ".join(f"{name} {facts[key]}" for name, key in (("GoAccess", "GoAccess"), ("DuckDB", "duckdb"), ("chDB", "chdb-core")))
    lead = f"On this log pullstats is {goaccess.wall / ours.wall:.1f} times as fast as GoAccess. " if goaccess else ""
    measured = (
        f"`make bench` on {machine}; {versions}; {ours.lines:,} lines of nginx combined, 1,909 distinct agents,\n59,825 addresses; whole "
        "processes, side by side in one run. Everything is on: parsed, agents and paths classified, geo\nlooked up, hashed, redacted, stored "
        "as Parquet. Full table and commands: [bench/RESULTS.md](bench/RESULTS.md)."
    )
    asked = (
        "Questions to a store of 10,000,000 events over 45 days (the year's over a year), each a whole process, and the same written as SQL for this"
        "\none question in DuckDB over the same files; the answers are equal row by row:"
    )
    follows = (
        f"{lead}Every agent, path and address is looked at once, the first time it is seen, so the longer\nthe log, the larger the lead: of "
        f"{large.lines:,} lines it reads {large.lines / large.wall:,.0f} a second."
    )
    return "\n\n".join((measured, _ingest_table(seen), asked, _question_table(seen), follows))


def _ingest_table(seen: Mapping[str, Sequence[Series]]) -> str:
    rows = [(text, one) for name, place, text in INGEST if (one := _measured(seen, name, place))]
    return results.markdown_table(
        [
            (text, f"{one.wall:.2g} s" if one.wall < 1 else f"{one.wall:.1f} s", f"{one.cpu:.1f} s", f"{one.peak / results.MB:,.0f} MB")
            for text, one in rows
        ],
        ("", "wall", "CPU", "peak memory"),
    )


def _question_table(seen: Mapping[str, Sequence[Series]]) -> str:
    rows = []
    for name, question in QUESTIONS.items():
        ours, sql = _measured(seen, name, 0), _measured(seen, name, 1)
        assert ours is not None
        title = question.title[0].lower() + question.title[1:]
        rows.append((title, f"{ours.wall:.2f} s", f"{sql.wall:.2f} s" if sql else "", f"{ours.peak / results.MB:,.0f} MB"))
    return results.markdown_table(rows, ("", "pullstats", "DuckDB", "peak memory"))


def _measured(seen: Mapping[str, Sequence[Series]], name: str, place: int) -> Series | None:
    found = seen.get(name, ())
    return found[place] if len(found) > place and found[place].runs else None
