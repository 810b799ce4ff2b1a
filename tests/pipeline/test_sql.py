"""SQL gives what reports give, reads nothing but the store, and says in one sentence what it cannot do."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from pullstats.metrics import DIMENSIONS
from pullstats.pipeline.sql.results import read_batches
from pullstats.render.sanitise import HIDDEN
from pullstats.store import open_store
from support.command import pullstats, take_into
from support.effort import some
from support.places import DATA, ROOT

TEXTS = [
    str(case["bytes"]).encode("latin-1").decode("utf-8", "replace")[:300]
    for case in map(json.loads, (DATA / "hostile_inputs.jsonl").read_text().splitlines())
    if case["where"] in {"user_agent", "path", "referer"} and case["bytes"] and "format" not in case
]


@pytest.mark.parametrize("name", some(DIMENSIONS, 6))
def test_counted_downloads_are_those_of_a_report(name: str, few_store: Path) -> None:
    key = DIMENSIONS[name].key
    words = ("--store", few_store, "--format", "json")
    rows = pullstats("sql", f'SELECT "{key}", count(*) AS downloads FROM downloads GROUP BY 1', *words).rows
    told = pullstats("report", "--by", name, "--metric", "downloads", "--window", "all", "--limit", 0, *words).rows
    assert {row[key]: row["downloads"] for row in rows} == {row[key]: row["downloads"] for row in told if row["downloads"]}


def test_events_are_those_of_the_store(few_store: Path) -> None:
    """Columns that a file leaves out, as they are null throughout it, are null."""
    words = ("--store", few_store, "--format", "json")
    events = open_store(few_store).scan_events().collect()
    named = ", ".join(f'count("{name}") AS "n_{name}"' for name in events.columns)
    (found,) = pullstats("sql", f"SELECT count(*) AS n, {named} FROM events", *words).rows
    assert found == {"n": events.height} | {f"n_{name}": events[name].count() for name in events.columns}
    (row,) = pullstats("sql", "SELECT count(DISTINCT origin_id) AS n, min(origin_id) AS first FROM events", *words).rows
    ids = {f"{value & (2**64 - 1):016x}" for value in events["origin_id"].drop_nulls()}
    assert row == {"n": len(ids), "first": min(ids)}


def test_origins_and_logs_are_those_of_the_store(few_store: Path) -> None:
    words = ("--store", few_store, "--format", "json")
    rows = pullstats("sql", "SELECT * FROM origins", *words).rows
    events = open_store(few_store).scan_events(["origin_id"]).collect()["origin_id"].drop_nulls()
    assert sum(row["requests"] for row in rows) == events.len()
    assert len({row["origin"] for row in rows}) == len(rows) == events.n_unique()
    (total,) = pullstats("sql", "SELECT count(*) AS n FROM downloads WHERE origin IS NOT NULL", *words).rows
    assert sum(row["downloads"] for row in rows) == total["n"]
    logs = pullstats("sql", "SELECT source, events FROM sources ORDER BY 1", *words).rows
    status = pullstats("status", *words).rows
    assert logs == sorted(({"source": row["source"], "events": row["events"]} for row in status), key=lambda row: row["source"])


def test_a_store_of_layout_1_is_asked_alike(tmp_path: Path) -> None:
    shutil.copytree(DATA / "store-0.1", tmp_path / "old")
    store = tmp_path / "old" / "store"
    (row,) = pullstats("sql", "SELECT count(*) AS n, count(DISTINCT origin_id) AS o FROM events", "--store", store, "--format", "json").rows
    events = open_store(store).scan_events(["origin_id"]).collect()
    assert row == {"n": events.height, "o": events["origin_id"].n_unique()}


def test_several_rules_each_have_their_rows(few_store: Path) -> None:
    words = ("--store", few_store, "--format", "json", "--count-as", "pullstats,scarf")
    rows = pullstats("sql", "SELECT rule, count(*) AS n FROM downloads GROUP BY 1", *words).rows
    (told,) = pullstats("report", "--by", "method", "--metric", "downloads", "--window", "all", "--where", "method=GET", *words).rows
    names = {rule.replace("@", "_"): n for rule, n in ((row["rule"], row["n"]) for row in rows)}
    assert len(names) == 2
    assert all(names[name.removeprefix("downloads_")] >= count for name, count in told.items() if name.startswith("downloads_"))


ATTACKS = (
    "COPY events TO '{0}/x.csv'",
    "COPY (SELECT 1) TO '{0}/x.csv'",
    "ATTACH '{0}/x.db'",
    "EXPORT DATABASE '{0}/x'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA database_list",
    "SET memory_limit = '9GB'",
    "CREATE TABLE t AS SELECT 1",
    "DROP VIEW events",
    "DELETE FROM events",
    "CALL pragma_version()",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY (SELECT 1) TO '{0}/x.csv'",
    "SELECT * FROM read_csv('{0}/secret.csv')",
    "SELECT * FROM read_text('{0}/secret.csv')",
    "SELECT * FROM read_parquet('{0}/*.parquet')",
    "SELECT * FROM glob('{0}/*')",
    "SELECT * FROM '{0}/secret.csv'",
    "SELECT (SELECT count(*) FROM read_blob('{0}/secret.csv'))",
    "WITH a AS (FROM sniff_csv('{0}/secret.csv')) FROM a",
    "SELECT * FROM query('SELECT * FROM read_text(''{0}/secret.csv'')')",
    "SELECT * FROM 'https://example.test/x.parquet'",
    "SELECT * FROM duckdb_settings()",
    "SELECT getenv('HOME')",
    "SELECT * FROM connection",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "PIVOT downloads ON client USING count(*)",
    "EXPLAIN ANALYZE SELECT 1",
    "",
    "-- nothing",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_else_is_read_or_written(attack: str, few_store: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\nsesame\n")
    before = sorted(few_store.rglob("*"))
    said = pullstats("sql", attack.replace("{0}", str(tmp_path)), "--store", few_store, code=2)
    assert len(said.err.splitlines()) == 1
    assert said.out == ""
    assert "sesame" not in said.err
    assert "internal" not in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    assert sorted(few_store.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT *\nFORM x", "line 2, column "),
        ("SELECT contry FROM events", 'line 1, column 8: Referenced column "contry" not found'),
        ("SELECT * FROM nowhere", "there are events, downloads, origins and sources"),
        ("SELECT package::INT FROM downloads WHERE package IS NOT NULL", "Could not convert"),
        ("SELECT 170141183460469231731687303715884105727::HUGEINT AS big", "CAST(big AS VARCHAR)"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, says: str, few_store: Path) -> None:
    (said,) = pullstats("sql", text, "--store", few_store, code=2).err.splitlines()
    assert says in said


def test_memory_is_bounded(few_store: Path) -> None:
    said = pullstats("sql", "SELECT list(r) FROM range(100000000) t(r)", "--memory", "30MB", "--store", few_store, code=2)
    assert "--memory" in said.err


def test_it_is_asked_by_file_and_pipe(few_store: Path, tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("SELECT 1 AS a;\n")
    words = ("--store", few_store, "--format", "json")
    assert pullstats("sql", f"@{tmp_path / 'a.sql'}", *words).rows == [{"a": 1}]
    assert pullstats("sql", "-", *words, stdin="SELECT 2 AS a").rows == [{"a": 2}]
    assert "cannot read the SQL" in pullstats("sql", "@nowhere.sql", *words, code=2).err


def test_without_duckdb_it_says_what_to_install(few_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert "pip install 'pullstats[sql]'" in pullstats("sql", "SELECT 1", "--store", few_store, code=2).err


def test_every_kind_of_value_has_a_column(few_store: Path) -> None:
    text = (
        "SELECT [1, 2] AS l, {'a': DATE '2020-01-01'} AS s, INTERVAL '1 month 1 day 3.5 s' AS i, sum(r) AS h, 1.5 AS d, 'x'::BLOB AS b, TIME '10:00' AS t, "
        "TIMESTAMP '2020-01-01' AS ts, DATE '2020-01-01' AS dd, TRUE AS f, NULL AS z, 1 AS f, TIMESTAMPTZ '2020-01-01 00:00+00' AS n FROM range(3) t(r)"
    )
    (row,) = pullstats("sql", text, "--store", few_store, "--format", "json", "--tz", "Europe/Berlin").rows
    assert row == {
        "l": "[1, 2]", "s": '{"a": "2020-01-01"}', "i": "P1M1DT3.5S", "h": 3, "d": 1.5, "b": "78", "t": "10:00:00", "ts": "2020-01-01T00:00:00",
        "dd": "2020-01-01", "f": True, "z": None, "f_2": 1, "n": "2020-01-01T01:00:00+01:00",
    }  # fmt: skip
    for name in ("table", "csv", "ndjson", "md", "parquet"):
        assert pullstats("sql", text, "--store", few_store, "--format", name, "-o", few_store.parent / "x").code == 0
    assert read_batches.__doc__


def test_the_examples_of_the_docs_run(few_store: Path) -> None:
    found = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "sql.md").read_text(), re.DOTALL)
    assert len(found) >= 5
    for text in found:
        pullstats("sql", text, "--store", few_store)


@pytest.mark.parametrize("output", ["table", "csv", "json", "md"])
def test_no_text_of_a_stranger_leaves_as_it_came(output: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "sql-hostile"
    if not folder.exists():
        folder.mkdir()
        lines = [
            {
                "remote_addr": "192.0.2.1",
                "time_iso8601": "2026-03-02T00:00:01+00:00",
                "request_method": "GET",
                "request_uri": "/v2/" + text,
                "status": 200,
            }
            | {"server_protocol": "HTTP/1.1", "body_bytes_sent": 1, "http_user_agent": text}
            for text in TEXTS
        ]
        (folder / "a.log").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        take_into(folder / "store", folder / "a.log")
    said = pullstats("sql", "SELECT user_agent_original, url_path, [url_path] AS l FROM events", "--store", folder / "store", "--format", output).out
    assert not re.search(f"[{HIDDEN}]", said.replace("\n", ""))
    if output == "csv":
        rows = list(csv.reader(io.StringIO(said)))
        assert len(rows) == len(TEXTS) + 1
        assert not [cell for row in rows for cell in row if cell.lstrip().startswith(("=", "+", "@"))]
