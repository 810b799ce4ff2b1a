"""Parquet as a log: its rows are read, known, mapped and counted like the lines of any other."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.errors import InputError
from pullstats.pipeline.plan import IngestSummary
from pullstats.sources import SourceFile, open_source, parse_expansion
from pullstats.sources.parquet import MAGIC, ParquetLines
from pullstats.store import open_store
from support.command import pullstats
from support.effort import SOAK, across, examples

TakeIn = Callable[..., IngestSummary]
AT = dt.datetime(2024, 3, 12, 15, 22, 28, 104_718, tzinfo=dt.UTC)
MAP = "time=started,client=who.ip,path=target,status=code,agent=headers.User-Agent,method=verb"
CLOUDFRONT = {  # docs.aws.amazon.com/athena/latest/ug/create-cloudfront-table-manual-parquet.html: all columns are strings
    "date": "2025-01-15", "time": "10:20:30", "x_edge_location": "CDG50-P2", "sc_bytes": "703", "c_ip": "198.51.100.4", "cs_method": "GET",
    "cs_host": "d111111abcdef8.cloudfront.net", "cs_uri_stem": "/dl/demo-1.0.tar.gz", "sc_status": "200", "cs_referer": "-",
    "cs_user_agent": "pip/24.0%20%7B%22ci%22:true%7D", "cs_uri_query": "a=1", "cs_cookie": "-", "x_edge_result_type": "Hit",
    "x_edge_request_id": "375WZmnR4hhhnlZKNn0D_LvkWhAqvWvBsUqySq8f_GOoAPP3k8R8fw==", "x_host_header": "dl.example.org", "cs_protocol": "https",
    "cs_bytes": "62", "time_taken": "0.113", "x_forwarded_for": "-", "ssl_protocol": "TLSv1.3", "cs_protocol_version": "HTTP/2.0", "c_port": "51754",
}  # fmt: skip


def table(count: int = 50) -> pa.Table:
    """Rows under names that nobody knows, in types that logs have."""
    headers = pa.map_(pa.string(), pa.list_(pa.string()))
    return pa.table(
        {
            "started": pa.array([AT + dt.timedelta(seconds=n) for n in range(count)], pa.timestamp("ns", "Europe/Berlin")),
            "who": [{"ip": f"198.51.100.{n % 250}", "port": 4711} for n in range(count)],
            "target": [f"/files/demo-1.{n}.zip" for n in range(count)],
            "code": pa.array([(200, 404, 302)[n % 3] for n in range(count)], pa.uint16()),
            "headers": pa.array([[("User-Agent", ["curl/8.5.0"]), ("X-Odd", [f'a"{n}\\'])] for n in range(count)], headers),
            "verb": pa.array(["GET"] * count).dictionary_encode(),
        }
    )


def packed(rows: pa.Table, **options: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(rows, target, **options)
    return target.getvalue()


def lines_of(data: bytes, tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "read.parquet"
    path.write_bytes(data)
    with path.open("rb", buffering=0) as file:
        stream = ParquetLines(file)
        parts = []
        while part := stream.read(1000):
            parts.append(part)
    return [json.loads(line) for line in b"".join(parts).splitlines()]


TYPED: dict[str, tuple[pa.Array, Any]] = {
    "text": (pa.array(['a"b\\c\n\t\x01é\u2028', None]), 'a"b\\c\n\t\x01é\u2028'),
    "bytes": (pa.array([b"caf\xc3\xa9", None]), "café"),
    "no utf-8": (pa.array([b"\xffa", None]), "\\xffa"),
    "number": (pa.array([2**62, None]), 2**62),
    "whole float": (pa.array([1500000000.0, None]), 1500000000),
    "float": (pa.array([0.113, None]), 0.113),
    "no number": (pa.array([float("nan"), None]), None),
    "decimal": (pa.array([Decimal("0.113"), None]), "0.113"),
    "truth": (pa.array([True, None]), True),
    "instant in ms": (pa.array([AT, None], pa.timestamp("ms", "UTC")), "2024-03-12T15:22:28.104000Z"),
    "instant elsewhere": (pa.array([AT, None], pa.timestamp("us", "Asia/Tokyo")), "2024-03-12T15:22:28.104718Z"),
    "local time": (pa.array([AT.replace(tzinfo=None), None], pa.timestamp("ns")), "2024-03-12T15:22:28.104718"),
    "day": (pa.array([AT.date(), None]), "2024-03-12"),
    "clock": (pa.array([AT.time(), None]), "15:22:28.104718"),
    "list": (pa.array([["a", None, "b"], None]), ["a", None, "b"]),
    "object": (pa.array([{"x": 1, "y": {"z": ["q"]}}, None]), {"x": 1, "y": {"z": ["q"]}}),
    "map": (pa.array([[("k", "v"), ('"', "w")], None], pa.map_(pa.string(), pa.string())), {"k": "v", '"': "w"}),
    "list of objects": (pa.array([[{"a": 1}, {"a": None}], None]), [{"a": 1}, {}]),
    "dictionary": (pa.array(["x", None]).dictionary_encode(), "x"),
    "nothing": (pa.nulls(2), None),
}


@pytest.mark.parametrize("name", TYPED)
def test_a_value_of_any_type_becomes_json(name: str, tmp_path: Path) -> None:
    column, expected = TYPED[name]
    (first, second) = lines_of(packed(pa.table({"a.b": column, "n": [1, 2]})), tmp_path)
    assert first == ({"a.b": expected, "n": 1} if expected is not None else {"n": 1})
    assert second == {"n": 2}


def test_the_text_of_a_row_is_what_a_log_is_known_by(tmp_path: Path) -> None:
    """Another text for the same row would be another log: it must never change."""
    path = tmp_path / "a.parquet"
    path.write_bytes(packed(table(1)))
    with path.open("rb", buffering=0) as file:
        text = ParquetLines(file).read(10_000).decode()
    assert text == (
        '{"started":"2024-03-12T15:22:28.104718Z","who":{"ip":"198.51.100.0","port":4711},"target":"/files/demo-1.0.zip","code":200,'
        '"headers":{"User-Agent":["curl/8.5.0"],"X-Odd":["a\\"0\\\\"]},"verb":"GET"}\n'
    )


CELLS = st.one_of(st.none(), st.text(max_size=12))
FIELDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(rows=st.lists(st.dictionaries(FIELDS, CELLS, max_size=4), min_size=1, max_size=8), group=st.integers(1, 9))
@examples(40)
def test_any_texts_under_any_names_are_read_back(rows: list[dict[str, str | None]], group: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["a"]
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    found = lines_of(packed(pa.table(columns), row_group_size=group), tmp_path_factory.mktemp("p"))
    assert found == [{name: row[name] for name in names if row.get(name) is not None} for row in rows]


def test_rows_are_mapped_and_counted_once_whatever_holds_them(tmp_path: Path, take_in: TakeIn, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(packed(table()))
    first = take_in(path, field_map=MAP)
    assert (first.total("events"), first.sources[0].wrapper, first.sources[0].format) == (50, "parquet", "json-mapped")
    events = open_store(tmp_path / "store").scan_events(None).sort("source_offset").collect()
    assert events["timestamp"].to_list() == [AT + dt.timedelta(seconds=n) for n in range(50)]
    assert events["url_path"][7] == "/files/demo-1.7.zip"
    assert events["user_agent_name"].unique().to_list() == ["curl"]
    copies = {
        "copy.parquet": packed(table()),
        "other.parquet": packed(table(), compression="zstd", row_group_size=7),
        "packed.parquet.gz": gzip.compress(packed(table(), version="1.0")),
        "rows.json": b"".join(
            json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n" for row in lines_of(packed(table()), tmp_path)
        ),
    }
    for name, data in copies.items():
        (tmp_path / name).write_bytes(data)
        again = take_in(tmp_path / name, field_map=MAP)
        assert (again.total("events"), again.total("duplicates")) == (0, 50), name
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(packed(table()))))
    assert take_in("-", field_map=MAP).total("duplicates") == 50


@pytest.mark.parametrize("options", [{}, {"row_group_size": 250}, {"use_dictionary": False, "compression": "none"}])
def test_any_block_size_gives_the_same_events(options: dict[str, Any], tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(packed(table(400), **options))
    summary = take_in(path, field_map=MAP, block_size=3_000, is_dry_run=True)
    assert (summary.total("lines"), summary.total("events")) == (400, 400)


def test_cloudfront_is_known_without_a_map(tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "E1.2025-01-15-10.parquet"
    path.write_bytes(packed(pa.Table.from_pylist([CLOUDFRONT, CLOUDFRONT | {"time": "10:20:31", "sc_status": "404", "cs_user_agent": "curl/8.5.0"}])))
    (check,) = pullstats("formats", "detect", path, "--format", "json").rows
    assert (check["format"], check["wrapper"], check["confidence"], check["failed"]) == ("json", "parquet", 1.0, 0)
    assert take_in(path).total("events") == 2
    event = open_store(tmp_path / "store").scan_events(None).sort("timestamp").collect().row(0, named=True)
    assert event["timestamp"] == dt.datetime(2025, 1, 15, 10, 20, 30, tzinfo=dt.UTC)
    assert (event["user_agent_original"], event["url_domain"], event["url_query"]) == ('pip/24.0 {"ci":true}', "dl.example.org", "a=1")
    assert (event["http_request_duration_us"], event["cache_status"], event["network_protocol_version"]) == (113_000, "Hit", "2")


def test_a_file_that_is_no_log_is_told_by_its_columns(tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "trips.parquet"
    path.write_bytes(packed(pa.table({"vendor": [1, 2], "fare": [3.5, 4.5]})))
    with pytest.raises(InputError, match=r"its columns are vendor, fare; none of them is known") as caught:
        take_in(path)
    assert "\n" not in str(caught.value)
    path.write_bytes(packed(table().rename_columns(["started", "peer", "target", "code", "rest", "verb"])))
    with pytest.raises(InputError, match=r"--map time=started,client=peer.ip,method=verb,path=target,status=code"):
        take_in(path)


WHOLE = packed(table(300), row_group_size=100)


@given(place=st.integers(0, len(WHOLE) - 1), byte=st.one_of(st.none(), st.integers(0, 255)))
@examples(60)
def test_damage_anywhere_ends_in_lines_or_in_one_sentence(place: int, byte: int | None, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = WHOLE[:place] if byte is None else WHOLE[:place] + bytes((byte,)) + WHOLE[place + 1 :]
    path = tmp_path_factory.mktemp("p") / "a.parquet"
    path.write_bytes(data)
    with open_source(SourceFile(path, is_named=True)) as source:
        found = b""
        while part := source.read(1 << 16):
            found += part
        assert source.damage in (None, "the parquet data ends early or is damaged")
    if data.startswith(MAGIC):
        assert byte is not None or not found


def test_damage_is_said_and_nothing_of_it_counts(tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(WHOLE[:-9])
    with pytest.raises(InputError, match=r"nothing can be read of '.*a\.parquet': the parquet data ends early or is damaged"):
        take_in(path, field_map=MAP)
    folder = tmp_path / "folder"
    folder.mkdir()
    path.rename(folder / "a.parquet")
    (folder / "b.parquet").write_bytes(packed(table()))
    summary = take_in(folder, field_map=MAP)
    assert summary.total("events") == 50
    assert any("a.parquet: the parquet data ends early" in failure for failure in summary.failures)


def test_a_file_without_rows_is_passed_over(tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(packed(table(0)))
    summary = take_in(path, field_map=MAP)
    assert summary.total("lines") == 0
    assert not summary.failures


def test_a_small_file_cannot_ask_for_all_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(packed(pa.table({"a": pa.array(["x" * 100_000] * (20_000 if SOAK else 2_000)).dictionary_encode()})))
    assert path.stat().st_size < 1 << 20
    with open_source(SourceFile(path, is_named=True), parse_expansion("20MB" if SOAK else "2MB")) as source:
        total = 0
        while part := source.read(1 << 20):
            total += len(part)
        assert total < (64 if SOAK else 20) << 20
        assert source.damage
        assert "raise --max-expanded" in source.damage


def test_a_log_whose_first_word_is_the_mark_is_text(tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "a.log"
    path.write_text('PAR1.example.com 198.51.100.7 - - [12/Mar/2024:15:22:28 +0000] "GET / HTTP/1.1" 404 612 "-" "Mozilla/5.0"\n')
    assert take_in(path).total("events") == 1


def test_of_a_delta_table_only_what_is_in_it_counts(tmp_path: Path, take_in: TakeIn) -> None:
    folder = tmp_path / "table"
    rows = pl.DataFrame([CLOUDFRONT])
    rows.write_delta(str(folder))
    rows.with_columns(time=pl.lit("11:00:00")).write_delta(str(folder), mode="append")
    rows.with_columns(time=pl.lit("12:00:00")).write_delta(str(folder), mode="overwrite")
    (folder / "_SUCCESS").touch()
    assert len(list(folder.glob("*.parquet"))) == 3
    summary = take_in(folder)
    assert (summary.total("events"), summary.notes[-1:]) == (1, summary.notes[-1:])
    assert open_store(tmp_path / "store").scan_events(None).collect()["timestamp"].dt.hour().to_list() == [12]
    next((folder / "_delta_log").glob("*02.json")).write_text("{")
    assert any("a Delta table whose log cannot be read" in failure for failure in take_in(folder).failures)


@pytest.mark.parametrize(("unit", "said"), across(["s", "ms", "us", "ns"], ["", ":ms"]))
def test_a_duration_keeps_the_unit_of_its_type(unit: str, said: str, tmp_path: Path, take_in: TakeIn) -> None:
    """Whatever the map takes plain numbers for: 3 s are 3 s."""
    path = tmp_path / "a.parquet"
    lasted = pa.array([dt.timedelta(seconds=3)] * 5, pa.duration(unit))
    path.write_bytes(packed(table(5).append_column("lasted", lasted)))
    take_in(path, field_map=f"{MAP},duration=lasted{said}")
    assert open_store(tmp_path / "store").scan_events(None).collect()["http_request_duration_us"].to_list() == [3_000_000] * 5
