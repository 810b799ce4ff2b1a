"""Logs whose lines are rows, or hold a label before every value: read by `--map`, by known names, or by number."""

from __future__ import annotations

import gzip
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullstats.errors import InputError
from pullstats.formats import Detector, FormatChoice, choose_formats
from pullstats.pipeline.log_detection import detect_log
from pullstats.pipeline.plan import IngestSummary
from pullstats.sources import SourceFile, open_source, read_blocks
from pullstats.store import open_store
from support.command import pullstats
from support.effort import SOAK, across, some
from support.table_writers import SEPARATORS, write_json, write_logfmt, write_ltsv, write_parquet, write_table, write_w3c

TakeIn = Callable[..., IngestSummary]
AT = datetime(2024, 3, 12, 15, 22, 28, 250_000, tzinfo=UTC)
NAMES = {
    "time": "began",
    "client": "peer",
    "method": "verb",
    "path": "where",
    "status": "code",
    "bytes": "volume",
    "agent": "prog",
    "duration": "took",
}
UNITS = {"time": ":ms", "duration": ":ms"}
MAP = ",".join(f"{field}={name}{UNITS.get(field, '')}" for field, name in NAMES.items())


def requests(count: int = 30) -> list[dict[str, str]]:
    return [
        {
            "time": str(int((AT + timedelta(seconds=n)).timestamp() * 1000)),
            "client": f"198.51.100.{n % 250}",
            "method": ("GET", "HEAD")[n % 2],
            "path": f"/files/demo-1.{n}.zip",
            "status": ("200", "404", "302")[n % 3],
            "bytes": str(n * 7),
            "agent": ("curl/8.5.0", "pip/24.0 (x; y), z|w", "Wget/1.21")[n % 3],
            "duration": str(n),
        }
        for n in range(count)
    ]


def renumbered(names: dict[str, str]) -> str:
    return ",".join(f"{field}={place}{UNITS.get(field, '')}" for place, field in enumerate(names, 1))


def read(path: Path, field_map: str | None, block_size: int = 1 << 20) -> tuple[pl.DataFrame, int, list[str], str]:
    """Read a file as ingest does: what was read, how many lines were ignored, why others were rejected, and the format."""
    frames, ignored, reasons, before = [], 0, [], 0
    with open_source(SourceFile(path, is_named=True)) as source:
        log = detect_log(source, Detector(choose_formats(FormatChoice(field_map=field_map))))
        for block in read_blocks(source, block_size=block_size, framing=log.framing):
            parsed = log.read(block)
            frames += [reading.frame.with_columns(pl.col("source_line") + before) for reading in parsed.readings]
            ignored += parsed.ignored
            reasons += [reason for part in parsed.rejects for reason in part["reason"]]
            before += parsed.lines
    assert log.detection.best, "no format"
    return pl.concat(frames, how="diagonal").sort("source_offset") if frames else pl.DataFrame(), ignored, reasons, log.formats[0].name


COMPARED = ["timestamp", "request", "address", "agent", "http_response_status_code", "http_response_body_size", "http_request_duration_us"]
WRITERS: dict[str, Callable[[list[dict[str, str]], dict[str, str]], bytes]] = {
    **{name: partial(write_table, separator=separator) for name, separator in SEPARATORS.items()},
    "all quoted": lambda rows, names: write_table(rows, names, ",", is_all_quoted=True),
    "crlf": lambda rows, names: write_table(rows, names, ",", end="\r\n"),
    "byte order mark": lambda rows, names: b"\xef\xbb\xbf" + write_table(rows, names, ";"),
    "ltsv": write_ltsv,
    "logfmt": write_logfmt,
    "json": write_json,
    "parquet": write_parquet,
    "w3c": lambda rows, names: write_w3c([row | {"agent": row["agent"].replace(" ", "_")} for row in rows], names),
}


