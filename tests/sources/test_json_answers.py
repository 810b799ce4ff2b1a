"""Records in the answers of services give the same events as the same objects, one a line, and nothing else is taken for an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pullstats.pipeline.plan import IngestSummary
from pullstats.sources import Block, find_answer
from pullstats.store import open_store
from support.effort import across, examples
from support.json_records import VALUES, assert_grows, event

Items = list[dict[str, Any]]
OBJECTS = st.lists(st.fixed_dictionaries({"k": VALUES}), min_size=1, max_size=5)
ENVELOPES: dict[str, Callable[[Items], Any]] = {
    "items": lambda items: {"items": items},
    "data": lambda items: {"kind": "x", "data": items, "meta": {"page": {"after": "]}{", "tags": ["]", "}"]}}, "links": {"next": None}},
    "result": lambda items: {"result": items, "success": True, "errors": [], "messages": []},
    "hits": lambda items: {
        "took": 5,
        "timed_out": False,
        "_shards": {"total": 1, "failed": 0},
        "hits": {"total": {"value": 10_000, "relation": "gte"}, "max_score": None, "hits": items},
    },
    "hits and more": lambda items: {"took": 5, "hits": {"total": 2, "hits": items, "x": 1}, "profile": {"a": {"b": 1}}, "status": 200},
}


@given(
    pages=st.lists(OBJECTS, min_size=1, max_size=3),
    size=st.integers(0, 700),
    indent=st.sampled_from([None, 1]),
    envelope=st.sampled_from(sorted(ENVELOPES)),
    between=st.sampled_from(["", "\n", " \r\n"]),
)
@example(pages=[[{"k": "]}{"}, {"k": '"]} {"items":[{'}], [{"k": [{"a": 1}]}]], size=60, indent=None, envelope="items", between="")
@example(pages=[[{"k": [{"a": {}}]}], [{"k": 1}]], size=200, indent=None, envelope="hits", between="\n")
@examples(400)
def test_every_record_is_given_once_wherever_answers_are_cut(pages: list[Items], size: int, indent: int | None, envelope: str, between: str) -> None:
    data = between.join(json.dumps(ENVELOPES[envelope](page), indent=indent) for page in pages).encode()
    found = find_answer(data, "a.json")
    assert found is not None
    unwrapper = found[1]
    cut = unwrapper.framing.last_cut(data[:size])
    parts = [unwrapper.unwrap(Block(data[:cut], 0)), unwrapper.unwrap(Block(data[cut:], cut))]
    assert [json.loads(line) for part in parts for line in part.messages["message"]] == [item for page in pages for item in page]
    assert all(data[offset : offset + 1] == b"{" for part in parts for offset in part.messages["source_offset"])
    assert not any(part.refused.height for part in parts)
    assert unwrapper.framing.final_cut(data) == len(data)


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\a1 \n', max_size=80).map(str.encode), st.sampled_from(sorted(ENVELOPES)))
@examples(200)
def test_any_bytes_are_taken_or_refused(data: bytes, envelope: str) -> None:
    find_answer(data, "x")
    whole = json.dumps(ENVELOPES[envelope]([{"a": 1}])).encode()
    found = find_answer(whole, "x")
    assert found is not None
    for text in (data, whole + data, data + whole):
        assert found[1].unwrap(Block(text, 0)).messages["message"].null_count() == 0
        assert 0 <= found[1].framing.last_cut(text) <= len(text)
        assert 0 <= found[1].framing.final_cut(text) <= len(text)


LINE = '192.0.2.7 - - [12/Mar/2024:15:22:28 +0000] "GET /7 HTTP/1.1" 200 5 "-" "curl/8"'
RECORDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "requests": event,
    "found": lambda number: {"_index": "access", "_id": str(number), "_score": 1.0, "_source": event(number)},
    "lines": lambda number: {"_index": "access", "_id": str(number), "_source": {"@timestamp": "2024-03-12T15:22:28Z", "message": LINE}},
}


@pytest.mark.parametrize(("envelope", "records", "indent"), across(sorted(ENVELOPES), sorted(RECORDS), [None, 2]))
def test_answers_are_read(envelope: str, records: str, indent: int | None, tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    log = tmp_path / "a.json"
    pages = [[RECORDS[records](number) for number in range(1, 6)], [RECORDS[records](6)]]
    log.write_text("\n".join(json.dumps(ENVELOPES[envelope](page), indent=indent) for page in pages))
    summary = take_in(log, block_size=500)
    assert (summary.total("events"), summary.total("rejected"), summary.total("ignored")) == (6, 0, 0)
    assert str(summary.sources[0].wrapper).split("+")[0] == "json-answer"
    events = open_store(tmp_path / "store").scan_events(None).collect().sort("source_offset")
    assert events["url_path"].to_list() == ([f"/{number}" for number in range(1, 7)] if records != "lines" else ["/7"] * 6)


def test_an_answer_that_grows_is_read_on(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    whole = json.dumps(ENVELOPES["hits"]([event(1, tags=[1]), event(2), event(3, tags=[{"a": 1}])]))
    assert_grows(whole, tmp_path, take_in)


@pytest.mark.parametrize(("key", "indent"), across(["items", "data", "result"], [None, 2]))
def test_requests_that_hold_a_list_are_no_answers(key: str, indent: int | None, tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    log = tmp_path / "a.json"
    lines = [json.dumps({**event(number), key: [{"sku": "a"}, {"sku": "b"}]}, indent=indent) for number in range(1, 5)]
    log.write_text("\n".join([*lines[:2], "nonsense", *lines[2:], ""]))
    summary = take_in(log)
    assert (summary.total("events"), summary.total("rejected")) == (4, 1)
    assert summary.sources[0].wrapper == (None if indent is None else "json-documents")
