"""Lines become columns: truth figures of real logs, pairs of formats and lines, and properties."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullstats.errors import InputError
from pullstats.formats import FORMATS, LogFormat, Parsed, custom_format, detect_format, parse_lines
from pullstats.formats.json_lines import JsonReader
from pullstats.formats.nginx import COMBINED
from pullstats.formats.templates import compile_log_format
from pullstats.formats.text_lines import TextReader
from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store
from support.case_files import load_cases
from support.effort import SOAK, examples, some
from support.places import DATA

TRUTH = load_cases("formats", {"logs"})[0][1]["logs"]


def read_log(name: str) -> bytes:
    raw = (DATA / "logs" / name).read_bytes()
    return gzip.decompress(raw) if name.endswith(".gz") else raw


def count_rejects(parsed: Parsed) -> int:
    return sum(frame.height for frame in parsed.rejects)


def events_of(parsed: Parsed) -> pl.DataFrame:
    return pl.concat([reading.frame for reading in parsed.readings]).sort("source_offset")


@pytest.mark.parametrize("log", TRUTH, ids=lambda log: log["file"])
def test_truth_figures_come_out_to_the_digit(log: dict[str, Any]) -> None:
    data = read_log(log["file"])
    formats = (custom_format(log["log_format"]),) if "log_format" in log else detect_format(data, list(FORMATS.values())).formats
    assert formats[0].name == log["format"]
    parsed = parse_lines(data, 0, 1, formats)
    events = events_of(parsed)
    statuses = Counter(str(status) for status in events["http_response_status_code"] if status is not None)
    assert (events.height, parsed.ignored, count_rejects(parsed)) == (log["records"], log.get("ignored", 0), log.get("rejected", 0))
    assert log["lines"] == log["records"] + log.get("ignored", 0) + log.get("rejected", 0)
    assert events["http_response_body_size"].sum() == log["bytes"]
    assert dict(statuses) == log["status"]
    assert events["timestamp"].min() == datetime.fromisoformat(log["first"])
    assert events["timestamp"].max() == datetime.fromisoformat(log["last"])
    rows = data.split(b"\n")
    for number, offset in events.select("source_line", "source_offset").iter_rows():
        assert data.startswith(rows[number - 1] + (b"\n" if number < len(rows) else b""), offset)
        assert offset == 0 or data[offset - 1 : offset] == b"\n"


PAIRS = [json.loads(line) for line in (DATA / "logs" / "logformat_pairs.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair["line"] is not None], ids=lambda pair: pair["line"][:40])
def test_log_format_gives_back_its_variables(pair: dict[str, Any]) -> None:
    compiled = compile_log_format(pair["log_format"])
    row = TextReader(compiled).read_safe(pl.Series([pair["line"]])).row(0, named=True)
    if pair["expect"] == "reject":
        assert row["reason"] == "format"
        return
    assert row["reason"] is None
    for name, value in pair["expect"].items():
        if name in compiled.variables:
            assert row[name] == value


def test_a_pair_without_a_line_compiles() -> None:
    for pair in PAIRS:
        if pair["line"] is None:
            assert compile_log_format(pair["log_format"]).variables


def test_formats_are_read_from_an_nginx_conf(tmp_path: Path) -> None:
    conf = tmp_path / "nginx.conf"
    conf.write_text(
        "# log_format commented '$nothing';\nhttp { log_format main '$remote_addr - [$time_local] '\n"
        '  "\\"$request\\" $status $body_bytes_sent";\n log_format j escape=json \'{"time":"$time_iso8601","c":"$remote_addr"}\'; }\n'
    )
    line = b'1.2.3.4 - [23/Nov/2026:23:35:37 +0000] "GET /a HTTP/1.1" 200 7\n'
    parsed = parse_lines(line, 0, 1, [custom_format(f"@{conf}:main")])
    assert events_of(parsed)["request"].to_list() == ["GET /a HTTP/1.1"]
    assert custom_format(f"@{conf}:j").reader.escaping == "none"
    with pytest.raises(Exception, match="did you mean 'main'"):
        custom_format(f"@{conf}:mian")
    with pytest.raises(InputError, match="several log formats"):
        custom_format(f"@{conf}")


LINE = '{} - {} [{}] "{}" {} {} "{}" "{}"\n'
WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
FIELDS = st.tuples(
    st.sampled_from(["1.2.3.4", "::1", "unix:", "a, b", "-"]),
    WORDS,
    st.sampled_from(["23/Nov/2025:23:35:37 +0000", "01/Jan/2021:00:00:00 -0730", "soon", "99/Foo/2020:00:00:00 +0000"]),
    WORDS,
    st.sampled_from(["200", "000", "-", "4O4", ""]),
    st.sampled_from(["0", "-", "17", "99999999999999999999"]),
    WORDS,
    WORDS,
)


@examples(150)
@given(st.lists(FIELDS, max_size=6))
def test_the_fast_and_the_safe_way_give_equal_rows(rows: list[tuple[str, ...]]) -> None:
    data = "".join(LINE.format(*row) for row in rows).encode()
    fast = FORMATS["nginx-combined"]
    slow = custom_format(COMBINED)
    slow.reader.has_fast = False
    quick, safe = parse_lines(data, 0, 1, [fast]), parse_lines(data, 0, 1, [slow])
    assert count_rejects(quick) == count_rejects(safe)
    if quick.readings or safe.readings:
        assert events_of(quick).equals(events_of(safe))


@settings(max_examples=20 * SOAK or 4)
@given(st.lists(st.binary(max_size=80), min_size=1, max_size=24))
def test_any_bytes_are_read_ignored_or_rejected_and_never_raise(rows: list[bytes]) -> None:
    data = b"\n".join(rows)
    parsed = parse_lines(data, 0, 1, list(FORMATS.values()))
    lines = data.count(b"\n") + (not data.endswith(b"\n") if data else 0)
    assert sum(reading.frame.height for reading in parsed.readings) + parsed.ignored + count_rejects(parsed) == lines


@examples(60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.dictionaries(st.sampled_from(["status", "request", "ts", "headers", "ip"]), inner, max_size=4) | st.lists(inner, max_size=2),
        max_leaves=8,
    )
)
def test_any_json_is_read_ignored_or_rejected_and_never_raises(item: Any) -> None:
    data = json.dumps(item).encode() + b"\n"
    parsed = parse_lines(data, 0, 1, [FORMATS["json"]])
    assert sum(reading.frame.height for reading in parsed.readings) + parsed.ignored + count_rejects(parsed) == 1


@pytest.mark.parametrize("name", some(FORMATS, 3))
def test_every_format_reads_its_own_sample_and_is_detected(name: str) -> None:
    sample = FORMATS[name].sample.encode() + b"\n"
    best = detect_format(sample * 3, list(FORMATS.values()), has_time=name.endswith("-untimed")).best
    assert best is not None
    assert best.name == name


def test_one_odd_line_leaves_the_rest_to_the_fast_way() -> None:
    good = b'1.2.3.4 - - [23/Nov/2025:23:35:37 +0000] "GET /a HTTP/1.1" 200 7 "-" "x"\n'
    data = good * 3000 + b"2026/11/23 16:37:00 [error] 123#123: *1 open() failed\n" + good * 3000
    parsed = parse_lines(data, 100, 11, [FORMATS["nginx-combined"]])
    events = events_of(parsed)
    assert events.height == 6000
    assert parsed.rejects[0].select("source_line", "source_offset", "reason").row(0) == (3011, 100 + 3000 * len(good), "format")
    assert events["source_line"].to_list()[-1] == 6011
    assert events["source_offset"].to_list()[-1] == 100 + len(data) - len(good)


def count_lines_asked_for(monkeypatch: pytest.MonkeyPatch) -> tuple[LogFormat, list[int]]:
    """Give a format, and how many lines it was asked for the safe way, each time."""
    reader, asked = JsonReader(), []
    read_safe = reader.read_safe

    def count(lines: pl.Series) -> pl.DataFrame:
        asked.append(lines.len())
        return read_safe(lines)

    monkeypatch.setattr(reader, "read_safe", count)
    return replace(FORMATS["json"], reader=reader), asked


@pytest.mark.parametrize("count", [1, 40])
def test_other_formats_are_asked_once_for_the_odd_lines_of_a_block(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    good = '1.2.3.4 - - [23/Nov/2025:23:35:37 +0000] "GET /a HTTP/1.1" 200 7 "-" "x"\n'
    other = FORMATS["json"].sample + "\n"
    data = ((good * 500 + other + "neither\n") * count).encode()
    other_format, asked = count_lines_asked_for(monkeypatch)
    parsed = parse_lines(data, 0, 1, [FORMATS["nginx-combined"], other_format])
    assert asked == [2 * count]
    assert {reading.format_name: reading.frame.height for reading in parsed.readings} == {"nginx-combined": 500 * count, "json": count}
    lines = [reading.frame["source_line"].to_list() for reading in parsed.readings if reading.format_name == "json"]
    assert lines == [[502 * place + 501 for place in range(count)]]
    assert [frame["source_line"].to_list() for frame in parsed.rejects] == [[502 * place + 502 for place in range(count)]]


def test_odd_lines_are_not_held_without_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pullstats.formats.lines._TOGETHER", 1000)
    good = '1.2.3.4 - - [23/Nov/2025:23:35:37 +0000] "GET /a HTTP/1.1" 200 7 "-" "x"\n'
    data = ((good * 1500 + FORMATS["json"].sample + "\n" + "neither\n" * 100) * 5).encode()
    other_format, asked = count_lines_asked_for(monkeypatch)
    parsed = parse_lines(data, 0, 1, [FORMATS["nginx-combined"], other_format])
    assert len(asked) > 1
    assert sum(asked) == 505
    assert [reading.frame["source_line"].is_sorted() for reading in parsed.readings] == [True, True]
    assert (sum(reading.frame.height for reading in parsed.readings), count_rejects(parsed)) == (7505, 500)


def test_gateway_formats_agree_on_the_fields_they_share() -> None:
    texts = dict(_conf_formats())
    for gateway in ("edge", "raw", "redirect", "auth"):
        frames = {}
        for kind, log_format in texts.items():
            path = next((DATA / "capture" / gateway).glob(f"access.{kind}.log*"))
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            parsed = parse_lines(data, 0, 1, [log_format])
            assert count_rejects(parsed) == 0, (gateway, kind)
            frames[kind] = events_of(parsed)
        lines = json.loads((DATA / "capture" / "TRUTH.json").read_text())["total_lines"][gateway]
        statuses = {kind: frame["http_response_status_code"].to_list() for kind, frame in frames.items()}
        seconds = {kind: frame["timestamp"].dt.truncate("1s").to_list() for kind, frame in frames.items()}
        for kind, frame in frames.items():
            assert frame.height == lines
            assert statuses[kind] == statuses["combined"], (gateway, kind)
            late = [a for a, b in zip(seconds[kind], seconds["combined"], strict=True) if a != b]
            assert not late, (gateway, kind, late[:3])


def _conf_formats() -> list[tuple[str, LogFormat]]:
    conf = DATA / "capture" / "log_formats.conf"
    named = [("ext", "ext"), ("json", "json_all"), ("pipes", "pipes"), ("epoch", "epoch"), ("ltsv", "ltsv"), ("vhost", "vhost")]
    return [("combined", FORMATS["nginx-combined"]), *((kind, custom_format(f"@{conf}:{name}")) for kind, name in named)]


NESTED: dict[str, Callable[[str], dict[str, Any]]] = {
    "caddy": lambda agent: {
        "ts": 1720000000.5,
        "logger": "http.log.access",
        "request": {
            "remote_ip": "1.2.3.4",
            "proto": "HTTP/2.0",
            "method": "GET",
            "host": "h",
            "uri": "/a",
            "headers": {"User-Agent": [agent], "Referer": ["r"]},
        },
        "status": 200,
        "size": 5,
    },
    "fastly": lambda agent: {
        "date_time": "2025-10-26T23:57:34Z",
        "ddsource": "fastly",
        "http": {"useragent": agent, "protocol": "HTTP/2"},
        "ip": "1.2.3.4",
        "method": "GET",
        "status": 200,
        "url": "/a",
    },
    "gcp": lambda agent: {
        "timestamp": "2025-10-26T23:57:34Z",
        "httpRequest": {"requestMethod": "GET", "requestUrl": "/a", "status": 200, "userAgent": agent, "remoteIp": "1.2.3.4"},
    },
}


@pytest.mark.parametrize("name", NESTED)
@examples(60)
@given(
    agents=st.lists(
        st.text(max_size=30) | st.sampled_from(["a \\(linux\\) x", "\\x22", "\\n", '"q"', "[x]", "{}", '{"a":1}']), min_size=1, max_size=5
    )
)
def test_values_in_nested_objects_come_back_as_they_were(name: str, agents: list[str]) -> None:
    """Backslashes in them are the Docker client's; an object handed on as text would lose or change them."""
    lines = [json.dumps(NESTED[name](agent)) for agent in agents]
    parsed = parse_lines("".join(f"{line}\n" for line in lines).encode(), 0, 1, (FORMATS[name],))
    found = events_of(parsed)["agent"].to_list()
    expected = [agent.encode("utf-8", "backslashreplace").decode() for agent in agents]
    assert [agent or "-" for agent in found] == [agent if agent not in ("", "-") else "-" for agent in expected]


