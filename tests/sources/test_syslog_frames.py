"""Syslog by octet counting is read, however its messages are parted and blocks are cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pullstats.pipeline.plan import IngestSummary
from pullstats.sources import Block, find_wrapper
from pullstats.sources.syslog_frames import FrameFraming, FrameUnwrapper
from pullstats.store import open_store
from support.effort import across, examples

TEXTS = st.text(alphabet='ab"\\ <>1é\x00{}[]:€', max_size=20).map(lambda text: f"<34>1 {text}x")
PLAIN = st.text(alphabet='ab" é€', max_size=20).map(lambda text: f"<34>1 {text}x")
BETWEEN = ["", "\n", "\r\n"]


def count(text: str, between: str = "") -> bytes:
    return f"{len(text.encode())} {text}{between}".encode()


def unwrap(data: bytes, cuts: list[int]) -> tuple[list[str], list[int], int]:
    """Take the messages out of blocks that end at most at some places."""
    framing = FrameFraming()
    messages, offsets, refused, start = [], [], 0, 0
    for place in [*sorted(cuts), len(data)]:
        end = start + framing.last_cut(data[start:place]) if place > start else start
        end = len(data) if place == len(data) else end
        unwrapped = FrameUnwrapper(b"").unwrap(Block(data[start:end], start))
        messages += unwrapped.messages["message"].to_list()
        offsets += unwrapped.messages["source_offset"].to_list()
        refused += unwrapped.refused.height
        start = end
    return messages, offsets, refused


@given(st.lists(TEXTS, min_size=1, max_size=8), st.sampled_from(BETWEEN), st.lists(st.integers(0, 250), max_size=4))
@example(["<34>1 83 <34>1 x", "<34>1 x"], "", [20])
@examples(300)
def test_every_message_is_given_once_wherever_blocks_are_cut(texts: list[str], between: str, cuts: list[int]) -> None:
    data = b"".join(count(text, between) for text in texts)
    messages, offsets, refused = unwrap(data, cuts)
    assert messages == texts
    assert [data[offset:].startswith(count(text)) for offset, text in zip(offsets, texts, strict=True)] == [True] * len(texts)
    assert not refused
    assert FrameFraming().final_cut(data + b"50 <34>1 ") == len(data) - len(between)
    assert find_wrapper(data, "x") is not None


@given(st.lists(st.tuples(PLAIN, st.integers(-3, 3)), min_size=2, max_size=8), st.lists(st.integers(0, 250), max_size=3))
@examples(200)
def test_lengths_that_are_wrong_lose_no_line(texts: list[tuple[str, int]], cuts: list[int]) -> None:
    data = b"".join(f"{max(len(text.encode()) + wrong, 1)} {text}\n".encode() for text, wrong in texts)
    messages, _, refused = unwrap(data, cuts)
    assert (messages, refused) == ([text for text, _ in texts], 0)


@given(st.binary(max_size=200) | st.text(alphabet="12 <>3\nx", max_size=80).map(str.encode))
@examples(200)
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    find_wrapper(data, "x")
    framing = FrameFraming()
    assert 0 <= framing.last_cut(data) <= len(data)
    assert 0 <= framing.next_cut(data) <= len(data)
    unwrapped = FrameUnwrapper(data).unwrap(Block(data, 0))
    assert unwrapped.messages["message"].null_count() == 0
    assert unwrapped.messages.height or unwrapped.refused.height or not data.strip(b" \t\r\n\x0b\x0c\0")


def request(number: int) -> str:
    return f'192.0.2.{number} - - [12/Mar/2024:15:22:{number:02} +0000] "GET /{number}-é HTTP/1.1" 200 5 "-" "curl/8"'


HEADS = {"syslog-5424": "<190>1 2024-03-12T15:22:28Z gw nginx 14 - - ", "syslog": "<190>Mar 12 15:22:28 gw nginx: "}


@pytest.mark.parametrize(("kind", "between"), across(sorted(HEADS), BETWEEN))
def test_access_lines_are_read(kind: str, between: str, tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    log = tmp_path / "syslog"
    log.write_bytes(b"".join(count(HEADS[kind] + request(number), between) for number in range(1, 31)))
    summary = take_in(log, block_size=700)
    assert (summary.total("lines"), summary.total("events"), summary.sources[0].wrapper) == (30, 30, f"syslog-frames+{kind}")
    events = open_store(tmp_path / "store").scan_events(None).collect().sort("source_offset")
    assert events["timestamp"].dt.second().to_list() == list(range(1, 31))


def test_a_log_that_grows_is_read_on(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    log = tmp_path / "syslog"
    whole = b"".join(count(HEADS["syslog"] + request(number)) for number in range(1, 7))
    log.write_bytes(whole[: len(whole) // 2])
    first = take_in(log)
    assert (first.total("events"), first.total("rejected")) == (3, 0)
    log.write_bytes(whole)
    second = take_in(log)
    assert (first.total("events") + second.total("events"), second.total("rejected")) == (6, 0)
