"""Who is measured, and with which exact command."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PULLSTATS = (sys.executable, "-m", "pullstats")

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
