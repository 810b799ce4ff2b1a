"""Who is measured, and with which exact command."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PULLSTATS = (sys.executable, "-m", "pullstats")
LAST_DAY = "2025-06-30"  # the generator's last day: the window below is exactly June
WINDOW = ("2025-06-01", "2025-07-01")

NEEDS_GOACCESS = "not installed: apt install goaccess"
NEEDS_DUCKDB = "not installed: pip install 'pullstats[bench]'"

DUCKDB_REGEX = r"""
import duckdb, sys
log, out = sys.argv[1:]
duckdb.execute("SET preserve_insertion_order = false")
duckdb.execute(r'''
COPY (
  SELECT p.addr, strptime(p.time, '%d/%b/%Y:%H:%M:%S %z') AS time, p.method, p.path, p.protocol, p.status::SMALLINT AS status,
         p.bytes::BIGINT AS bytes, p.referrer, p.agent
  FROM (SELECT regexp_extract(line, '^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) ([^"]*)" (\d+) (\d+) "([^"]*)" "([^"]*)"',
                              ['addr', 'time', 'method', 'path', 'protocol', 'status', 'bytes', 'referrer', 'agent']) AS p
        FROM read_csv($1, delim = chr(1), quote = '', escape = '', header = false, auto_detect = false, columns = {'line': 'VARCHAR'}))
) TO '%s' (FORMAT parquet, COMPRESSION zstd)''' .replace("%s", out).replace("$1", repr(log)))
"""

DUCKDB_CSV = r"""
import duckdb, sys
log, out = sys.argv[1:]
duckdb.execute("SET preserve_insertion_order = false")
duckdb.execute(r'''
COPY (
  SELECT addr, strptime(time, '[%d/%b/%Y:%H:%M:%S') AS time, request, status, bytes, referrer, agent
  FROM read_csv($1, delim = ' ', quote = '"', escape = '', header = false, auto_detect = false, columns = {
    'addr': 'VARCHAR', 'ident': 'VARCHAR', 'user': 'VARCHAR', 'time': 'VARCHAR', 'zone': 'VARCHAR', 'request': 'VARCHAR',
    'status': 'SMALLINT', 'bytes': 'BIGINT', 'referrer': 'VARCHAR', 'agent': 'VARCHAR'})
) TO '%s' (FORMAT parquet, COMPRESSION zstd)''' .replace("%s", out).replace("$1", repr(log)))
"""

DUCKDB_REPORT = r"""
import duckdb, json, pathlib, sys
files = json.loads(pathlib.Path(sys.argv[1]).read_text())
rows = duckdb.execute('''
SELECT geo_country_iso_code AS country, count(*) AS requests,
       count(DISTINCT origin_id) FILTER (WHERE http_response_status_code IS DISTINCT FROM 401) AS origins
FROM read_parquet($files) WHERE timestamp >= $begin::TIMESTAMPTZ AND timestamp < $end::TIMESTAMPTZ
GROUP BY country ORDER BY requests DESC''',
{"files": files, "begin": sys.argv[2] + "T00:00:00Z", "end": sys.argv[3] + "T00:00:00Z"}).fetchall()
print(json.dumps([dict(zip(("country", "requests", "origins"), row)) for row in rows]))
"""

DUCKDB_PULLS = r"""
import duckdb, json, pathlib, sys
files = json.loads(pathlib.Path(sys.argv[1]).read_text())
rows = duckdb.execute('''
WITH manifests AS (
  SELECT origin_id, package_name, timestamp AS instant, source_id, source_offset, user_agent_name AS client, http_request_method = 'GET' AS is_get,
         http_response_status_code BETWEEN 200 AND 299 OR http_response_status_code IN (301, 302, 303, 307, 308) AS is_answered,
         CASE WHEN reference_kind = 'tag' THEN package_version END AS tag
  FROM read_parquet($files)
  WHERE package_type = 'oci' AND action = 'manifest' AND is_downloadable AND http_request_method IN ('GET', 'HEAD')),
timed AS (SELECT *, coalesce(instant - lag(instant) OVER owner > INTERVAL 5 SECOND, true) AS is_late FROM manifests
  WINDOW owner AS (PARTITION BY origin_id, package_name ORDER BY instant, source_id, source_offset)),
runs AS (SELECT *, sum(is_late::INT) OVER owner AS run FROM timed
  WINDOW owner AS (PARTITION BY origin_id, package_name ORDER BY instant, source_id, source_offset)),
named AS (SELECT *, last_value(tag IGNORE NULLS) OVER before AS open_tag FROM runs
  WINDOW before AS (PARTITION BY origin_id, package_name, run ORDER BY instant, source_id, source_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)),
grouped AS (SELECT *, sum((is_late OR (tag IS NOT NULL AND tag IS DISTINCT FROM open_tag))::INT) OVER owner AS pull FROM named
  WINDOW owner AS (PARTITION BY origin_id, package_name ORDER BY instant, source_id, source_offset)),
pulls AS (SELECT min(instant) FILTER (is_get) AS instant, arg_min(client, (instant, source_id, source_offset)) FILTER (is_get) AS client
  FROM grouped GROUP BY origin_id, package_name, pull HAVING bool_or(is_get AND is_answered))
SELECT strftime(instant AT TIME ZONE 'UTC', '%Y-%m-%d') AS bucket, client, count(*) AS pulls FROM pulls GROUP BY ALL''', {"files": files}).fetchall()
print(json.dumps([dict(zip(("bucket", "client", "pulls"), row)) for row in rows]))
"""

LIST_FILES = "import json, sys, deltalake; print(json.dumps(deltalake.DeltaTable(sys.argv[1]).file_uris()))"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One row of a table.

    Attributes:
        name: heading of the row.
        command: what is run.
        shown: the command as the results print it; without it the command is shown as run.
        lines: lines of its input, 0 where the rate says nothing.
        output: file or folder that is removed before every run.
        missing: how to install it, where it is not there.

    """

    name: str
    command: tuple[str, ...]
    lines: int = 0
    output: Path | None = None
    missing: str = ""
    shown: str = ""


