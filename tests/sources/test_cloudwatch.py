"""One set of events in every shape CloudWatch hands them out in; envelopes that are cut, foreign or hostile."""

from __future__ import annotations

import base64
import gzip
import json
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.errors import InputError
from pullstats.pipeline.plan import IngestSummary
from pullstats.sources import Block, SourceFile, find_wrapper, is_test_object, open_source, read_blocks
from pullstats.sources.blocks import BLOCK_SIZE
from pullstats.store import open_store
from support.command import take_into
from support.effort import SOAK, across, examples, some
from support.places import DATA

ARCHIVE = DATA / "cloudwatch.tar.xz"
EVENT_COLUMNS = [
    "timestamp", "endpoint_id", "http_request_method", "url_path", "url_query", "http_response_status_code", "http_response_body_size",
    "user_agent_original", "http_request_referrer",
]  # fmt: skip
SETS = {"nginx": 201, "json": 61}
CONTROL = {
    "firehose-concatenated.json", "firehose-newline.json", "firehose-members", "firehose-outer-gzip.gz", "firehose-double-gzip.gz",
    "lambda-events.jsonl", "kinesis-records.json",
}  # fmt: skip
SHAPES = {
    "a_s3_export": ("cloudwatch-export", {"cloudwatch_log_stream"}),
    "b_api/get-log-events": ("cloudwatch-api", set()),
    "b_api/filter-log-events.json": ("cloudwatch-api", {"cloudwatch_log_stream", "event_id"}),
    "b_api/filter-log-events.pages.jsonl": ("cloudwatch-api", {"cloudwatch_log_stream", "event_id"}),
    "b_api/events.jsonl": ("cloudwatch-api", {"cloudwatch_log_stream", "event_id"}),
    "c_tail/tail-detailed.txt": ("cloudwatch-tail", {"cloudwatch_log_stream"}),
    "c_tail/tail-detailed-ansi.txt": ("cloudwatch-tail", {"cloudwatch_log_stream"}),
    "c_tail/tail-json.txt": ("cloudwatch-tail", {"cloudwatch_log_stream"}),
    "c_tail/tail-short.txt": ("cloudwatch-tail-short", set()),
    "d_insights/get-query-results.json": ("cloudwatch-insights", {"cloudwatch_log_stream"}),
    "d_insights/logs-insights-results.json": ("cloudwatch-insights", {"cloudwatch_log_stream"}),
    "d_insights/logs-insights-results.nested.json": ("cloudwatch-insights", set()),
    "d_insights/logs-insights-results.csv": ("cloudwatch-csv", set()),
    "e_subscription/firehose-concatenated.json": ("cloudwatch-subscription", {"cloudwatch_log_group", "cloudwatch_log_stream", "event_id"}),
    "e_subscription/firehose-newline.json": ("cloudwatch-subscription", {"cloudwatch_log_group", "cloudwatch_log_stream", "event_id"}),
    "e_subscription/firehose-members": ("cloudwatch-subscription", {"cloudwatch_log_group", "cloudwatch_log_stream", "event_id"}),
    "e_subscription/firehose-outer-gzip.gz": ("cloudwatch-subscription", {"cloudwatch_log_group", "cloudwatch_log_stream", "event_id"}),
    "e_subscription/firehose-double-gzip.gz": ("cloudwatch-subscription", {"cloudwatch_log_group", "cloudwatch_log_stream", "event_id"}),
    "e_subscription/firehose-message-extraction.txt": (None, set()),
    "e_subscription/lambda-events.jsonl": ("cloudwatch-subscription", {"cloudwatch_log_group", "cloudwatch_log_stream", "event_id"}),
    "e_subscription/kinesis-records.json": ("cloudwatch-subscription", {"cloudwatch_log_group", "cloudwatch_log_stream", "event_id"}),
}

TakeIn = Callable[..., IngestSummary]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cloudwatch")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


def files_of(samples: Path, name: str, shape: str) -> list[Path]:
    place = samples / name / shape
    if place.is_dir():
        return [place]
    return [place] if place.exists() else sorted(place.parent.glob(f"{place.name}.*"))


def expected(samples: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (samples / name / "expected.jsonl").read_text().splitlines()]


def line(index: int, path: str = "/v2/acme/app/manifests/1.0") -> str:
    return f'203.0.113.{index % 250 + 1} - - [23/Nov/2026:10:00:{index % 60:02d} +0000] "GET {path} HTTP/1.1" 200 5 "-" "curl/8.5.0" "-"'