def expected(rows: list[dict[str, str]], kind: str) -> list[tuple[Any, ...]]:
    return [
        (
            datetime.fromtimestamp(int(row["time"]) / 1000, UTC),
            f"{row['method']} {row['path']}",
            row["client"],
            row["agent"].replace(" ", "_") if kind == "w3c" else row["agent"],
            int(row["status"]),
            int(row["bytes"]),
            int(row["duration"]) * 1000,
        )
        for row in rows
    ]


@pytest.mark.parametrize("kind", WRITERS)
@settings(max_examples=4 * SOAK or 1)
@given(
    order=st.permutations(sorted(NAMES)),
    words=st.permutations(["a1", "x-y", "Zed", "http.q", "müll", "_u", "K0", "verb"]),
    size=st.sampled_from([300, 1 << 20]),
)
def test_a_table_gives_the_same_events_however_it_is_written(
    kind: str, order: list[str], words: list[str], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = dict(zip(order, words, strict=True))
    field_map = ",".join(f'{field}="{name}"{UNITS.get(field, "")}' for field, name in sorted(names.items()))
    rows = requests()
    path = tmp_path_factory.mktemp("t") / "log"
    path.write_bytes(WRITERS[kind](rows, names))
    frame, _, reasons, _ = read(path, field_map, size)
    assert not reasons
    assert frame.select(COMPARED).rows() == expected(rows, kind)


@pytest.mark.parametrize("kind", [*SEPARATORS, "w3c"])
def test_columns_without_names_are_read_by_number(kind: str, tmp_path: Path) -> None:
    rows = requests() if kind != "w3c" else [row | {"agent": row["agent"].replace(" ", "_")} for row in requests()]
    data = write_w3c(rows, NAMES, has_header=False) if kind == "w3c" else write_table(rows, NAMES, SEPARATORS[kind], has_header=False)
    path = tmp_path / "log"
    path.write_bytes(data)
    frame, _, reasons, _ = read(path, renumbered(NAMES))
    assert not reasons
    assert frame.select(COMPARED).rows() == expected(rows, kind)
    path.write_bytes(write_table(rows, NAMES, ","))
    assert read(path, renumbered(NAMES))[0].select(COMPARED).rows() == expected(rows, kind)  # a header is no obstacle


@pytest.mark.parametrize("size", some([200, 1000, 1 << 20], 2))
def test_a_header_holds_until_another_comes_in_any_order(size: int, tmp_path: Path) -> None:
    rows = requests(60)
    other = dict(reversed(NAMES.items()))
    parts = [
        write_table(rows[:20], NAMES, ","),
        write_table(rows[20:30], NAMES, ","),  # the same once more
        write_table(rows[30:50], other, ","),
        write_table(rows[50:], NAMES, ";"),
    ]
    path = tmp_path / "a.csv"
    path.write_bytes(b"".join(parts))
    frame, ignored, reasons, _ = read(path, MAP, size)
    assert (ignored, reasons) == (4, [])
    assert frame.select(COMPARED).rows() == expected(rows, "csv")
    data = path.read_bytes()
    assert all(data[row["source_offset"] :].split(b"\n", 1)[0].count(b"198.51.100.") == 1 for row in frame.iter_rows(named=True))


def test_a_grown_table_goes_on_under_its_header(tmp_path: Path, take_in: TakeIn) -> None:
    rows, path = requests(60), tmp_path / "a.csv"
    other = dict(reversed(NAMES.items()))
    whole = write_table(rows[:20], NAMES, ",") + write_table(rows[20:40], other, ",") + write_table(rows[40:], other, ",", has_header=False)
    cuts = [whole.index(b"\n", len(whole) // 8) + 1, whole.index(b"\n", len(whole) * 3 // 4) + 1, len(whole)]
    total = 0
    for cut in cuts:
        path.write_bytes(whole[:cut])
        total += take_in(path, field_map=MAP).total("events")
    assert total == 60
    assert take_in(path, field_map=MAP).total("events") == 0
    packed = tmp_path / "b.csv.gz"
    packed.write_bytes(gzip.compress(whole))
    again = take_in(packed, field_map=MAP)
    assert (again.total("events"), again.total("duplicates")) == (0, 62)
    events = open_store(tmp_path / "store").scan_events(None).sort("timestamp").collect()
    assert events["http_response_status_code"].to_list() == [int(row["status"]) for row in rows]


@pytest.mark.parametrize("size", some([150, 400, 1 << 20], 2))
def test_a_newline_in_quotes_is_part_of_its_row_and_begins_none(size: int, tmp_path: Path) -> None:
    rows = requests(40)
    evil = f'x\n{rows[0]["time"]},6.6.6.6,GET,/evil,200,1,"y'
    rows[3] |= {"agent": "two\nlines"}
    rows[17] |= {"agent": evil}
    rows[30] |= {"agent": 'three\n"quoted"\nlines'}
    path = tmp_path / "a.csv"
    path.write_bytes(write_table(rows, NAMES, ","))
    frame, _, reasons, _ = read(path, MAP, size)
    assert not reasons
    assert frame.select(COMPARED).rows() == expected(rows, "csv")
    assert frame["source_line"].to_list()[4] == 7


def test_a_newline_in_quotes_is_part_of_its_row_anywhere_in_a_large_piece(tmp_path: Path) -> None:
    rows = requests(4_000)
    for n in range(0, 4_000, 7):
        rows[n] |= {"agent": "two\nlines\n" * (n % 5 + 1)}
    path = tmp_path / "a.csv"
    path.write_bytes(write_table(rows, NAMES, ","))
    assert path.stat().st_size > 256 << 10
    frame, _, reasons, _ = read(path, MAP)
    assert not reasons
    assert frame.select(COMPARED).rows() == expected(rows, "csv")


def test_one_stray_quote_costs_its_own_line(tmp_path: Path) -> None:
    rows = requests(40)
    lines = write_table(rows, NAMES, ",").split(b"\n")
    lines[11] = lines[11].replace(b"curl", b'"curl').replace(b"Wget", b'"Wget').replace(b'"pip', b'""pip')
    path = tmp_path / "a.csv"
    path.write_bytes(b"\n".join(lines))
    frame, _, reasons, _ = read(path, MAP)
    assert reasons == ["format"]
    assert frame.height == 39


KNOWN = {
    "ecs": ("@timestamp,source.ip,http.request.method,url.path,http.response.status_code,user_agent.original", "2024-03-12T15:22:28Z,198.51.100.1,GET,/a.zip,200,curl/8"),
    "otel": ("timestamp\tclient.address\thttp.request.method\turl.path\thttp.response.status_code\tuser_agent.original", "2024-03-12T15:22:28Z\t198.51.100.1\tGET\t/a.zip\t200\tcurl/8"),
    "gcs in another order": ("time_micros,sc_status,c_ip,cs_uri,cs_method,cs_user_agent,sc_bytes", "1710256948000000,200,198.51.100.1,/a.zip,GET,curl/8,12"),
    "cloudfront": (
        "date,time,x_edge_location,c_ip,cs_method,cs_uri_stem,sc_status,cs_user_agent", "2024-03-12,15:22:28,CDG50,198.51.100.1,GET,/a.zip,200,curl/8",
    ),
    "spreadsheet": ("Timestamp;Client_IP;Method;Path;Status;User_Agent", "2024-03-12 15:22:28;198.51.100.1;GET;/a.zip;200;curl/8"),
    "bars": ("time|remote_addr|request|status|http_user_agent", "12/Mar/2024:15:22:28 +0000|198.51.100.1|GET /a.zip HTTP/1.1|200|curl/8"),
}  # fmt: skip


def test_known_names_need_no_map(tmp_path: Path, take_in: TakeIn) -> None:
    for name, (header, row) in KNOWN.items():
        (tmp_path / f"{name}.csv").write_text(f"{header}\n{row}\n{row}\n")
    summary = take_in(tmp_path / "*.csv")
    assert {(source.format, source.events, source.ignored) for source in summary.sources} == {("csv", 2, 1)}
    assert len(summary.sources) == len(KNOWN)
    for event in open_store(tmp_path / "store").scan_events(None).collect().iter_rows(named=True):
        assert (event["timestamp"], event["url_path"], event["http_response_status_code"]) == (AT.replace(microsecond=0), "/a.zip", 200)
        assert (event["user_agent_name"], event["http_request_method"]) == ("curl", "GET")


NONSENSE = {
    "status": ("where", "status"),
    "client": ("where", "client"),
    "time": ("verb", "time"),
    "path": ("code", "path"),
    "method": ("code", "method"),
    "bytes": ("prog", "size"),
    "duration": ("verb", "duration"),
}


@pytest.mark.parametrize(("kind", "field"), across(["csv", "ltsv", "logfmt", "json", "parquet"], NONSENSE))
def test_a_column_that_always_holds_something_else_is_refused(kind: str, field: str, tmp_path: Path, take_in: TakeIn) -> None:
    column, reason = NONSENSE[field]
    assert reason  # each has a sentence
    wrong = ",".join(f"{item}={column if item == field else name}{UNITS.get(item, '')}" for item, name in NAMES.items())
    path = tmp_path / "log"
    path.write_bytes(WRITERS[kind](requests(), NAMES))
    with pytest.raises(InputError, match="no known log format fits"):
        take_in(path, field_map=wrong)


@pytest.mark.parametrize("kind", ["csv", "ltsv", "logfmt", "json", "parquet"])
def test_a_column_that_now_and_then_holds_something_else_counts_nothing_there_and_is_told(kind: str, tmp_path: Path) -> None:
    mixed = [row | ({"path": "/a", "status": "x"} if n % 2 else {}) for n, row in enumerate(requests())]
    (tmp_path / "log").write_bytes(WRITERS[kind](mixed, NAMES))
    frame, _, reasons, _ = read(tmp_path / "log", MAP)
    assert reasons == ["status"] * 15
    assert frame.height == 15


NAMELESS = ["unix:", "198.51.100.0", "198.51.100.xxx", "2001:db8::/32", "3f2a9c1d8e7b6a504f3e2d1c0b9a8877", "sha256:" + "ab" * 32, "-"]


@pytest.mark.parametrize(("kind", "client"), across(["csv", "ltsv", "logfmt", "json", "parquet", "w3c"], NAMELESS))
def test_masked_hashed_and_nameless_clients_are_clients(kind: str, client: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(WRITERS[kind]([row | {"client": client} for row in requests(5)], NAMES))
    frame, _, reasons, _ = read(path, MAP)
    assert (frame.height, reasons) == (5, [])


def test_what_is_no_value_is_none(tmp_path: Path) -> None:
    rows = [
        row | {"client": nothing, "agent": nothing, "bytes": nothing}
        for row, nothing in zip(requests(6), ["", "-", "NULL", "\\N", "NaN", "None"], strict=True)
    ]
    path = tmp_path / "a.csv"
    path.write_bytes(write_table(rows, NAMES, ","))
    frame, _, reasons, _ = read(path, MAP)
    assert not reasons
    assert frame["address"].to_list() == [None] * 6
    assert frame["http_response_body_size"].to_list() == [None] * 6


def test_numbers_that_were_taken_for_floats_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(write_table([row | {"status": row["status"] + ".0", "bytes": row["bytes"] + ".0"} for row in requests()], NAMES, ","))
    frame, _, reasons, _ = read(path, MAP)
    assert not reasons
    assert frame.select(COMPARED).rows() == expected(requests(), "csv")


def test_a_day_and_a_time_may_stand_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("d,t,ip,u\n12.03.2024,15:22:28,198.51.100.1,/a\n")
    frame, *_ = read(path, "date=d,time=t:%d.%m.%Y %H:%M:%S,client=ip,path=u")
    assert frame["timestamp"].to_list() == [AT.replace(microsecond=0)]
    path.write_text("d;t;ip;u\n2024-03-12;15:22:28;198.51.100.1;/a\n")
    frame, *_ = read(path, "date=d,time=t,client=ip,path=u")
    assert frame["timestamp"].to_list() == [AT.replace(microsecond=0)]


def test_a_path_without_its_slash_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("t,ip,object\n1710256948,198.51.100.1,releases/demo-1.0.zip\n1710256948,198.51.100.1,https://x.example/a\n")
    frame, _, reasons, _ = read(path, "time=t:s,client=ip,path=object")
    assert not reasons
    assert [request.split()[1] for request in frame["request"]] == ["/releases/demo-1.0.zip", "https://x.example/a"]


@pytest.mark.parametrize("kind", some(["csv", "ltsv", "logfmt", "json", "parquet", "w3c"], 2))
def test_a_key_that_is_nowhere_is_refused_for_a_file_and_told_for_a_folder(kind: str, tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "folder" / "log"
    path.parent.mkdir()
    path.write_bytes(WRITERS[kind](requests(), NAMES))
    wrong = MAP.replace("agent=prog", "agent=porg")
    with pytest.raises(
        InputError, match=r"--map says agent=porg, but no line that was looked at has the (key|column|label|field) 'porg'; did you mean 'prog'\?"
    ):
        take_in(path, field_map=wrong)
    summary = take_in(path.parent, field_map=wrong)
    assert summary.total("events") == 30
    assert any("has the" in note and "did you mean 'prog'" in note for note in summary.notes)


@pytest.mark.parametrize("has_header", [True, False])
def test_a_number_that_no_column_has_is_refused(*, has_header: bool, tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(write_table(requests(), NAMES, ",", has_header=has_header))
    with pytest.raises(InputError, match=r"agent=9, but no line that was looked at has the column '9'"):
        take_in(path, field_map=renumbered(NAMES).replace("agent=7", "agent=9"))


def test_a_header_without_rows_is_read_on_when_they_come(tmp_path: Path, take_in: TakeIn) -> None:
    data = write_table(requests(), NAMES, ",")
    path = tmp_path / "a.csv"
    path.write_bytes(data[: data.index(b"\n") + 1])
    assert (take_in(path, field_map=MAP).total("ignored"), take_in(path, field_map=MAP).total("duplicates")) == (1, 1)
    path.write_bytes(data)
    assert take_in(path, field_map=MAP).total("events") == 30
    path.write_bytes(data + b"1,2,3\n")
    assert "csv-mapped expects a row of 8 columns that make sense (began, peer, verb" in pullstats("formats", "test", path, "--map", MAP).out


def test_a_key_that_is_rare_is_found(tmp_path: Path, take_in: TakeIn) -> None:
    rows = requests(5_000 if SOAK else 1_500)
    data = write_json(rows, NAMES)
    at = data.index(b"\n", len(data) // 3 * 2) + 1
    path = tmp_path / "a.json"
    path.write_bytes(data[:at] + data[at:].replace(b"{", b'{"seldom":"bytes=0-1",', 1))
    assert take_in(path, field_map=f"{MAP},range=seldom", is_dry_run=True).total("events") == len(rows)
    with pytest.raises(InputError, match="range=seldem"):
        take_in(path, store=tmp_path / "other", field_map=f"{MAP},range=seldem")


@pytest.mark.parametrize("separator", SEPARATORS.values())
def test_an_unknown_header_is_told_with_a_map_that_works(separator: str, tmp_path: Path, take_in: TakeIn) -> None:
    names = {
        "time": "began",
        "client": "peer_addr2",
        "method": "verb9",
        "path": "where",
        "status": "result_code",
        "bytes": "size_sent",
        "agent": "prog_agent",
    }
    path = tmp_path / "a.csv"
    path.write_bytes(write_table([row | {"time": "2024-03-12T15:22:28Z"} for row in requests()], names, separator))
    said = pullstats("ingest", path, "--store", tmp_path / "s", code=2).err
    assert "began, peer_addr2, verb9, where, result_code" in said
    words = shlex.split(said[said.index("--map") :])
    assert take_in(path, field_map=words[1], is_dry_run=True).total("events") == 30
    assert re.search(r"\n.", said.strip()) is None
