"""Questions to a store of 10,000,000 events, and each as SQL in DuckDB over the same Parquet files.

A question is answered by a whole process each: start-up, reading, counting, printing JSON. The SQL is
what its author would write for this question alone; its answer must equal ours row by row.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contestants import NEEDS_DUCKDB, PULLSTATS, Contestant, has_duckdb
from transfers import find_transfers
from version_queries import ADOPTION, COHORTS, LAG, SHARES, VERSIONS, WOULD_MISS

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = 10_000_000
YEAR = 365
LAST_DAY = "2025-06-30"  # the generator's last day: 30 days before its end are exactly June
JUNE = "timestamp >= '2025-06-01T00:00:00Z'::TIMESTAMPTZ AND timestamp < '2025-07-01T00:00:00Z'::TIMESTAMPTZ"
ORIGINS = "count(DISTINCT origin_id) FILTER (WHERE http_response_status_code IS DISTINCT FROM 401) AS origins"
DUCKDB = r"""
import duckdb, json, pathlib, sys
files, query = json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2]
found = duckdb.execute("SET enable_progress_bar = false; " + query.replace("EVENTS", "read_parquet($files, union_by_name = true)"), {"files": files})
names = [column[0] for column in found.description]
print(json.dumps([dict(zip(names, row)) for row in found.fetchall()]))
"""

DOWNLOADS = (
    r"""
WITH manifests AS (
  SELECT origin_id, package_name, timestamp AS instant, source_id, source_offset, user_agent_name AS client, http_request_method = 'GET' AS is_get,
         http_response_status_code BETWEEN 200 AND 299 OR http_response_status_code IN (301, 302, 303, 307, 308) AS is_answered,
         CASE WHEN reference_kind = 'tag' THEN package_version END AS tag
  FROM EVENTS
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
  FROM grouped GROUP BY origin_id, package_name, pull HAVING bool_or(is_get AND is_answered)),
files AS (
  SELECT origin_id, url_path, timestamp AS instant, source_id, source_offset, user_agent_name AS client, http_response_status_code AS status
  FROM EVENTS
  WHERE package_type NOT IN ('oci', 'huggingface') AND action = 'download' AND is_downloadable AND http_request_method = 'GET'
    AND http_response_status_code IN (200, 206, 301, 302, 303, 307, 308)),
"""
    + find_transfers("first_value(instant) OVER chain AS first_instant, first_value(client) OVER chain AS first_client")
    + r"""
taken AS (SELECT instant, client, 1 AS pulls, 1 AS downloads FROM pulls UNION ALL
  SELECT first_instant, first_client, 0, 1 FROM ranked WHERE is_first OR (status = 200 AND whole > 1) UNION ALL
  SELECT first_instant, first_client, 0, 1 FROM placed WHERE status >= 300 AND NOT leads_on)
SELECT strftime(instant AT TIME ZONE 'UTC', '%Y-%m-%d') AS bucket, client, sum(pulls)::BIGINT AS pulls, sum(downloads)::BIGINT AS downloads
FROM taken GROUP BY ALL
"""
)

SESSIONS = r"""
WITH asked AS (SELECT user_agent_name AS client, origin_id IS NULL AS is_alone, timestamp - lag(timestamp) OVER owner AS pause FROM EVENTS
  WINDOW owner AS (PARTITION BY origin_id ORDER BY timestamp, source_id, source_offset))
SELECT client, count(*) AS sessions FROM asked WHERE is_alone OR pause IS NULL OR pause > INTERVAL 30 MINUTE GROUP BY client
"""

PERIODS = r"""
WITH gaps AS (
  SELECT origin_id, package_type, package_name, epoch(timestamp - lag(timestamp) OVER owner) AS gap FROM EVENTS WHERE origin_id IS NOT NULL
  WINDOW owner AS (PARTITION BY origin_id, package_type, package_name ORDER BY timestamp)),
visits AS (SELECT * FROM gaps WHERE gap > 30),
periods AS (SELECT origin_id, package_type, package_name, median(gap) AS period FROM visits GROUP BY ALL HAVING count(*) >= 3),
shares AS (
  SELECT avg((abs(gap - period) <= 0.1 * period)::INT) AS share
  FROM visits JOIN periods USING (origin_id, package_type, package_name) GROUP BY origin_id, package_type, package_name)
