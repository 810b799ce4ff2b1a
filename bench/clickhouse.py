"""ClickHouse in this process (chDB), beside DuckDB the other engine that one could pick: optional, 900 MB installed.

    pip install chdb-core

It splits lines into columns of Parquet and enriches nothing, and answers the same questions over the store's files.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from contestants import Contestant
from questions import QUESTIONS

if TYPE_CHECKING:
    from pathlib import Path

NEEDS = "not installed: pip install chdb-core (900 MB)"
PATTERN = r'^(\\S+) \\S+ \\S+ \\[([^\\]]+)\\] "(\\S+) (\\S+) ([^"]*)" (\\d+) (\\d+) "([^"]*)" "([^"]*)"'

GROUPS = rf"""
import chdb, sys
log, out = sys.argv[1:]
chdb.query(rf'''
SELECT g[1] AS addr, parseDateTime(g[2], '%d/%b/%Y:%H:%i:%S +0000', 'UTC') AS time, g[3] AS method, g[4] AS path, g[5] AS protocol,
       toInt16(g[6]) AS status, toInt64(g[7]) AS bytes, g[8] AS referrer, g[9] AS agent
FROM (SELECT extractGroups(line, '{PATTERN}') AS g FROM file('{{log}}', LineAsString, 'line String'))
INTO OUTFILE '{{out}}' TRUNCATE FORMAT Parquet''')
"""

SPLIT = r"""
import chdb, sys
log, out = sys.argv[1:]
chdb.query(f'''
SELECT w[1] AS addr, parseDateTime(substring(w[4], 2), '%d/%b/%Y:%H:%i:%S', 'UTC') AS time, q[2] AS request, q[3] AS numbers, q[4] AS referrer,
       q[6] AS agent
FROM (SELECT splitByChar(' ', line, 5) AS w, splitByChar('"', line) AS q FROM file('{log}', LineAsString, 'line String'))
INTO OUTFILE '{out}' TRUNCATE FORMAT Parquet''')
"""

ASK = r"""
import chdb, json, pathlib, sys
files, query = json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2]
folder = files[0].removeprefix("file://").rpartition("/date=")[0]
paths = ",".join(file.removeprefix("file://").removeprefix(folder + "/") for file in files)
columns = ("timestamp DateTime64(6, 'UTC'), source_id String, source_offset Int64, http_response_status_code Nullable(Int16), origin_id Nullable(Int64), "
    "endpoint_id Nullable(Int64), network_id Nullable(Int64), geo_country_iso_code Nullable(String), package_name Nullable(String), "
    "user_agent_name Nullable(String)")
table = f"file('{folder}/{{{paths}}}', Parquet, '{columns.replace(chr(39), chr(92) + chr(39))}')"
print("[" + ",".join(str(chdb.query(query.replace("EVENTS", table), "JSONEachRow")).split("\n")[:-1]) + "]")
"""

JUNE = "timestamp >= toDateTime64('2025-06-01 00:00:00', 6, 'UTC') AND timestamp < toDateTime64('2025-07-01 00:00:00', 6, 'UTC')"


def _distinct(level: str) -> str:
    return f"uniqExactIf({level}_id, {level}_id IS NOT NULL AND ifNull(http_response_status_code, 0) != 401) AS {level}s"


QUERIES = {
    "country": f"SELECT geo_country_iso_code AS country, count() AS requests, {_distinct('origin')} FROM EVENTS WHERE {JUNE} GROUP BY country",
    "dimensions": (
        f"SELECT package_name AS package, geo_country_iso_code AS country, count() AS requests, {_distinct('origin')} FROM EVENTS WHERE {JUNE} "
        "GROUP BY package, country"
    ),
    "sessions": (
        "SELECT client, count() AS sessions FROM (SELECT user_agent_name AS client, origin_id IS NULL AS is_alone, "
        "timestamp - lagInFrame(timestamp::Nullable(DateTime64(6, 'UTC'))) OVER (PARTITION BY origin_id ORDER BY timestamp, source_id, source_offset "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS pause FROM EVENTS) WHERE is_alone OR pause IS NULL OR pause > 1800 GROUP BY client"
    ),
    "year": f"SELECT {_distinct('origin')}, {_distinct('endpoint')}, {_distinct('network')} FROM EVENTS",
}
"""By name of the question; what says pulls and downloads in one statement is DuckDB's alone."""


def is_there() -> bool:
    """Whether this interpreter can import chdb."""
    return importlib.util.find_spec("chdb") is not None


def clickhouse_ingest(log: Path, lines: int, work: Path) -> list[Contestant]:
    """List the two ways to split a log."""
    missing = "" if is_there() else NEEDS
    programs = {"extractGroups": GROUPS, "splitByChar": SPLIT}
    return [
        Contestant(
            f"ClickHouse (chDB) {name} → Parquet",
            (sys.executable, "-c", program, str(log), str(work / f"{name}.parquet")),
            lines,
            work / f"{name}.parquet",
            missing,
            f"python -c {name.upper()} {log} {work / f'{name}.parquet'}",
        )
        for name, program in programs.items()
    ]


def clickhouse_question(name: str, work: Path) -> list[Contestant]:
    """List the same question as SQL over the same files, where there is such."""
    if name not in QUERIES:
        return []
    listed = work / "files.json"
    command = (sys.executable, "-c", ASK, str(listed), QUERIES[name])
    missing = "" if is_there() else NEEDS
    return [Contestant("ClickHouse (chDB), the same as SQL", command, missing=missing, shown=f"python -c CLICKHOUSE {listed} {name.upper()}")]


def shown_queries() -> str:
    """Write the queries as the results print them."""
    return "\n\n".join(f"-- {name.upper()}\n{QUERIES[name]}" for name in QUESTIONS if name in QUERIES)