def has_duckdb() -> bool:
    """Whether this interpreter can import duckdb."""
    return importlib.util.find_spec("duckdb") is not None


def pullstats_ingest(name: str, log: Path, lines: int, store: Path) -> Contestant:
    """`pullstats ingest`, everything on, into a fresh store."""
    return Contestant(name, (*PULLSTATS, "ingest", str(log), "--store", str(store), "--quiet"), lines, store)


def ingest_contestants(log: Path, lines: int, work: Path) -> list[Contestant]:
    """List the tools that take the same log, each to its own kind of result."""
    no_duckdb = "" if has_duckdb() else NEEDS_DUCKDB
    ga, regex, csv = work / "goaccess.json", work / "regex.parquet", work / "csv.parquet"
    return [
        pullstats_ingest("pullstats ingest (parsed, enriched, stored)", log, lines, work / "store"),
        Contestant(
            "GoAccess (one report)",
            ("goaccess", str(log), "--log-format=COMBINED", "--no-global-config", "--no-progress", "-o", str(ga)),
            lines,
            ga,
            "" if shutil.which("goaccess") else NEEDS_GOACCESS,
        ),
        Contestant(
            "DuckDB regexp_extract → Parquet",
            (sys.executable, "-c", DUCKDB_REGEX, str(log), str(regex)),
            lines,
            regex,
            no_duckdb,
            f"python -c DUCKDB_REGEX {log} {regex}",
        ),
        Contestant(
            "DuckDB read_csv → Parquet",
            (sys.executable, "-c", DUCKDB_CSV, str(log), str(csv)),
            lines,
            csv,
            no_duckdb,
            f"python -c DUCKDB_CSV {log} {csv}",
        ),
    ]


def report_contestants(store: Path, work: Path) -> list[Contestant]:
    """List the report and the same SQL on the same Parquet files."""
    listed = work / "files.json"
    report = (
        "report",
        "--by",
        "country",
        "--window",
        "30d",
        "--as-of",
        LAST_DAY,
        "--tz",
        "UTC",
        "--metric",
        "requests,origins",
        "--limit",
        "0",
        "--format",
        "json",
        "--store",
        str(store),
    )
    return [
        Contestant("pullstats report", (*PULLSTATS, *report)),
        Contestant(
            "DuckDB, same SQL, same files",
            (sys.executable, "-c", DUCKDB_REPORT, str(listed), *WINDOW),
            missing="" if has_duckdb() else NEEDS_DUCKDB,
            shown=f"python -c DUCKDB_REPORT {listed} {' '.join(WINDOW)}",
        ),
    ]


def pull_contestants(store: Path, work: Path) -> list[Contestant]:
    """List pulls by day and client, and the same rule as SQL on the same Parquet files."""
    listed = work / "files.json"
    series = ("series", "--every", "d", "--by", "client", "--metric", "pulls", "--window", "all", "--limit", "0", "--format", "json")
    return [
        Contestant("pullstats series", (*PULLSTATS, *series, "--store", str(store))),
        Contestant(
            "DuckDB, the rule as SQL, same files",
            (sys.executable, "-c", DUCKDB_PULLS, str(listed)),
            missing="" if has_duckdb() else NEEDS_DUCKDB,
            shown=f"python -c DUCKDB_PULLS {listed}",
        ),
    ]


def list_store_files(store: Path, work: Path) -> str:
    """Write the Parquet files of the store's last snapshot to `files.json`; says what went wrong, if anything."""
    done = subprocess.run((sys.executable, "-c", LIST_FILES, str(store / "events")), capture_output=True, text=True, check=False)
    if done.returncode:
        return "no store to read: " + done.stderr.strip().rpartition("\n")[2]
    (work / "files.json").write_text(done.stdout)
    return ""


def same_answer(left: str, right: str) -> str:
    """Compare two JSON answers row by row, whatever their order; rows without a pull do not count."""
    try:
        # DuckDB draws a progress bar in front of a slow answer.
        tables = [_by_dimension(json.loads(text.strip().rpartition("\n")[2])) for text in (left, right)]
    except (ValueError, KeyError, TypeError) as problem:
        return f"not comparable: {problem!r}"
    if tables[0] == tables[1]:
        return f"equal, {len(tables[0])} rows"
    differing = [key for key in sorted({*tables[0], *tables[1]}, key=str) if tables[0].get(key) != tables[1].get(key)]
    return f"DIFFERENT in {len(differing)} rows, first {differing[0]}: {tables[0].get(differing[0])} and {tables[1].get(differing[0])}"


def _by_dimension(rows: list[dict[str, str | int | None]]) -> dict[tuple[object, ...], tuple[object, ...]]:
    """Split rows into what they are about and what they count."""
    counts = ("requests", "origins", "pulls")
    split = {
        tuple(value for name, value in row.items() if name not in counts and name in ("country", "bucket", "client")): tuple(
            row[name] for name in counts if name in row
        )
        for row in rows
    }
    return {key: values for key, values in split.items() if any(values)}
