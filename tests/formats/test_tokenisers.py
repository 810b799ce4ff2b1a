"""Nothing guesses at what a stranger writes: no beginning of a block, and of no line in it, changes what other lines are."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pullstats import tokenisers
from pullstats.clock import Clock
from pullstats.formats import FORMATS, Detection
from pullstats.pipeline.decoder import LogDecoder
from pullstats.pipeline.plan import IngestSummary
from pullstats.sources import Block, LinesUnwrapper
from pullstats.sources.line_wrappers import WRAPPERS
from pullstats.tokenisers import read_columns, read_objects
from support.effort import examples, some

ZLIB = [bytes((8 + 16 * window, flags)) for window in range(8) for flags in range(256) if (256 * (8 + 16 * window) + flags) % 31 == 0]
"""All beginnings of a zlib stream: RFC 1950, 2.2."""
MAGIC = [
    b"\x1f\x8b", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x5d\0\0\x80\0", b"\x04\x22\x4d\x18",
    b"\xff\x06\0\0sNaPpY", b"LZIP\x01", b"\x89LZO\0", b"\x1f\x9d", b"7z\xbc\xaf\x27\x1c", b"PK\x03\x04", b"PAR1", b"ARROW1\0\0", b"Obj\x01", b"ORC",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"+/v8", b"\x4c\x6f\xa7\x94", b"\0\0\0", b"\x0e\xfe\xff",
]  # fmt: skip
"""gzip, zstd, bz2, xz, lzma, lz4, snappy, lzip, lzop, compress, 7z, zip, Parquet, Arrow, Avro, ORC; byte order marks; EBCDIC, NULs."""
ODD = [
    b"#", b"'", b'"', b'\\"', b"{", b"}", b"[[[[", b"{}", b"null", b"NaN", b"[1 2]", b"[999]", b"\\", b"\r", b"\x01", b"\x1a", b"\x85", b"\xe2\x80\xa8",
    b"\xff", b"\xed\xa0\x80", b" ", b"\t", b"|", b"\x1b[31m", b"\x0b\x0c\x1c", b"//", b";", b"%", b"=1+1", b"1e999 ", b"\xef\xbb\xbf{",
]  # fmt: skip
DIRECTIVE = b"#Fields: nothing that-is known "
STARTS = [*ZLIB, *MAGIC, *ODD]
CLOCK = Clock("UTC", datetime(2026, 11, 24, tzinfo=UTC))
INNER = tuple(FORMATS[name] for name in ("nginx-combined", "json", "w3c", "cloudfront"))
FORMAT_LOGS = [(item.name, LogDecoder(Detection((item,), 1.0, {}), clock=CLOCK), item.sample.encode()) for item in FORMATS.values()]
WRAPPED = [
    (item.name, LogDecoder(Detection(INNER, 1.0, {}), item.name, LinesUnwrapper((item,), CLOCK), clock=CLOCK), item.sample.encode())
    for item in WRAPPERS
]
NO_EVENT = {"harbor-untimed", "verdaccio-untimed", "docker-json", "cri", "compose", "kubectl", "fluentd-file", "timestamps", "ansi", "prefix"}
"""Whose sample alone is none: it lacks a time, or is of a line that is none of `INNER`."""
LOGS = [log for log in (*FORMAT_LOGS, *WRAPPED) if b"\n" not in log[2] and log[0] not in NO_EVENT]


def events(log: LogDecoder, data: bytes) -> dict[int, dict[str, Any]]:
    """Read a block: its events by their place."""
    parsed = log.read(Block(data, 0))
    assert parsed.lines == data.count(b"\n")
    return {row["source_offset"]: row for reading in parsed.readings for row in reading.frame.to_dicts()}


def without_place(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("source_line", "source_offset")}


def check_good_lines(log: LogDecoder, good: bytes, starts: list[bytes]) -> None:
    """Read a block in which good lines and such with odd beginnings take turns: the good ones are as ever."""
    (alone,) = events(log, good).values()
    data, places = b"", {}
    for number, start in enumerate(starts):
        data += start + good
        places[len(data)] = 2 * number + 2
        data += good
    found = events(log, data)
    for place, line in places.items():
        assert without_place(found[place]) == without_place(alone), starts[line // 2 - 1]
        assert found[place]["source_line"] == line


ALONE = (b"x^", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf", b"{")
"""Beginnings that are tried by themselves: each in every log in a soak, one in each in turn otherwise."""


@pytest.mark.parametrize(("log", "sample"), [pytest.param(*log[1:], id=log[0]) for log in some(LOGS, 6)])
def test_no_beginning_of_a_line_changes_another_line(log: LogDecoder, sample: bytes) -> None:
    good = sample + b"\n"
    starts = STARTS if log.formats[0].headed else [*STARTS, DIRECTIVE]  # only where a server writes directives do they say something
    check_good_lines(log, good, starts)
    for start in some(ALONE, len(ALONE), first=len(sample) % len(ALONE)):
        check_good_lines(log, good, [start])


@examples(25)
@example(index=0, starts=[b"[" * 3000])
@example(index=0, starts=[b'{"log":"[1 2]","message":"[1 2]","MESSAGE":"[1 2]","request":"{x"}'])
@given(
    index=st.integers(0, len(LOGS) - 1),
    starts=st.lists(st.one_of(st.binary(max_size=12), st.sampled_from(STARTS)).map(lambda start: start.replace(b"\n", b"")), min_size=1, max_size=3),
)
def test_no_bytes_before_a_line_change_another_line(index: int, starts: list[bytes]) -> None:
    _, log, sample = LOGS[index]
    check_good_lines(log, sample + b"\n", [start for start in starts if not start.lower().startswith(b"#fields:")] or [b"#"])


@pytest.mark.parametrize("line", [b"[1 2]", b"[1,,2]", b"[300]", b"[ ]", b"[" + b"9" * 5000 + b"]", b"[-1]"])
def test_a_list_that_is_none_of_bytes_stays_text(line: bytes) -> None:
    wrapper = next(item for item in WRAPPERS if item.name == "journald")
    block = Block(b'{"__REALTIME_TIMESTAMP":"1704164645003000","MESSAGE":"' + line + b'"}\n', 0)
    assert LinesUnwrapper((wrapper,), CLOCK).unwrap(block).messages["message"].to_list() == [line.decode()]


@pytest.mark.parametrize("value", [b'"{x"', b'"{"', b'"{}"', b'{"headers":"{"}', b"[[[1]]]", b"1e999", b"NaN", b"9" * 5000, b"[" * 600 + b"]" * 600])
def test_an_odd_value_of_a_json_log_is_odd_alone(value: bytes) -> None:
    good = FORMATS["json"].sample.encode() + b"\n"
    log = LogDecoder(Detection((FORMATS["json"],), 1.0, {}), clock=CLOCK)
    (alone,) = events(log, good).values()
    for key in (b"request", b"headers", b"status", b"time", b"http"):
        odd = b'{"remote_addr":"192.0.2.1","status":200,"%b":%b}\n' % (key, value)
        found = events(log, good + odd + good)
        assert without_place(found[0]) == without_place(found[len(good + odd)]) == without_place(alone), key


@pytest.mark.parametrize("start", [*STARTS, b"80", b"8n", b"12", b"1.", b'{"'])
def test_a_tokeniser_cuts_any_beginning_as_it_is(start: bytes) -> None:
    data = start.replace(b"\x01", b"") + b"some text\nanother line\n"
    frame = read_columns(data, pl.Schema({"line": pl.String()}), "\x01")
    mark = b"\xef\xbb\xbf"
    expected = data.removeprefix(mark).decode("utf-8", "replace").split("\n")[:-1]
    try:
        data.decode()
    except UnicodeDecodeError:
        assert frame is None
    else:
        assert frame is not None
        assert frame["line"].to_list() == expected
    found = read_objects(start + b'{"a":"1"}\n{"a":"2"}\n', pl.Schema({"a": pl.String()}))
    assert found is None or found["a"].to_list()[-1] == "2"


def test_what_is_handed_over_uncopied_is_guessed_at_by_no_tokeniser() -> None:
    """The beginnings that are taken for harmless are: should a new polars know more compressions, this says so."""
    schema = pl.Schema({"line": pl.String()})
    rest = b"^AY&SY\xbc\xaf'\x1c text\nanother line\n".replace(b"\xbc\xaf", b"zz")
    starts = [bytes((first, second)) for first in range(256) for second in range(256)]
    harmless = [start for start in starts if tokenisers.HARMLESS.match(start)]
    assert {start[:1] for start in harmless} == {b"%d" % digit for digit in range(10)} | {b"{"}
    for start in harmless:
        for tail in (rest, b"zz'\x1c text\nanother line\n"):
            frame = pl.read_csv(start + tail, separator="\x01", quote_char=None, has_header=False, schema=schema)
            assert frame["line"].to_list() == (start + tail).decode().split("\n")[:-1]


def test_only_one_place_hands_bytes_to_a_tokeniser() -> None:
    guessing = re.compile(r"\bpl\.(?:read|scan)_(?:csv|ndjson|json|lines|ipc|avro|excel)\w*\(|json_decode|infer_schema_length|try_parse_dates")
    package = Path(tokenisers.__file__).parent
    found = {path.relative_to(package).name for path in package.rglob("*.py") if guessing.search(path.read_text(encoding="utf-8"))}
    assert found == {"tokenisers.py"}


TakeIn = Any


def line(host: bytes, second: int) -> bytes:
    return b'%b 192.0.2.%d - - [02/Mar/2026:00:00:%02d +0000] "GET /x HTTP/1.1" 200 1 "-" "curl"\n' % (host, second, second)


@pytest.mark.parametrize("start", [b"x^y.example:443", b"x\x01", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd"])
def test_a_line_that_begins_like_a_compressed_stream_stops_no_run_and_no_other_log(start: bytes, tmp_path: Path, take_in: TakeIn) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    first, second = logs / "access.log", logs / "b.log"
    first.write_bytes(line(b"shop.example:443", 1) + line(b"shop.example:443", 2))
    second.write_bytes(line(b"other.example:443", 3))
    assert take_in(logs).total("events") == 3
    first.write_bytes(first.read_bytes() + line(start, 4) + line(b"shop.example:443", 5))
    second.write_bytes(second.read_bytes() + line(b"other.example:443", 6))
    grown: IngestSummary = take_in(logs)
    assert grown.total("events") + grown.total("rejected") == 3
    assert grown.total("events") >= 2
    assert take_in(logs).total("events") == 0