SELECT count(*) AS owners, count(*) FILTER (WHERE share >= 0.65) AS regular FROM shares
"""
"""The nearest to periods that one statement says: the share of gaps within a tenth of their median; no missed polls, machines or classes."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        title: heading of its table.
        most: seconds that the whole process may take.
        asked: what stands behind `pullstats`.
        query: the same as SQL; empty where no one statement says it.
        days: how many days the store's events are spread over.
        ratio: how many times as long as the SQL it may take.
        beside: SQL of the part of it that SQL says, for its time alone.
    """

    title: str
    most: float
    asked: str
    query: str
    days: int
    ratio: float = 1
    beside: str = ""


_JUNE = f"--window 30d --as-of {LAST_DAY}"
QUESTIONS = {
    "country": Question(
        "Requests and origins by country, 30 days",
        1,
        f"report --by country --metric requests,origins {_JUNE}",
        f"SELECT geo_country_iso_code AS country, count(*) AS requests, {ORIGINS} FROM EVENTS WHERE {JUNE} GROUP BY ALL",
        45,
        1.1,
    ),
    "dimensions": Question(
        "Requests and origins by package and country, 30 days",
        1,
        f"report --by package,country --metric requests,origins {_JUNE}",
        f"SELECT package_name AS package, geo_country_iso_code AS country, count(*) AS requests, {ORIGINS} FROM EVENTS WHERE {JUNE} GROUP BY ALL",
        45,
        1.1,
    ),
    "downloads": Question(
        "Pulls and downloads by day and client, all events",
        3,
        "series --every d --by client --metric pulls,downloads --window all",
        DOWNLOADS,
        45,
    ),
    "sessions": Question("Sessions by client, all events", 10, "report --by client --metric sessions --window all", SESSIONS, 45),
    "versions": Question(
        "Versions of npm packages: downloads, who asked, who is active; all events",
        5,
        "versions --where ecosystem=npm --window all",
        VERSIONS.replace("ECOSYSTEM", "npm"),
        45,
        2,
    ),
    "versions-pypi": Question("The same of PyPI's", 5, "versions --where ecosystem=pypi --window all", VERSIONS.replace("ECOSYSTEM", "pypi"), 45, 2),
    "releases": Question("Versions of all packages, floating tags and digests resolved, all events", 5, "versions --window all", "", 45),
    "adoption": Question("Downloads by days since each release, all events", 5, "versions --adoption --window all", "", 45),
    "adoption-pypi": Question("The same of PyPI's", 5, "versions --adoption --where ecosystem=pypi", ADOPTION.replace("ECOSYSTEM", "pypi"), 45, 3),
    "lag": Question("How long people took to move to each release, all events", 5, "versions --lag --window all", "", 45),
    "lag-pypi": Question("The same of PyPI's", 5, "versions --lag --where ecosystem=pypi", LAG.replace("ECOSYSTEM", "pypi"), 45, 3),
    "echo": Question("What machines took of each release, all events", 5, "versions --echo", "", 45),
    "would-miss": Question("Who would miss the tag latest, 30 days", 5, "versions --would-miss latest", "", 45, beside=WOULD_MISS),
    "platforms": Question(
        "The share of each client, and which shares grow; all events",
        5,
        "versions --of client",
        DOWNLOADS[: DOWNLOADS.rindex("SELECT")] + SHARES,
        45,
        2,
    ),
    "cohorts": Question("Who came again, by week of the first time", 5, "cohorts --window 2024-07-01..2025-06-29", COHORTS, YEAR, 3),
    "year": Question(
        "Origins, endpoints and networks over a year",
        3,
        "uniques --level origin,endpoint,network --window 2024-07..2025-06",
        f"SELECT {ORIGINS}, {ORIGINS.replace('origin', 'endpoint')}, {ORIGINS.replace('origin', 'network')} FROM EVENTS",
        YEAR,
    ),
    "class": Question(
        "Requests, downloads and origins by class, all events", 10, "report --by class --metric requests,downloads,origins --window all", "", 45
    ),
    "behaviour": Question("Why origins come, all events", 10, "behaviour --window all", "", 45, beside=PERIODS),
    "mix": Question("The mix of classes by day, 30 days", 5, f"behaviour --every d --metric requests {_JUNE}", "", 45),
    "instances": Question(
        "Running instances by package and version, all events", 10, "report --metric instances --by package,version --window all", "", 45
    ),
    "orgs": Question("Organisations: what each takes, its classes, versions and growth; all events", 10, "orgs --window all", "", 45),
    "offenders": Question("Requests that need not be made, all kinds, all events", 10, "offenders --window all", "", 45),
    "inflation": Question("Downloads that repeat what their origin had, all events", 10, "doctor inflation --window all", "", 45),
}


def question_contestants(name: str, store: Path, work: Path) -> list[Contestant]:
    """List a question, and the same SQL on the same files."""
    question, listed = QUESTIONS[name], work / "files.json"
    limit = () if name == "year" else ("--limit", "0")
    ours = (*PULLSTATS, *question.asked.split(), *limit, "--format", "json", "--store", str(store))
    contestants = [Contestant(f"pullstats {question.asked.partition(' ')[0]}", ours)]
    query = question.query or question.beside
    if not query:
        return contestants
    return [
        *contestants,
        Contestant(
            "DuckDB, the same as SQL" if question.query else "DuckDB, what SQL says of it",
            (sys.executable, "-c", DUCKDB, str(listed), query),
            missing="" if has_duckdb() else NEEDS_DUCKDB,
            shown=f"python -c DUCKDB {listed} {name.upper()}",
        ),
    ]


LIST_FILES = "import json, sys, deltalake; print(json.dumps(deltalake.DeltaTable(sys.argv[1]).file_uris()))"


def list_store_files(store: Path, work: Path) -> str:
    """Write the Parquet files of the store's last snapshot to `files.json`; says what went wrong, if anything."""
    done = subprocess.run((sys.executable, "-c", LIST_FILES, str(store / "events")), capture_output=True, text=True, check=False)
    if done.returncode:
        return "no store to read: " + done.stderr.strip().rpartition("\n")[2]
    (work / "files.json").write_text(done.stdout)
    return ""
