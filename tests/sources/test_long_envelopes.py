"""Envelopes of many events, read as lines of an event each, give what lists give."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pullstats.sources import cloudwatch_tokens
from pullstats.sources.blocks import Block
from pullstats.sources.cloudwatch_documents import DocumentUnwrapper
from pullstats.sources.messages import Unwrapped
from support.effort import examples

MESSAGES = st.sampled_from(
    ["GET /", '"GET / HTTP/1.1" 200', "a\\b", 'x},{"id":"2"', "x },{", "]}", '{"a":1}', "é😀", "a\nb", "\t\x00", "", "]", '"logEvents":[', "\ud83d"]
)
TIMES = st.sampled_from([1548116776816, 1548116776817, 0, 1548116776])
ODD: st.SearchStrategy[Any] = st.sampled_from([None, "1548116776816", 1.5, 33, [], {}, [{"a": 1}, {"b": 2}], True])
EVENTS = st.lists(st.fixed_dictionaries({"id": st.sampled_from(["1", "2", ""]), "timestamp": TIMES, "message": MESSAGES}), max_size=3)
NAMES = st.sampled_from(["/a", "/b/c", 'q"u\\o', "é", "", "\ud83d"])
HEADS = st.fixed_dictionaries(
    {"messageType": st.just("DATA_MESSAGE"), "owner": st.just("1"), "logGroup": NAMES, "logStream": NAMES, "subscriptionFilters": st.just(["a"])}
)
EXTRAS = st.dictionaries(st.sampled_from(["messageType", "logStream", "policyLevel", "extra"]), ODD | st.just("CONTROL_MESSAGE"), max_size=1)
BLANKS = st.sampled_from([(",", ":"), (", ", ": "), (",\n", ":")])


@st.composite
def blocks(draw: st.DrawFn) -> bytes:
    """Envelopes with a few events; in some there is another value or key, or a sign too many or too few."""
    written = []
    for _ in range(draw(st.integers(1, 3))):
        events: list[dict[str, Any]] = draw(EVENTS)
        if events and draw(st.integers(0, 3)) == 0:
            events[0] = events[0] | draw(st.dictionaries(st.sampled_from(["id", "timestamp", "message", "extractedFields"]), ODD, max_size=1))
        envelope = draw(HEADS) | {"logEvents": events}
        if draw(st.integers(0, 3)) == 0:
            envelope |= draw(EXTRAS)
        written.append(json.dumps(envelope, separators=draw(BLANKS), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass"))
    data = draw(st.sampled_from([b"", b"\n", b" "])).join(written)
    if draw(st.integers(0, 4)) == 0:
        place = draw(st.integers(0, len(data)))
        data = (
            data[:place] + draw(st.sampled_from([b"", b"{", b"}", b"]", b'"', b",", b"\\", b"\xff", b"\n"])) + data[place + draw(st.integers(0, 1)) :]
        )
    return data


def unwrap(data: bytes, least: int) -> Unwrapped:
    """Unwrap a block; envelopes of so many bytes are long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cloudwatch_tokens, "LONG", least)
        return DocumentUnwrapper(data, has_rows=False).unwrap(Block(data, 7))


@examples(400)
@example(data=b'{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":1,"message":"a"}]}')
@example(data=b'{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":1,"message":"a"}],"logGroup":"b"}')
@example(
    data=b'{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":1,"message":"a"},{"id":"2","timestamp":1,"message":"b"} , {"id":"3"}]}'
)
@example(data=b'{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","id":"2","timestamp":1,"timestamp":2,"message":"a","message":"b"}]}')
@example(data=b'{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":99999999999999999999,"message":"a"}]}')
@example(data=b'{"messageType":"DATA_MESSAGE","logEvents":[{"id":{"a":1},"timestamp":1,"message":["a"]},{"ID":"1","timestamp":1,"message":"x"}]}')
@given(data=blocks())
def test_long_envelopes_are_read_as_short_ones_are(data: bytes) -> None:
    long, short = unwrap(data, 0), unwrap(data, 1 << 40)
    assert_frame_equal(long.messages, short.messages)
    assert_frame_equal(long.refused, short.refused)
    assert (long.ignored, long.remarks) == (short.ignored, short.remarks)


def test_long_envelopes_are_read_without_their_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [{"id": str(number), "timestamp": 1548116776816, "message": f'"GET /{number} HTTP/1.1"'} for number in range(100)]
    envelope = {"messageType": "DATA_MESSAGE", "logGroup": "/a", "logStream": "b", "logEvents": events}
    data = (json.dumps(envelope, separators=(",", ":")) * 2).encode()
    monkeypatch.setattr(cloudwatch_tokens, "_ENVELOPE_SCHEMA", None)
    found = DocumentUnwrapper(data, has_rows=False).unwrap(Block(data, 0))
    assert found.messages["message"].to_list() == [event["message"] for event in events] * 2
    assert found.messages["cloudwatch_log_group"].unique().to_list() == ["/a"]
    starts = [match.start() for match in re.finditer('{"messageType', data.decode())]
    assert found.messages["source_offset"].to_list() == [start + place for start in starts for place in range(100)]
