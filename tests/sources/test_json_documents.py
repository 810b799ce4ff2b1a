"""JSON that is not one object a line gives the same events as the same objects, one a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pullstats.sources import Block, json_documents
from pullstats.sources.documents_framing import DocumentsFraming
from pullstats.sources.json_documents import DocumentsUnwrapper, is_documents
from pullstats.sources.json_structure import Objects, last_start, split_objects
from pullstats.store import open_store
from support.effort import across, examples, some
from support.json_records import VALUES, assert_grows, event

OBJECTS = st.lists(st.fixed_dictionaries({"k": VALUES}), min_size=2, max_size=6)
SHAPES = {
    "nothing between": lambda items: "".join(json.dumps(item) for item in items),
    "array": lambda items: json.dumps(items, ensure_ascii=False),
    "indented array": lambda items: json.dumps(items, indent=1),
    "indented": lambda items: "\n".join(json.dumps(item, indent=2) for item in items),
    "commas": lambda items: ",\n".join(json.dumps(item) for item in items),
    "array, an object a line": lambda items: "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n]\n",
    "record separators": lambda items: "".join(f"\x1e{json.dumps(item, indent=1)}\n" for item in items),
}


@given(OBJECTS, st.sampled_from(sorted(SHAPES)), st.integers(0, 400))
@examples(250)
def test_every_object_is_given_once_wherever_the_log_is_cut(items: list[dict[str, Any]], shape: str, size: int) -> None:
    data = SHAPES[shape](items).encode()
    unwrapper = DocumentsUnwrapper(data)
    cut = DocumentsFraming().last_cut(data[:size])
    parts = [unwrapper.unwrap(Block(data[:cut], 0)), unwrapper.unwrap(Block(data[cut:], cut))]
    assert not any(part.refused.height for part in parts)
    offsets = [offset for part in parts for offset in part.messages["source_offset"]]
    lines = [message for part in parts for message in part.messages["message"]]
    assert [json.loads(line) for line in lines] == items
    assert all(data[offset : offset + 1] == b"{" for offset in offsets)
    assert len(set(offsets)) == len(items)


@given(OBJECTS, st.sampled_from(sorted(SHAPES)), st.integers(1, 90), st.sampled_from(["", "\ufeff", "\r\n \r\n"]))
@examples(250)
def test_objects_told_by_their_braces_are_those_that_are_decoded(items: list[dict[str, Any]], shape: str, together: int, before: str) -> None:
    data = (before + SHAPES[shape](items).replace("\n", "\r\n")).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_documents, "_TOGETHER", together)
        told = DocumentsUnwrapper(data).unwrap(Block(data, 7))
        patched.setattr(json_documents, "split_objects", lambda _: Objects(b"", [], 0, is_odd=True))
        decoded = DocumentsUnwrapper(data).unwrap(Block(data, 7))
    assert told.messages.equals(decoded.messages)
    assert told.messages.height == len(items)
    assert not told.refused.height + decoded.refused.height


@given(OBJECTS, st.lists(st.sampled_from(["nope", "5", ": x", '"a"', "tru"]), min_size=1, max_size=4), st.integers(1, 90))
@examples(100)
def test_what_stands_between_objects_is_refused_and_costs_none(items: list[dict[str, Any]], others: list[str], together: int) -> None:
    data = "".join(f"{json.dumps(item)} {others[index % len(others)]}\n" for index, item in enumerate(items)).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_documents, "_TOGETHER", together)
        patched.setattr(json_documents, "_STRETCH", 1)
        unwrapped = DocumentsUnwrapper(data).unwrap(Block(data, 0))
    assert [json.loads(line) for line in unwrapped.messages["message"]] == items
    assert sum(unwrapped.refused["length"]) >= sum(len(others[index % len(others)]) for index in range(len(items)))


@given(OBJECTS, st.integers(0, 400), st.sampled_from([None, 1]), st.sampled_from(["", '"from":"x","n":5,']))
@example([{"k": None}, {"k": "]}{"}], 0, None, "")
@example([{"k": 'a\\"]} {'}, {"]}{": "]}{]}{"}, {"k": 1}], 30, 1, "")
@examples(150)
def test_records_of_envelopes_are_cut_and_given_like_objects(items: list[dict[str, Any]], size: int, indent: int | None, others: str) -> None:
    whole = json.dumps({"records": items}, indent=indent)
    behind = json.dumps({"records": items[:1], "nextPageToken": "t"}, indent=indent)
    data = f"{{{others}{whole[1:]}\n{behind}".encode()
    assert is_documents(data)
    unwrapper = DocumentsUnwrapper(data)
    cut = unwrapper.framing.last_cut(data[:size])
    parts = [unwrapper.unwrap(Block(data[:cut], 0)), unwrapper.unwrap(Block(data[cut:], cut))]
    assert [json.loads(line) for part in parts for line in part.messages["message"]] == [*items, items[0]]
    assert all(data[offset : offset + 1] == b"{" for part in parts for offset in part.messages["source_offset"])
    assert not any(part.refused.height for part in parts)


def test_an_envelope_that_grows_is_read_on(tmp_path: Path, take_in: Any) -> None:
    whole = json.dumps({"records": [event(1, tags=[1]), event(2, tags=[1]), event(3, tags=[{"a": 1}])]})
    assert_grows(whole, tmp_path, take_in)


def test_a_long_object_is_one_wherever_windows_end(tmp_path: Path, take_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_documents, "_TOGETHER", 500)
    parts = [{"insertId": f"{number}", "note": "},{" * 3} for number in range(2_000)]
    log = tmp_path / "a.json"
    log.write_text(json.dumps([event(1), event(2, parts=parts), event(3)]))
    assert (found := take_in(log)).total("events") == 3
    assert found.total("rejected") == 0


def test_a_broken_object_costs_no_more_than_what_is_near() -> None:
    items = [json.dumps(event(number % 250, part=[{"a": 1}, {"a": number}])) for number in range(400)]
    items[200] = items[200].replace('"time": "', '"time": ')
    data = f"[{','.join(items)}]".encode()
    framing = DocumentsFraming()
    blocks, rest = [], b""
    for start in range(0, len(data), 9_000):
        rest += data[start : start + 9_000]
        cut = framing.last_cut(rest)
        blocks.append(rest[:cut])
        rest = rest[cut:]
        assert len(rest) < 20_000
    found = [json.loads(line) for part in [*blocks, rest] for line in DocumentsUnwrapper(data).unwrap(Block(part, 0)).messages["message"]]
    assert sum("remote_addr" in item for item in found) >= 398


def test_depth_is_no_matter() -> None:
    data = (b'{"a":' * 3_000 + b"1" + b"}" * 3_000) * 2
    assert last_start(data) == len(data) // 2
    assert split_objects(data).starts == [0, len(data) // 2]


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\a1 \n', max_size=80).map(str.encode))
@examples(200)
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    is_documents(data)
    unwrapped = DocumentsUnwrapper(data).unwrap(Block(data, 0))
    assert unwrapped.messages["message"].null_count() == 0
    assert 0 <= DocumentsFraming().final_cut(data) <= len(data)
    for has_envelopes in (False, True):
        assert 0 <= DocumentsFraming(has_envelopes=has_envelopes).last_cut(data) <= len(data)


@pytest.mark.parametrize("shape", some(sorted(SHAPES), 3))
def test_a_shape_is_told_and_read(shape: str, tmp_path: Path, take_in: Any) -> None:
    log = tmp_path / "a.json"
    log.write_text(SHAPES[shape]([event(1), event(2), event(3)]))
    assert is_documents(log.read_bytes())
    summary = take_in(log, is_dry_run=True)
    assert (summary.total("events"), summary.total("rejected"), summary.sources[0].wrapper) == (3, 0, "json-documents")


def test_lines_of_objects_are_lines() -> None:
    line = json.dumps(event(1, note="a\nb {"))
    assert not is_documents(f"{line}\n{line}\n".encode())
    assert not is_documents(f"{line}\n".encode())
    assert not is_documents(b"[23/Nov/2026:23:36:04 +0000] x")


def test_records_of_an_envelope_are_events_of_their_own(tmp_path: Path, take_in: Any) -> None:
    log = tmp_path / "a.json"
    log.write_text(json.dumps({"records": [event(1), event(2)]}) + "\n" + json.dumps({"records": [event(3)]}))
    assert take_in(log).total("events") == 3


@pytest.mark.parametrize("shape", some(sorted(SHAPES), 2))
def test_a_growing_log_of_documents_is_read_on(shape: str, tmp_path: Path, take_in: Any) -> None:
    log, store = tmp_path / "a.json", tmp_path / "store"
    whole = SHAPES[shape]([event(1), event(2), event(3)])
    log.write_text(whole[: whole.index("192.0.2.3")])
    assert take_in(log, store=store).total("events") == 2
    log.write_text(whole)
    take_in(log, store=store)
    take_in(log, store=store)
    assert sorted(open_store(store).scan_events(["source_line"]).collect()["source_line"]) == [1, 2, 3]


@pytest.mark.parametrize(
    ("told", "shape"),
    across(
        [
            ({"insertId": "i1", "timestamp": "2024-03-12T15:22:28Z", "textPayload": "LINE\n"}, "i1"),
            ({"insertId": "i1", "timestamp": "2024-03-12T15:22:28Z", "jsonPayload": {"message": "LINE"}}, "i1"),
            ({"insertId": "i1", "timestamp": "2024-03-12T15:22:28Z", "jsonPayload": event(7)}, "i1"),
            ({"topic": "t", "partition": 0, "offset": 5, "ts": 1710256948000, "payload": "LINE"}, None),
            ({"labels": {"app": "a"}, "line": "LINE", "timestamp": "2024-03-12T15:22:28Z"}, None),
        ],
        ["lines", "indented array"],
    ),
)
def test_what_a_service_puts_around_a_line_comes_off(told: tuple[dict[str, Any], str | None], shape: str, tmp_path: Path, take_in: Any) -> None:
    envelope, expected = told
    line = '192.0.2.7 - - [12/Mar/2024:15:22:28 +0000] "GET /7 HTTP/1.1" 200 5 "-" "curl/8"'
    item = json.loads(json.dumps(envelope).replace("LINE", json.dumps(line)[1:-1]))
    log = tmp_path / "a.json"
    log.write_text(f"{json.dumps(item)}\n" if shape == "lines" else json.dumps([item], indent=1))
    take_in(log, store=tmp_path / "store")
    rows = open_store(tmp_path / "store").scan_events(["url_path", "event_id"]).collect().rows()
    assert rows == [("/7", expected)]
