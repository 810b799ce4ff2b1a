"""Logs that name their columns: W3C extended, CloudFront, LTSV."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pullstats.formats import FORMATS, detect_format, parse_lines
from pullstats.formats.w3c_directives import last_heading, split_sections
from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store
from support.effort import some
from support.places import DATA

TABBED = "date time x-edge-location sc-bytes c-ip cs-method cs-uri-stem sc-status cs(User-Agent) cs-uri-query x-edge-result-type time-taken"


def row(second: int, status: int = 200, agent: str = "cargo%201.74.0%20(2024-01-01)", path: str = "/crates/libc/libc-0.2.1.crate") -> str:
    return f"2024-01-16\t23:56:{second:02}\tIAD89-P3\t1000\t192.0.2.7\tGET\t{path}\t{status}\t{agent}\ta=1&token=hush\tHit\t0.125"


def events(tmp_path: Path) -> pl.DataFrame:
    return open_store(tmp_path / "store").scan_events(None).collect().sort("source_offset")


def test_cloudfront_with_its_header(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    path = tmp_path / "E1.2024-01-16-23.log"
    path.write_text(f"#Version: 1.0\n#Fields: {TABBED}\n{row(1)}\n{row(2, 404, 'Bazel/release%25207.6.2')}\n")
    summary = take_in(path)
    assert (summary.sources[0].format, summary.total("events"), summary.total("ignored")) == ("cloudfront", 2, 2)
    first, second = events(tmp_path).iter_rows(named=True)
    assert first["timestamp"] == datetime(2024, 1, 16, 23, 56, 1, tzinfo=UTC)
    assert (first["user_agent_original"], first["user_agent_name"], first["user_agent_version"]) == ("cargo 1.74.0 (2024-01-01)", "cargo", "1.74.0")
    assert (first["package_name"], first["package_version"], first["url_query"]) == ("libc", "0.2.1", "a=1&token=REDACTED")
    assert (first["http_response_body_size"], first["http_request_duration_us"], first["cache_status"]) == (1000, 125_000, "Hit")
    assert second["user_agent_original"] == "Bazel/release 7.6.2"  # percent-encoded twice


@pytest.mark.parametrize("block_size", [150, 400, 1 << 20])
def test_columns_that_change_in_mid_file(block_size: int, tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    """As in rust-lang/crates.io's test data: each directive holds for the lines behind it."""
    path = tmp_path / "changing.log"
    path.write_text(
        f"#Version: 1.0\n#Fields: {TABBED}\n" + "".join(f"{row(second)}\n" for second in range(5)) + f"#Version: 1.0\n#Fields: {TABBED}\n{row(5)}\n"
        "#Foo?\n#Fields: date time cs-method cs-uri-stem sc-status c-ip\n"
        + "2024-01-16\t23:57:00\tGET\t/a/b-1.0.tar.gz\t206\t192.0.2.8\n"
        * 3
        + "too\tfew\n"
        "#Fields: cs-method cs-uri-stem sc-status\nGET\t/no/time\t200\n"
    )
    summary = take_in(path, block_size=block_size)
    assert (summary.total("lines"), summary.total("events"), summary.total("ignored"), summary.total("rejected")) == (18, 9, 7, 2)
    assert summary.rejects == {"format": 1, "time": 1}
    found = events(tmp_path)
    assert found["http_response_status_code"].to_list() == [200] * 6 + [206] * 3
    assert found["source_line"].to_list() == [3, 4, 5, 6, 7, 10, 13, 14, 15]
    data = path.read_bytes()
    assert all(data[offset : offset + 10] == b"2024-01-16" for offset in found["source_offset"])


def test_a_log_that_grows_keeps_its_columns(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    path = tmp_path / "growing.log"
    path.write_text(
        f"#Fields: {TABBED}\n{row(1)}\n#Fields: date time cs-method cs-uri-stem sc-status c-ip\n2024-01-16\t23:57:00\tGET\t/a\t206\t192.0.2.8\n"
    )
    assert take_in(path).total("events") == 2
    with path.open("a") as file:
        file.write("2024-01-16\t23:57:01\tGET\t/b\t404\t192.0.2.8\n")
    assert (summary := take_in(path)).total("events") == 1, summary
    assert events(tmp_path)["http_response_status_code"].to_list() == [200, 206, 404]


def test_iis(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    path = tmp_path / "u_ex240312.log"
    fields = (
        "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status"
    )
    path.write_bytes(
        f"#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2024-03-12 00:00:00\r\n#Fields: {fields} time-taken\r\n"
        "2024-03-12 15:22:28 10.0.0.5 GET /dl/app-1.0.zip - 443 - 203.0.113.7 Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64) - 200 0 0 15\r\n".encode()
    )
    assert take_in(path).sources[0].format == "w3c"
    (event,) = events(tmp_path).iter_rows(named=True)
    assert event["user_agent_original"] == "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
    assert (event["http_request_duration_us"], event["http_response_status_code"], event["url_path"]) == (15_000, 200, "/dl/app-1.0.zip")
    assert event["user_id"] is None


def test_sections_are_cut_where_a_directive_changes() -> None:
    data = b"a\tb\n#Fields: x y\n1\t2\n#Fields: x y\n3\t4\n#Fields: y x\n5 6\n"
    found = [(data[part.start : part.end], part.heading, part.is_tabbed) for part in split_sections(data, None)]
    assert found == [
        (b"a\tb\n", None, True),
        (b"#Fields: x y\n1\t2\n#Fields: x y\n3\t4\n", "#Fields: x y", True),
        (b"#Fields: y x\n5 6\n", "#Fields: y x", False),
    ]
    assert last_heading(data) == "#Fields: y x"
    assert last_heading(b"a #Fields: no\n") is None
    assert list(split_sections(b"", "#Fields: x")) == []


def test_a_directive_without_end_is_read_as_one() -> None:
    data = b"#Fields: " + b"date " * 100_000 + b"\n1\n"
    formats = detect_format(data, list(FORMATS.values())).formats or tuple(FORMATS.values())
    assert parse_lines(data, 0, 1, formats).lines == 2


@pytest.mark.parametrize("gateway", some(["edge", "raw", "redirect", "auth"], 2))
def test_ltsv_says_what_combined_says(gateway: str, tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    """Line n is the same request in every file of the recorded gateway."""
    folder = DATA / "capture" / gateway
    assert take_in(folder / "access.ltsv.log.gz").sources[0].format == "ltsv"
    labelled = events(tmp_path)
    take_in(folder / "access.combined.log", store=tmp_path / "other")
    combined = open_store(tmp_path / "other").scan_events(None).collect().sort("source_offset")
    same = [
        "timestamp",
        "http_response_status_code",
        "http_response_body_size",
        "url_path",
        "url_query",
        "user_agent_original",
        "http_request_referrer",
    ]
    assert labelled.select(same).equals(combined.select(same))


def test_labels_in_any_order() -> None:
    lines = b"status:200\ttime:23/Nov/2026:23:36:04 +0000\thost:192.0.2.1\treq:GET / HTTP/1.1\nhost:192.0.2.1\treq:GET /b\tstatus:404\ttime:1795476964\nnone\n"
    parsed = parse_lines(lines, 0, 1, (FORMATS["ltsv"],))
    (reading,) = parsed.readings
    assert reading.frame["http_response_status_code"].to_list() == [200, 404]
    assert reading.frame["timestamp"].to_list() == [datetime(2026, 11, 23, 23, 36, 4, tzinfo=UTC)] * 2
    assert parsed.rejects[0]["reason"].to_list() == ["format"]
