"""Wrappers come off: what runtimes and log daemons put around a line, in any nesting."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pullstats.clock import Clock
from pullstats.formats import FORMATS, Detector
from pullstats.pipeline.decoder import LogDecoder
from pullstats.pipeline.log_detection import detect_log
from pullstats.pipeline.plan import IngestSummary
from pullstats.sources import Block, LinesUnwrapper, SourceFile, open_source, read_blocks
from pullstats.sources.line_wrapper import LineWrapper
from pullstats.sources.line_wrappers import MAX_LAYERS, WRAPPERS
from pullstats.store import open_store
from support.case_files import CaseFile, load_case_files
from support.effort import SOAK, across, examples
from support.places import LOGS

SHOP = (LOGS / "lnav" / "logfile_shop_access_log.0").read_text().splitlines()[: 120 if SOAK else 40]
CASES = load_case_files("wrappers", {"log"}, {"wrapper", "format", "ignored", "events"})
ALL = tuple(FORMATS.values())

Wrap = Callable[[str, int], str]

WRAP: dict[str, Wrap] = {
    "docker-json": lambda line, _: json.dumps(
        {"log": line + "\n", "stream": "stdout", "time": "2024-01-02T03:04:05.678901234Z"}, separators=(",", ":")
    ),
    "cri": lambda line, _: f"2024-01-02T03:04:05.678901234Z stdout F {line}",
    "compose": lambda line, _: f"web-1  | {line}",
    "syslog": lambda line, n: f"<190>Jan  2 03:04:{n % 60:02} gw nginx[14]: {line}",
    "syslog-5424": lambda line, _: f'<190>1 2024-01-02T03:04:05.003Z gw nginx 14 - [a@1 k="v\\"]"] {line}',
    "journald": lambda line, _: json.dumps({"__REALTIME_TIMESTAMP": "1704164645003000", "MESSAGE": line, "_COMM": "nginx"}),
    "kubectl": lambda line, _: f"[pod/gateway-7c5d/nginx] {line}",
    "fluent-bit": lambda line, _: json.dumps({"date": 1704164645.5, "log": line, "kubernetes": {"pod_name": "gateway"}}),
    "json-message": lambda line, _: json.dumps({"@timestamp": "2024-01-02T03:04:05.678Z", "message": line, "agent": {"type": "filebeat"}}),
    "timestamps": lambda line, _: f"2024-01-02T03:04:05.678901234Z {line}",
    "prefix": lambda line, _: f"2024-01-02 03:04:05,678 INFO [gateway-1] {line}",
    "ansi": lambda line, _: f"\x1b[36m\x1b[0m{line}",
    "google-entry": lambda line, n: json.dumps({"insertId": f"a{n}", "jsonPayload": {"message": line}, "timestamp": "2024-01-02T03:04:05.678901Z"}),
    "kcat": lambda line, n: json.dumps({"topic": "access", "partition": 0, "offset": n, "ts": 1704164645678, "key": None, "payload": line}),
    "loki": lambda line, _: json.dumps({"labels": {"app": "gateway"}, "line": line, "timestamp": "2024-01-02T03:04:05.678901234Z"}),
    "fluent-bit-stdout": lambda line, n: f'[{n}] kube.gateway: [[1704164645.678901234, {{}}], {{"stream"=>"stdout", "log"=>"{line}"}}]',
    "json-hit": lambda line, n: json.dumps({"_index": "logs", "_id": f"{n}", "_source": {"@timestamp": "2024-01-02T03:04:05.678Z", "message": line}}),
    "json-field": lambda line, _: json.dumps({"version": "1.1", "host": "gateway", "short_message": line, "timestamp": 1704164645.5}),
    "fluentd-file": lambda line, _: "2024-01-02T03:04:05+00:00\tnginx.access\t" + json.dumps({"message": line}),
}
CHAINS = {"fluentd-file": "fluentd-file+json-message"}
"""What comes off where it is more than the wrapper: an object is always behind fluentd's tabs."""