EXPECTED = [json.loads(line) for line in (DATA / "logs" / "beats" / "expected.jsonl").read_text(encoding="utf-8").splitlines()]


def _one_spelling(address: str) -> str:
    return str(ip_address(address)) if ":" in address and address != "unix:" else address


@pytest.mark.parametrize("file", some(sorted({item["file"] for item in EXPECTED}), 3))
def test_real_logs_say_what_elastics_parser_makes_of_them(file: str, tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    """Where a line holds a list of clients, Elastic's parser and ours both take the first public one."""
    take_in(DATA / "logs" / "beats" / file, keep_addresses=True)
    events = {row["source_offset"]: row for row in open_store(tmp_path / "store").scan_events(None).collect().iter_rows(named=True)}
    expected = [item for item in EXPECTED if item["file"] == file]
    assert len(events) == len(expected)
    for item in expected:
        event = events[item["offset"]]
        assert event["timestamp"] == datetime.fromisoformat(item["@timestamp"])
        assert event["http_response_status_code"] == item.get("http.response.status_code")
        assert (event["http_response_body_size"] or 0) == item.get("http.response.body.bytes", 0)
        assert event["http_request_method"] == item.get("http.request.method")
        assert event["client_address"] == _one_spelling(item.get("source.ip", item.get("source.address")))
        assert (event["user_agent_original"] or "-") == item.get("user_agent.original", "-")
