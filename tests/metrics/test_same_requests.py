"""Requests that several logs hold under one id: told by `doctor`, counted once where that is asked for; reckoned anew here, row by row."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.cli import run
from pullstats.metrics import Query, prepare_events
from pullstats.metrics.same_requests import find_repeats
from pullstats.pipeline.answer import read_extent
from pullstats.store import open_store
from support.command import pullstats
from support.effort import examples, some

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
Row = tuple[str, int, int, str | None, str, bool]
"""Log, place in it, second, id, method, and whether the client is unknown or of a private network."""


def reckon(rows: list[Row], order: list[str]) -> set[tuple[str, int]]:
    """Tell which requests do not stay: the best of their id and method within a minute lies in another log."""
    gone = set()
    for log, place, second, name, method, _ in rows:
        near = [row for row in rows if name is not None and row[3] == name and row[4] == method and abs(row[2] - second) <= 60]
        if near and min(near, key=lambda row: (row[5], order.index(row[0])))[0] != log:
            gone.add((log, place))
    return gone


@examples(80)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 300), st.sampled_from(["x", "y", None]), st.sampled_from(["GET", "HEAD"]), st.booleans()),
        max_size=14,
    ),
    st.permutations("abc"),
    st.integers(1, 3),
)
def test_what_is_left_out_is_what_is_reckoned(made: list[Any], order: list[str], parts: int) -> None:
    rows: list[Row] = [(log, place, second, name, method, inner) for place, (log, second, name, method, inner) in enumerate(made)]
    frame = pl.DataFrame(
        {
            "source_id": [row[0] for row in rows],
            "source_offset": [row[1] for row in rows],
            "timestamp": [START + timedelta(seconds=row[2]) for row in rows],
            "http_request_id": [row[3] for row in rows],
            "http_request_method": [row[4] for row in rows],
            "endpoint_id": [1 for _ in rows],
            "network_type": ["private" if row[5] else "isp" for row in rows],
        },
        schema={
            "source_id": pl.String, "source_offset": pl.Int64, "timestamp": pl.Datetime("us", "UTC"), "http_request_id": pl.String,
            "http_request_method": pl.String, "endpoint_id": pl.Int64, "network_type": pl.String,
        },
    )  # fmt: skip
    ranks = pl.DataFrame({"source_id": order, "source_rank": [0, 1, 2]})
    found = find_repeats(frame.lazy(), ranks, parts)
    assert {(log, place) for log, place in found.select("source_id", "source_offset").rows()} == reckon(rows, order)


def write_line(second: float, client: str, name: str, path: str = "/simple/a/", status: int = 200, agent: str = "pip/23.1") -> str:
    moment = (START + timedelta(seconds=second)).isoformat()
    item = {"time": moment, "remote_addr": client, "method": "GET", "uri": path, "status": status, "request_id": name, "http_user_agent": agent}
    return json.dumps(item) + "\n"


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Take in an edge that knows its clients, what is behind it and knows the edge, and a second edge, two days; and the edges alone."""
    folder = tmp_path_factory.mktemp("edges")
    chance = random.Random(7)
    edge, inner, other = [], [], []
    for number in range(120):
        second = number * 1200.0
        client = f"192.0.2.{chance.randrange(1, 60)}"
        path = chance.choice(["/simple/a/", f"/packages/ab/cd/ef/a-1.{number % 3}.tar.gz"])
        if number % 3 == 2:
            other.append(write_line(second, client, f"id{number}", path))
            continue
        edge.append(write_line(second, client, f"id{number}", path))
        if number % 5:  # the rest is answered by the cache
            inner.append(write_line(second - 0.4, "10.0.0.7", f"id{number}", path))
    edge.append(write_line(30.5, "192.0.2.99", "forged"))
    edge.append(write_line(31.5, "192.0.2.99", "forged"))
    for name, lines in (("inner.log", inner), ("edge-1.log", edge), ("edge-2.log", other)):
        (folder / name).write_text("".join(lines))
    names = [str(folder / name) for name in ("inner.log", "edge-1.log", "edge-2.log")]
    assert run(["ingest", "-q", *names, "--store", str(folder / "store")]) == 0
    assert run(["ingest", "-q", *names[1:], "--store", str(folder / "clean")]) == 0
    return folder


