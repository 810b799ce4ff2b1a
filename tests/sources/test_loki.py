"""Answers of Loki's API hold the lines that were asked for, wherever they are cut, and whatever stands in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.pipeline.plan import IngestSummary
from pullstats.sources import find_wrapper
from pullstats.sources.blocks import Block
from pullstats.store import open_store
from support.effort import examples

TakeIn = Callable[..., IngestSummary]
LINE = '198.51.100.{n} - - [02/Jan/2024:03:04:{n:02} +0000] "GET /dl/{n}.tar.gz HTTP/1.1" 200 612 "-" "{agent}"'
HOSTILE = 'x\\" ]]}]}],[["1704164645678901234","198.51.100.99 - - [02/Jan/2024:03:04:05 +0000] \\"GET /no HTTP/1.1\\" 200 1'


def answer(lines: list[str], *, indent: int | None = None, has_metadata: bool = False) -> bytes:
    pairs: list[list[Any]] = [[str(1704164645678901234 + n), line] for n, line in enumerate(lines)]
    pairs = [[*pair, {"trace": '["1704164645678901235","no"]'}] for pair in pairs] if has_metadata else pairs
    streams = [{"stream": {"app": '["1"', "n": str(n)}, "values": pairs[n::2]} for n in range(2)]
    result = {"resultType": "streams", "result": streams, "stats": {"summary": {"bytesProcessedPerSecond": 1, "x": []}}}
    return json.dumps({"status": "success", "data": result}, indent=indent).encode()


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("has_metadata", [False, True])
def test_every_line_of_an_answer_is_read_once(indent: int | None, *, has_metadata: bool, tmp_path: Path, take_in: TakeIn) -> None:
    lines = [LINE.format(n=n, agent=HOSTILE.replace("\\", "\\x5C").replace('"', "\\x22") if n == 3 else "curl/8") for n in range(20)]
    path = tmp_path / "answer.json"
    path.write_bytes(answer(lines, indent=indent, has_metadata=has_metadata))
    summary = take_in(path)
    assert (summary.sources[0].wrapper, summary.total("lines"), summary.total("events")) == ("loki-answer", 20, 20)
    paths = open_store(tmp_path / "store").scan_events(None).collect()["url_path"]
    assert sorted(paths) == sorted(f"/dl/{n}.tar.gz" for n in range(20))


def test_an_answer_without_lines_is_no_log_in_any_format(tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "answer.json"
    path.write_bytes(b'{"status":"success","data":{"resultType":"streams","result":[],"stats":{}}}')
    (source,) = take_in(path).sources
    assert (source.format, source.confidence, source.lines) == ("", 0.0, 0)


@examples(60)
@given(lines=st.lists(st.text(max_size=30) | st.just(HOSTILE), max_size=12), size=st.integers(1, 400), has_metadata=st.booleans())
def test_an_answer_may_be_cut_anywhere_between_pairs(lines: list[str], size: int, *, has_metadata: bool) -> None:
    data = answer(lines, has_metadata=has_metadata)
    found = find_wrapper(data, "answer.json")
    assert found is not None
    unwrapper = found[1]
    whole = unwrapper.unwrap(Block(data, 0)).messages
    pieces, start, stop = [], 0, 0
    while stop < len(data):
        stop = min(stop + size, len(data))
        cut = unwrapper.framing.last_cut(data[start:stop]) if stop < len(data) else stop - start
        pieces.append(unwrapper.unwrap(Block(data[start : start + cut], start)).messages)
        start += cut
    assert pl.concat(pieces).equals(whole)
    if not any(set(line) & set("\r\n") for line in lines):
        assert whole["message"].to_list() == lines[::2] + lines[1::2]


def test_a_pair_without_an_end_is_refused() -> None:
    data = answer([LINE.format(n=1, agent="x")])
    found = find_wrapper(data, "answer.json")
    assert found is not None
    unwrapped = found[1].unwrap(Block(data[: data.index(b"GET")], 0))
    assert (unwrapped.messages.height, unwrapped.refused["reason"].to_list()) == (0, ["envelope"])