def read(path: Path, block_size: int = 1 << 20, zone: str = "UTC") -> tuple[LogDecoder, pl.DataFrame, int, int]:
    """Read a file as ingest does: how, the lines read, how many were ignored and rejected."""
    frames, ignored, rejected, before = [], 0, 0, 0
    with open_source(SourceFile(path, is_named=True)) as source:
        log = detect_log(source, Detector(ALL), zone)
        for block in read_blocks(source, block_size=block_size, framing=log.framing):
            parsed = log.read(block)
            frames += [reading.frame.with_columns(pl.col("source_line") + before) for reading in parsed.readings]
            ignored += parsed.ignored
            rejected += sum(part.height for part in parsed.rejects)
            before += parsed.lines
    return log, pl.concat(frames, how="diagonal").sort("source_offset"), ignored, rejected


def bare(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("timestamp", "http_response_status_code", "http_response_body_size", "address", "request", "agent", "referrer", "source_line")


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.fixture(name="plain", scope="module")
def _plain(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return bare(read(write(tmp_path_factory.mktemp("plain") / "plain.log", SHOP))[1])


LINES = len(SHOP) if SOAK else 6
"""So many lines are read in blocks of a few."""


@pytest.mark.parametrize("name", [wrapper.name for wrapper in WRAPPERS])
def test_every_wrapper_comes_off(name: str, plain: pl.DataFrame, tmp_path: Path) -> None:
    path = write(tmp_path / "wrapped.log", [WRAP[name](line, number) for number, line in enumerate(SHOP)])
    log, frame, ignored, rejected = read(path)
    assert (log.wrapper, log.detection.best and log.detection.best.name, ignored, rejected) == (CHAINS.get(name, name), "nginx-main", 0, 0)
    assert bare(frame).equals(plain)
    # the offset is the line's in the file, however it is cut into blocks
    rows = path.read_bytes()
    assert all(rows[offset - 1 : offset] in (b"", b"\n") for offset in frame["source_offset"])
    cut = write(tmp_path / "cut.log", rows.decode().splitlines()[: rows.decode().count("\n") * LINES // len(SHOP)])
    assert bare(read(cut, block_size=700)[1]).equals(plain.head(LINES))


@examples(20)
@example(names=["fluent-bit", "timestamps", "timestamps"])
@example(names=["cri", "prefix"])
@example(names=["syslog-5424", "prefix", "compose"])
@example(names=["fluentd-file", "prefix"])
@example(names=["docker-json", "prefix", "kubectl"])
@example(names=["google-entry", "kcat", "loki"])
@example(names=["fluentd-file", "google-entry", "docker-json"])
@given(names=st.lists(st.sampled_from(sorted(WRAP)), min_size=2, max_size=MAX_LAYERS))
def test_wrappers_come_off_in_any_nesting(names: list[str], plain: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> None:
    assume(names.count("fluent-bit-stdout") < 2)  # it escapes nothing, so that its own print in its print cannot be told apart
    assume(sum(CHAINS.get(name, name).count("+") + 1 for name in names) <= MAX_LAYERS)
    folder = tmp_path_factory.mktemp("nested")
    lines = list(SHOP[: 40 if SOAK else 12])
    for name in names:
        lines = [WRAP[name](line, number) for number, line in enumerate(lines)]
    _, frame, ignored, rejected = read(write(folder / "wrapped.log", lines))
    assert (ignored, rejected) == (0, 0)
    assert bare(frame).equals(plain.head(len(lines)))


@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda wrapper: wrapper.name)
def test_every_wrapper_takes_its_own_sample_apart(wrapper: Any, tmp_path: Path) -> None:
    log, frame, _, _ = read(write(tmp_path / "sample.log", [wrapper.sample]))
    assert log.wrapper is not None
    assert log.wrapper.split("+")[0] == wrapper.name
    assert frame.height == 1


def test_an_entry_that_tells_its_request_as_such_comes_off_once(tmp_path: Path) -> None:
    log, frame, _, _ = read(write(tmp_path / "entries.log", [FORMATS["gcp"].sample] * 3))
    assert (log.wrapper, frame.height) == ("google-entry", 3)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.stem)
def test_real_lines(case: CaseFile, tmp_path: Path) -> None:
    path = tmp_path / "real.log"
    path.write_bytes(case.given["log"].encode())
    os.utime(path, (1_800_000_000, 1_800_000_000))
    log, frame, ignored, rejected = read(path)
    assert log.detection.best is not None
    assert rejected == 0
    names = {"time": "timestamp", "status": "http_response_status_code", "bytes": "http_response_body_size", "source": "timestamp_source"}
    rows = list(frame.iter_rows(named=True))
    events = [
        {key: row[names.get(key, key)] for key in wanted or ("time", "address", "request", "status")}
        for row, wanted in zip_longest(rows, case.expected["events"][: len(rows)])
    ]
    found = {"wrapper": log.wrapper, "format": log.detection.best.name, **({"ignored": ignored} if ignored else {}), "events": events}
    case.hold({name: value for name, value in found.items() if value is not None})


@pytest.mark.parametrize(("block_size", "kind"), across([64, 300, 5000, 1 << 20], ["cri", "docker-json"]))
def test_lines_a_runtime_cut_are_joined(kind: str, block_size: int, plain: pl.DataFrame, tmp_path: Path) -> None:
    """Every line in parts, those of stderr among them."""

    def pieces(line: str) -> list[str]:
        cuts = [line[:50], line[50:90], line[90:]]
        if kind == "cri":
            return [f"2024-01-02T03:04:05.6789Z stdout {'F' if part is cuts[-1] else 'P'} {part}" for part in cuts]
        texts = [*cuts[:-1], cuts[-1] + "\n"]
        return [json.dumps({"log": text, "stream": "stdout", "time": "2024-01-02T03:04:05.6789Z"}, separators=(",", ":")) for text in texts]

    rows: list[str] = []
    numbers = []
    lines = SHOP[:LINES]
    for number, line in enumerate(lines):
        numbers.append(len(rows) + 1)
        first, second, third = pieces(line)
        # stderr's own lines stand between the parts of stdout's
        odd = WRAP[kind]("an error", number).replace("stdout", "stderr") if number % 5 == 0 else None
        rows += [first, *([odd] if odd else []), second, third]
    path = write(tmp_path / "parts.log", rows)
    _, frame, ignored, rejected = read(path, block_size)
    errors = len(range(0, len(lines), 5))
    assert bare(frame).drop("source_line").equals(plain.drop("source_line").head(len(lines)))
    assert (ignored, rejected) == (2 * len(lines), errors)
    assert frame["source_line"].to_list() == numbers


def test_a_partial_line_waits_for_its_end(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    path = tmp_path / "pod.log"
    head, tail = SHOP[1][:60], SHOP[1][60:]
    path.write_text(f"{WRAP['cri'](SHOP[0], 0)}\n2024-01-02T03:04:05Z stdout P {head}\n")
    assert take_in(path).total("events") == 1
    with path.open("a") as file:
        file.write(f"2024-01-02T03:04:05Z stdout F {tail}\n")
    summary = take_in(path)
    assert (summary.total("events"), summary.total("rejected")) == (1, 0)


def test_lines_that_are_not_wrapped_stay(tmp_path: Path) -> None:
    rows = [WRAP["compose"](line, 0) for line in SHOP[:20]] + ["web-1 exited with code 0", SHOP[20]]
    log, frame, _, rejected = read(write(tmp_path / "compose.log", rows))
    assert (log.wrapper, frame.height, rejected) == ("compose", 21, 1)


def test_a_log_without_a_time_takes_that_of_its_wrapper(tmp_path: Path) -> None:
    line = '172.18.0.1 - "GET /v2/ HTTP/1.1" 401 76 "-" "docker/18.09.2 go/go1.10.6" 0.006 0.006 .'
    path = write(tmp_path / "harbor.log", [f"Dec 31 23:59:58 core proxy[1]: {line}", f"Jan  1 00:00:02 core proxy[1]: {line}"])
    written = datetime(2024, 1, 1, 0, 0, 5, tzinfo=UTC).timestamp()
    os.utime(path, (written, written))
    log, frame, _, _ = read(path, zone="Europe/Berlin")
    assert (log.wrapper, log.formats[0].name) == ("syslog", "harbor-untimed")
    assert frame["timestamp"].to_list() == [datetime(2023, 12, 31, 22, 59, 58, tzinfo=UTC), datetime(2023, 12, 31, 23, 0, 2, tzinfo=UTC)]
    assert frame["timestamp_source"].to_list() == ["envelope", "envelope"]


@examples(150)
@given(
    names=st.lists(st.sampled_from([wrapper.name for wrapper in WRAPPERS]), min_size=1, max_size=MAX_LAYERS),
    rows=st.lists(st.one_of(st.binary(max_size=120), st.sampled_from([wrapper.sample.encode() for wrapper in WRAPPERS])), max_size=12),
)
def test_any_bytes_in_any_wrapper_lose_no_line(names: list[str], rows: list[bytes]) -> None:
    data = b"".join(row.replace(b"\n", b"\\n") + b"\n" for row in rows)
    chain = tuple(wrapper for name in names for wrapper in WRAPPERS if wrapper.name == name)
    unwrapped = LinesUnwrapper(chain, Clock()).unwrap(Block(data, 0))
    assert unwrapped.ignored >= 0
    assert unwrapped.messages["source_line"].n_unique() + unwrapped.ignored == len(rows)


def test_the_store_keeps_the_place_in_the_file(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    path = write(tmp_path / "wrapped.log", [WRAP["docker-json"](line, 0) for line in SHOP])
    summary = take_in(path)
    assert summary.sources[0].wrapper == "docker-json"
    events = open_store(tmp_path / "store").scan_events(["source_line", "source_offset"]).collect().sort("source_line")
    assert events["source_line"].to_list() == list(range(1, len(SHOP) + 1))
    data = path.read_bytes()
    assert all(data[offset : offset + 8] == b'{"log":"' for offset in events["source_offset"])


@pytest.mark.parametrize(("kind", "fraction"), across(["cri", "kubectl", "ansi", "syslog-5424", "docker-json"], ["678901234", "678"]))
def test_an_envelope_is_seen_where_a_format_would_swallow_it(kind: str, fraction: str, tmp_path: Path) -> None:
    """Apache lets a user's name hold blanks, so its pattern fits `<time> stdout F <line>` as a whole."""
    line = '203.0.113.9 - - [02/Jan/2024:03:04:05 +0000] "GET /v2/a/b/manifests/latest HTTP/1.1" 200 615 "-" "docker/24.0.7"'
    reading, frame, _, rejected = read(
        write(tmp_path / "one.log", [WRAP[kind](line, number).replace("678901234", fraction) for number in range(20)]), 1 << 20
    )
    assert reading.wrapper is not None
    assert reading.wrapper.split("+")[0] == kind
    assert (frame.height, rejected) == (20, 0)
    assert frame["address"].unique().to_list() == ["203.0.113.9"]


@examples(80)
@given(data=st.data())
@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda wrapper: wrapper.name)
def test_what_a_wrapper_takes_off_holds_its_literal(wrapper: LineWrapper, data: st.DataObject) -> None:
    """A line that its pattern matches is not passed over because its literal is missing."""
    sample = wrapper.sample
    start = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(start, min(start + 12, len(sample))))
    line = sample[:start] + data.draw(st.sampled_from(["", " ", '"', "x", '":', "  "])) + sample[end:]
    is_wrapped = pl.Series([line]).str.contains(wrapper.pattern).item()
    assert wrapper.literal in sample
    assert not is_wrapped or wrapper.literal in line