def envelope(*messages: str | None, first: int = 0, kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    events = [{"id": f"{first + index:056d}", "timestamp": 1_795_428_000_000 + first + index, "message": text} for index, text in enumerate(messages)]
    return {"messageType": kind, "owner": "1", "logGroup": "/ecs/gate", "logStream": "gate/1", "subscriptionFilters": ["all"], "logEvents": events}


def page(*messages: str, first: int = 0) -> dict[str, Any]:
    events = [
        {
            "logStreamName": "s",
            "timestamp": 1_795_428_000_000 + first + index,
            "message": text,
            "ingestionTime": 1,
            "eventId": f"{first + index:056d}",
        }
        for index, text in enumerate(messages)
    ]
    return {"events": events, "searchedLogStreams": [], "nextToken": "abc"}


def unwrap(data: bytes, tmp_path: Path, block_size: int = BLOCK_SIZE) -> pl.DataFrame:
    """Unwrap a whole log: messages in order, then what was refused and ignored as counts in the frame's tail columns."""
    place = tmp_path / "log"
    place.write_bytes(data)
    found = find_wrapper(data[: 256 << 10], "log")
    assert found is not None
    with open_source(SourceFile(place, is_named=True)) as source:
        blocks = [found[1].unwrap(block) for block in read_blocks(source, 0, block_size, found[1].framing)]
    return pl.concat([unwrapped.messages for unwrapped in blocks])


@pytest.fixture(scope="module")
def bare_events(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    """Give the events of each set, read from its bare lines."""
    folder = tmp_path_factory.mktemp("bare")
    events = {}
    for name in SETS:
        log = folder / f"{name}.log"
        log.write_text("".join(f"{event['message'].rstrip()}\n" for event in expected(samples, name)))
        take_into(folder / name, log)
        events[name] = open_store(folder / name).scan_events(EVENT_COLUMNS).collect().sort(EVENT_COLUMNS)
    return events


@pytest.mark.parametrize(("shape", "name"), some(across(SHAPES, SETS), 3))
def test_every_shape_gives_the_same_events(
    shape: str, name: str, samples: Path, bare_events: dict[str, pl.DataFrame], take_in: TakeIn, tmp_path: Path
) -> None:
    wrapper, kept = SHAPES[shape]
    paths = files_of(samples, name, shape)
    summary = take_in(*paths)
    assert {source.wrapper for source in summary.sources} == {wrapper}
    control = 1 if shape.rsplit("/", maxsplit=1)[-1] in CONTROL or shape.endswith(".csv") else 0
    assert (summary.total("events"), summary.total("ignored"), summary.total("rejected")) == (SETS[name], control, 0)
    store = open_store(tmp_path / "store")
    assert store.scan_events(EVENT_COLUMNS).collect().sort(EVENT_COLUMNS).equals(bare_events[name])
    columns = ["cloudwatch_log_group", "cloudwatch_log_stream", "event_id"]
    told = store.scan_events(columns).collect()
    assert {column for column in columns if told[column].null_count() == 0} == kept
    assert all(told[column].null_count() == told.height for column in set(columns) - kept)
    if shape in some(SHAPES, 6):
        assert take_in(*paths).total("events") == 0


@pytest.mark.parametrize(("shape", "name"), across([shape for shape, (wrapper, _) in SHAPES.items() if wrapper], SETS))
def test_messages_streams_ids_and_times_come_back(shape: str, name: str, samples: Path) -> None:
    """Against `expected.jsonl` itself, in blocks far smaller than the log."""
    truth = expected(samples, name)
    rows = []
    for path in [file for place in files_of(samples, name, shape) for file in ([place] if place.is_file() else sorted(place.rglob("*")))]:
        if not path.is_file():
            continue
        with open_source(SourceFile(path, is_named=True)) as source:
            head = source.peek(256 << 10)
            if is_test_object(head):
                continue
            found = find_wrapper(head, str(path))
            assert found is not None
            for block in read_blocks(source, 0, 700, found[1].framing):
                unwrapped = found[1].unwrap(block)
                assert unwrapped.refused.is_empty()
                rows += unwrapped.messages.rows(named=True)
    _, kept = SHAPES[shape]
    step = 1000 if shape.endswith("short.txt") else 1

    def key(time: int, message: str, stream: str | None, event_id: str | None) -> tuple[Any, ...]:
        text = json.dumps(json.loads(message), sort_keys=True) if name == "json" else message.rstrip()
        named = stream.replace("/", "-") if stream and shape.startswith("a_") else stream
        return time // step, text, named if "cloudwatch_log_stream" in kept else None, event_id if "event_id" in kept else None

    found_rows = Counter(
        key(round(row["envelope_time"].timestamp() * 1000), row["message"], row["cloudwatch_log_stream"], row["event_id"]) for row in rows
    )
    assert found_rows == Counter(key(event["timestamp"], event["message"], event["logStreamName"], event["eventId"]) for event in truth)


def test_an_event_delivered_twice_counts_once(samples: Path, take_in: TakeIn) -> None:
    """Two shapes that keep ids hold the same events; one that keeps none cannot be known again."""
    folder = samples / "nginx"
    assert take_in(folder / "b_api" / "events.jsonl").total("events") == 201
    again = take_in(folder / "e_subscription" / "firehose-newline.json", folder / "b_api" / "filter-log-events.pages.jsonl")
    assert (again.total("events"), again.total("duplicates"), again.total("ignored")) == (0, 402, 1)
    assert take_in(folder / "c_tail" / "tail-detailed.txt").total("events") == 201


def test_equal_lines_with_different_ids_are_two(take_in: TakeIn, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text(json.dumps(envelope(line(1), line(1))) + json.dumps(envelope(line(1), first=1)))
    summary = take_in(log)
    assert (summary.total("lines"), summary.total("events"), summary.total("duplicates")) == (3, 2, 1)


@examples(60)
@given(
    messages=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=30), min_size=1, max_size=8),
    shape=st.sampled_from(["pages", "pretty", "bare", "concatenated", "newline", "single"]),
    block_size=st.integers(20, 4000),
    escapes=st.sampled_from([True, False]),
)
def test_fast_and_slow_ways_give_what_was_written(
    messages: list[str], shape: str, block_size: int, escapes: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any text, in any layout, cut anywhere, comes back: newlines as separate lines unless it is an object."""

    def dump(value: Any, **options: Any) -> str:
        return json.dumps(value, ensure_ascii=bool(escapes), **options)

    half = len(messages) // 2
    first, second = messages[:half], messages[half:]
    text = {
        "pages": lambda: f"{dump(page(*first))}\n{dump(page(*second, first=half))}\n",
        "pretty": lambda: dump(page(*messages), indent=4),
        "bare": lambda: "".join(f"{dump(event)}\n" for event in page(*messages)["events"]),
        "concatenated": lambda: dump(envelope(*first)) + dump(envelope(*second, first=half)),
        "newline": lambda: f"{dump(envelope(*first), separators=(',', ':'))}\n{dump(envelope(*second, first=half))}\n",
        "single": lambda: dump(page(*messages)),
    }[shape]()
    found = unwrap(text.encode(), tmp_path_factory.mktemp("unwrap"), block_size)
    wanted: list[tuple[str, str]] = []
    for index, message in enumerate(messages):
        trimmed = message.rstrip("\r\n") if "\n" in message else message
        parts = [trimmed.replace("\n", " ")] if trimmed.startswith("{") else trimmed.split("\n")
        wanted += [(f"{index:056d}", part) for part in parts]
    if any("\n" in message for message in messages):
        got = [(row["event_id"], row["message"].rstrip("\r\n")) for row in found.iter_rows(named=True)]
        assert got == [(event_id, part.rstrip("\r\n")) for event_id, part in wanted]
    else:
        assert list(zip(found["event_id"], found["message"], strict=True)) == wanted


def test_half_an_envelope_keeps_its_whole_events(take_in: TakeIn, tmp_path: Path) -> None:
    whole = json.dumps(envelope(*(line(index) for index in range(10))))
    log = tmp_path / "log.json"
    log.write_text(whole[: whole.rfind('{"id"') + 40])
    summary = take_in(log)
    assert (summary.total("lines"), summary.total("events"), summary.rejects) == (10, 9, {"envelope": 1})


def test_garbage_between_documents_is_refused_and_nothing_else(take_in: TakeIn, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text(json.dumps(envelope(line(1), line(2))) + "\n%%% not json {{{\n" + json.dumps(envelope(line(3), first=5)) + "\n")
    summary = take_in(log)
    assert (summary.total("lines"), summary.total("events"), summary.rejects) == (4, 3, {"envelope": 1})


def test_base64_that_is_none_and_a_message_that_is_null(take_in: TakeIn, tmp_path: Path) -> None:
    good = base64.b64encode(gzip.compress(json.dumps(envelope(line(1), None, line(2))).encode())).decode()
    log = tmp_path / "lambda.jsonl"
    cut = good[: len(good) // 2]
    log.write_text("".join(json.dumps({"awslogs": {"data": data}}) + "\n" for data in (good, "%%%", cut, "")))
    summary = take_in(log)
    assert (summary.total("lines"), summary.total("events"), summary.rejects) == (6, 2, {"envelope": 3, "no-message": 1})


@pytest.mark.parametrize(
    "document",
    [
        {"Records": [{"eventVersion": "1.08", "eventSource": "s3.amazonaws.com", "eventName": "PutObject"}]},
        {"Type": "Notification", "Message": "hello", "TopicArn": "arn:aws:sns:eu-west-1:1:t"},
        {"version": "0", "detail-type": "EC2 Instance State-change Notification", "detail": {"state": "stopping"}},
        {"Records": [{"kinesis": {"data": base64.b64encode(b"plain text").decode()}}]},
    ],
)
def test_envelopes_of_other_products_are_no_logs(document: dict[str, Any], take_in: TakeIn, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text(json.dumps(document) + "\n")
    with pytest.raises(InputError, match="no known log format fits"):
        take_in(log)
    assert not (tmp_path / "store").exists() or open_store(tmp_path / "store").scan_events(["timestamp"]).collect().is_empty()


def test_control_messages_alone_are_ignored(take_in: TakeIn, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text(json.dumps(envelope("CWL CONTROL MESSAGE: Checking health of destination Firehose.", kind="CONTROL_MESSAGE")))
    summary = take_in(log)
    assert (summary.total("lines"), summary.total("events"), summary.total("ignored"), summary.total("rejected")) == (1, 0, 1, 0)


def test_a_query_that_is_running_or_cut_off_is_told(take_in: TakeIn, tmp_path: Path) -> None:
    rows = [[{"field": "@timestamp", "value": "2026-11-23 10:00:00.000"}, {"field": "@message", "value": line(index)}] for index in range(10_000)]
    cut, running = tmp_path / "cut.json", tmp_path / "running.json"
    cut.write_text(json.dumps({"results": rows, "status": "Complete"}))
    running.write_text(json.dumps({"results": rows[:3], "status": "Running"}))
    notes = take_in(cut, running).notes
    assert any("cut.json: it holds 10,000 rows" in note for note in notes)
    assert any("running.json: the query's status is Running" in note for note in notes)
    assert len(notes) == 2


def test_an_envelope_gives_the_time_a_line_does_not_have(take_in: TakeIn, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text(json.dumps(page('198.51.100.7 - "GET /v2/ HTTP/1.1" 200 2 "-" "docker/20.10.24 os/linux arch/amd64" 0.1 0.1 .')))
    assert take_in(log).total("events") == 1
    event = open_store(tmp_path / "store").scan_events().collect().row(0, named=True)
    assert event["timestamp_source"] == "envelope"
    assert event["timestamp"].timestamp() * 1000 == 1_795_428_000_000


@pytest.mark.parametrize("shape", ["page", "envelope"])
def test_a_document_larger_than_a_block_is_read_in_pieces(shape: str, take_in: TakeIn, tmp_path: Path) -> None:
    """Many MB on one line: cut between its elements, group and stream kept."""
    count = 20_000 if SOAK else 4_000
    messages = [line(index, "/v2/acme/" + "x" * 900 + "/manifests/1") for index in range(count)]
    log = tmp_path / "log.json"
    log.write_text(json.dumps((page if shape == "page" else envelope)(*messages)))
    summary = take_in(log, block_size=1 << 20)
    assert (summary.total("lines"), summary.total("events"), summary.total("rejected")) == (count, count, 0)
    events = open_store(tmp_path / "store").scan_events(["cloudwatch_log_stream", "event_id", "source_offset"]).collect()
    assert events["cloudwatch_log_stream"].unique().to_list() == ["s" if shape == "page" else "gate/1"]
    assert events["event_id"].n_unique() == events["source_offset"].n_unique() == count


def test_bytes_of_any_kind_are_conserved(take_in: TakeIn, tmp_path: Path) -> None:
    """Rubbish that begins like an envelope: no exception, `lines = events + ignored + rejected`."""
    rubbish = [
        b'{"logEvents":[' + b"[" * 100_000,
        b'{"events":[{"message":"\xff\xfe' + b'"x' * 5000,
        b'{"logEvents":[' + b'{"id":' * 50_000,
        b'{"events":[]}{"events":{}}',
    ]
    for index, data in enumerate(rubbish):
        found = find_wrapper(data, "log")
        assert found is not None
        unwrapped = found[1].unwrap(Block(data, 0))
        assert unwrapped.messages.is_empty()
        assert unwrapped.refused.height >= (index != 3)
