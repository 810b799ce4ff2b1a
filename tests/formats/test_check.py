"""`formats`: which format, how sure, which lines fail and where each departs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pullstats.cli import run
from pullstats.formats import FORMATS, RECOMMENDED, custom_format, parse_lines
from pullstats.formats.mismatch import find_mismatch
from pullstats.sources import WRAPPERS
from support.command import pullstats
from support.places import LOGS

GOOD = '1.2.3.4 - - [23/Nov/2025:23:35:37 +0000] "GET /a HTTP/1.1" 200 7 "-" "x"\n'


def ask(*arguments: str) -> str:
    return pullstats("formats", *arguments).out


def test_list_names_every_format_and_wrapper(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    listed = json.loads(ask("list", "--format", "json"))
    assert [item["name"] for item in listed] == [*FORMATS, *WRAPPERS]
    text = ask()
    assert RECOMMENDED in text
    assert all(name in text for name in (*FORMATS, *WRAPPERS))


def test_detect_tells_format_confidence_and_failures(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    names = ["lnav/logfile_bad_access_log.0", "crowdsec/caddy-logs.log", "beats/ingress.log"]
    found = json.loads(ask("detect", "--format", "json", *(str(LOGS / name) for name in names)))
    assert [(item["format"], item["confidence"], item["lines"], item["failed"], item["reasons"], item["wrapper"]) for item in found] == [
        ("nginx-combined", 0.6667, 3, 1, {"format": 1}, None),
        ("caddy", 1.0, 12, 0, {}, None),
        ("nginx-ingress", 1.0, 24, 0, {}, None),
    ]


def test_a_log_no_format_fits_is_an_answer_and_not_an_error(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    odd, empty = tmp_path / "odd.log", tmp_path / "empty.log"
    odd.write_bytes(b"\x00\xff what is this\nand this\x1b[31m\n")
    empty.touch()
    found = json.loads(ask("detect", "--format", "json", str(odd), str(empty)))
    assert [(item["format"], item["lines"], item["failed"]) for item in found] == [(None, 2, 2), (None, 0, 0)]
    assert "no known log format fits" in ask("test", str(odd))
    assert run(["formats", "detect", str(tmp_path / "missing")]) == 2


@pytest.mark.parametrize(
    ("line", "under", "expected"),
    [
        ('1.2.3.4 [20/Jul/2009:22:59:29 +0000] "GET /a HTTP/1.0" 404 46210 "-" "x"', " [20/Jul", "' - '"),
        ('1.2.3.4 - - [20/Jul/2009:22:59:29 +0000] "GET /a HTTP/1.0" 4O4 46210 "-" "x"', "O4 46210", "' '"),
        ('1.2.3.4 - - [20/Jul/2009:22:59:29 +0000] "GET /a HTTP/1.0" 404 46210 "-" "x" tail', " tail", "the end of the line"),
        ('1.2.3.4 - - [20/Jul/2009:22:59:29 +0000] "GET /a HTTP/1.0" 404 46210 "-" "x', "", "'\"'"),
    ],
)
def test_the_caret_stands_where_the_line_departs(line: str, under: str, expected: str) -> None:
    found = find_mismatch(line, [FORMATS["nginx-combined"]])
    assert line[found.column :].startswith(under)
    assert under or found.column == len(line)
    assert found.expected == expected


def test_broken_json_is_pointed_at() -> None:
    found = find_mismatch('{"status": 200, "request": }', [FORMATS["json"]])
    assert (found.format_name, found.column, found.expected) == ("json", 27, "expecting value")


def test_failing_lines_are_shown_harmless_with_a_caret(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """No address, no secret, no terminal control; the number of the line in the whole file."""
    log = tmp_path / "a.log"
    log.write_text(GOOD * 3 + '203.0.113.9 - - no time "GET /?token=SECRET HTTP/1.1" \x1b[31m 200\n' + GOOD)
    text = ask("test", str(log))
    assert "line 4: " in text
    assert not {"203.0.113.9", "SECRET", "\x1b"} & {part for part in ("203.0.113.9", "SECRET", "\x1b") if part in text}
    shown, caret = text.splitlines()[-2:]
    assert shown[caret.index("^") :].startswith("- no time")
    assert caret.endswith("^ nginx-combined expects ' [' here")
    failures = json.loads(ask("test", "--format", "json", str(log)))[0]["failures"]
    assert [(failure["line"], failure["reason"]) for failure in failures] == [(4, "format")]


def test_the_recommended_format_is_read_with_everything_in_it() -> None:
    """In nginx's own words in, every column out; also where a value is empty."""
    line = (
        '{"time_iso8601":"2026-11-23T23:35:37+00:00","msec":"1795476937.304","remote_addr":"133.11.5.20","http_x_forwarded_for":"198.51.100.7",'
        '"remote_user":"","scheme":"https","host":"registry.example","request_method":"GET","request_uri":"/v2/a/manifests/1",'
        '"server_protocol":"HTTP/2.0","status":"200","body_bytes_sent":"1049","request_time":"0.012","request_id":"ab12","http_range":"bytes=0-",'
        '"upstream_addr":"10.0.0.1:5000","upstream_cache_status":"HIT","http_referer":"","http_user_agent":"curl/8.5.0"}\n'
    )
    assert all(f'"{name}":"${name}"' in RECOMMENDED for name in json.loads(line))
    frame = parse_lines(line.encode(), 0, 1, [FORMATS["json"]]).readings[0].frame
    told = {name for name, value in frame.row(0, named=True).items() if value not in (None, "", "-")}
    assert set(frame.columns) - told == {
        "user",
        "referrer",
        "authorization",
        "attributes",
        "http_forwarded",
        "http_cf_connecting_ip",
        "http_x_real_ip",
    }
    assert frame["timestamp"][0].microsecond == 304_000
    text = RECOMMENDED.split("escape=json\n", 1)[1].rstrip(";")
    joined = "".join(part.strip().strip("'") for part in text.splitlines())
    assert parse_lines(line.encode(), 0, 1, [custom_format(joined)]).readings[0].frame.equals(frame)