@pytest.fixture(name="store")
def _store(folder: Path) -> Path:
    return folder / "store"


def ask(*arguments: str) -> str:
    return pullstats(*arguments).out


COMMANDS = {
    "report": ["report", "--by", "version", "--metric", "requests,downloads,downloaders,checks,endpoints,networks", "--total"],
    "rules": ["report", "--count-as", "pullstats@1,pullstats@2,raw", "--metric", "downloads,invocations"],
    "part of it": ["report", "--where", "version=1.1", "--window", "2026-03-02"],
    "series": ["series", "--every", "d", "--metric", "requests,downloads,origins"],
    "uniques": ["uniques"],
    "origins": ["origins", "--metric", "requests,downloads"],
    "concentration": ["concentration"],
    "compare": ["compare", "2026-03-02", "2026-03-03", "--metric", "requests,downloads"],
    "daily": ["export", "--set", "daily"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_answer_is_that_of_the_edges_alone(name: str, store: Path, folder: Path) -> None:
    command = [*COMMANDS[name], "--format", "csv", *(["--window", "all"] if name not in {"compare", "part of it"} else [])]
    once = ask(*command, "--same-request", "id", "--store", str(store))
    assert once == ask(*command, "--store", str(folder / "clean"))
    if name in some(COMMANDS, 3):
        assert once != ask(*command, "--store", str(store))


def test_headline_rows_csv_and_json_agree_and_say_what_is_left_out(store: Path) -> None:
    options = ["--window", "all", "--same-request", "id", "--store", str(store), "--metric", "requests"]
    wrapped = json.loads(ask("report", "--by", "source", *options, "--format", "json", "--meta"))
    events = open_store(store).scan_events(["source_id"]).collect().height
    left = wrapped["meta"]["repeated_requests"]
    assert left == 64  # of the edge's 80 those that no cache answered
    assert wrapped["meta"]["totals"]["requests"] == sum(row["requests"] for row in wrapped["rows"]) == events - left == 122
    table = ask("report", *options)
    assert "122 requests" in table
    assert "64 requests left out that another log holds, too (--same-request id)" in " ".join(table.split())
    rows = ask("export", "--set", "events", "--window", "all", "--same-request", "id", "--format", "ndjson", "--store", str(store)).splitlines()
    assert len(rows) == 122


def test_a_silent_log_is_none_because_its_requests_are_counted_elsewhere(store: Path) -> None:
    for row in json.loads(ask("series", "--every", "d", "--window", "all", "--same-request", "id", "--store", str(store), "--format", "json")):
        assert not row.get("gap")
        assert not row.get("partial")


def test_when_logs_were_silent_is_asked_of_all_that_they_hold(store: Path) -> None:
    """Releases are named of what counts once; the silences of a log are not."""
    opened = open_store(store)
    events = prepare_events(opened.scan_events, read_extent(opened), Query(("requests",), same_request="id"))
    counted, held = (scan(["source_id"], None, None).collect().height for scan in (events.scan, events.logs))
    assert (counted, held) == (122, 186)


def test_doctor_names_the_logs_that_hold_the_same_requests(store: Path, folder: Path) -> None:
    said = json.loads(ask("doctor", "--format", "json", "--meta", "--store", str(store)))["meta"]["warnings"]
    told = [line for line in said if "by their ids" in line]
    assert len(told) == 1
    assert told[0].startswith("64 requests of '")
    assert "inner.log' are in '" in told[0]
    assert "edge-1.log' as well" in told[0]
    assert not [
        line
        for line in json.loads(ask("doctor", "--format", "json", "--meta", "--store", str(folder / "clean")))["meta"]["warnings"]
        if "ids" in line
    ]
