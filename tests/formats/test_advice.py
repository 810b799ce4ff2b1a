"""What is not read is told: which keys were seen, what a log lacks, and what to do about it."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import shlex
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.formats import FORMATS, custom_format, detect_format, parse_lines
from pullstats.formats.notices import _MARKS, parse_object
from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store
from support.command import pullstats
from support.effort import across, count_examples, some

TakeIn = Callable[..., IngestSummary]
REQUEST = {"time": "2024-03-12T15:22:28Z", "remote_addr": "198.51.100.1", "request": "GET /a.zip HTTP/1.1", "status": 200}
NGINX = '198.51.100.{} - - [12/Mar/2024:15:22:{:02}+0000] "{}" 200 612 "-" "curl/8.5.0"\n'.replace("}+", "} +")

OBJECTS = {
    "a program's message": ({"level": "info", "msg": "listening on [::]:80", "time": "2024-03-12T15:22:28Z"}, "ignored"),
    "one with a severity": ({"severity": "ERROR", "message": "open /etc/app: no such file", "code": 2}, "ignored"),
    "distribution, before it answers": ({"level": "info", "msg": "authorized request", "http.request.method": "GET"}, "ignored"),
    "a heartbeat": ({"type": "heartbeat", "ok": True}, "ignored"),
    "a request in unknown keys": ({"t": "2024-03-12T15:22:28Z", "who": "198.51.100.1", "what": "GET", "where": "/a.zip", "code1": 200}, "keys"),
    "a request line in a message": ({"level": "info", "msg": "GET /a.zip HTTP/1.1", "t": 1}, "keys"),
    "a request told by a logger": ({"level": "info", "msg": "done", "p": {"m": "GET", "u": "/a.zip", "s": 200}}, "keys"),
    "target, client and status": ({"a": "/a.zip", "b": "198.51.100.1:4711", "c": 404}, "keys"),
    "anything else": ({"id": 1, "name": "a"}, "keys"),
    "nothing": ({}, "keys"),
    "a status that is none": ({"status": "ok", "uptime": 17}, "keys"),
}


@pytest.mark.parametrize(("name", "among"), across(OBJECTS, [0, 50]))
def test_an_object_is_passed_over_only_where_it_is_known_to_be_no_request(name: str, among: int) -> None:
    item, outcome = OBJECTS[name]
    lines = [json.dumps(REQUEST)] * among + [json.dumps(item)] + [json.dumps(REQUEST)] * among
    parsed = parse_lines("".join(f"{line}\n" for line in lines).encode(), 0, 1, [FORMATS["json"]])
    reasons = [reason for frame in parsed.rejects for reason in frame["reason"]]
    assert (parsed.ignored, reasons) == ((1, []) if outcome == "ignored" else (0, [outcome]))
    assert sum(reading.frame.height for reading in parsed.readings) == 2 * among


def test_objects_that_are_not_understood_are_counted_as_bad(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(json.dumps(item) + "\n" for item in [REQUEST] + [OBJECTS["a request in unknown keys"][0]] * 9))
    said = " ".join(pullstats("ingest", log, "--store", tmp_path / "s", "--max-bad", "1%", code=3).err.split())
    assert "9 lines name their values and were not understood" in said
    assert "t, who, what, where, code1" in said
    said = pullstats("formats", "test", log).out
    assert "keys for a client, a status" in said
    assert "it has t, who, what, where, code1" in said


def test_an_object_is_known_as_far_as_it_was_kept() -> None:
    whole = json.dumps({"a": 1, "b": {"c": "x, {y}", "d": [1, 2]}, "e": "z"})
    for end in range(len(whole)):
        found = parse_object(whole[:end])
        assert found is None or set(found) <= {"a", "b", "e"}
    assert parse_object(whole[:-4]) == {"a": 1, "b": {"c": "x, {y}", "d": [1, 2]}}


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(lines))
    return path


REMARKS: dict[str, tuple[list[str], list[str]]] = {
    "names a client": (
        [NGINX.format(n, n, "GET /a.zip HTTP/1.1") for n in range(20)],
        [NGINX.format(n, n, "GET /a.zip HTTP/1.1").replace(f"198.51.100.{n}", "-") for n in range(20)],
    ),
    "which path": (
        [NGINX.format(n, n, "GET /a.zip HTTP/1.1") for n in range(20)],
        [json.dumps({"time": f"2024-03-12T15:22:{n:02}Z", "remote_addr": "198.51.100.1", "status": 200, "method": "GET"}) + "\n" for n in range(20)],
    ),
    "names a method": (
        [NGINX.format(n, n, "GET /a.zip HTTP/1.1") for n in range(20)],
        [json.dumps({"time": f"2024-03-12T15:22:{n:02}Z", "remote_addr": "198.51.100.1", "status": 200, "path": "/a.zip"}) + "\n" for n in range(20)],
    ),
    "names a status": (
        [NGINX.format(n, n, "GET /a.zip HTTP/1.1") for n in range(20)],
        [NGINX.format(n, n, "GET /a.zip HTTP/1.1").replace('" 200 ', '" - ') for n in range(20)],
    ),
    "have one time": (
        [NGINX.format(n, n, "GET /a.zip HTTP/1.1") for n in range(20)],
        [NGINX.format(n, 7, "GET /a.zip HTTP/1.1") for n in range(20)],
    ),
    "were ignored": (
        [NGINX.format(n, n, "GET /a.zip HTTP/1.1") for n in range(20)] + ["\n"] * 15,
        [NGINX.format(n, n, "GET /a.zip HTTP/1.1") for n in range(20)] + ["\n"] * 25,
    ),
}


@pytest.mark.parametrize("text", REMARKS)
def test_the_summary_warns_of_what_a_log_lacks_and_only_then(text: str, tmp_path: Path, take_in: TakeIn) -> None:
    well, badly = REMARKS[text]
    assert not [note for note in take_in(write(tmp_path / "well.log", well), is_dry_run=True).notes if text in note]
    assert [note for note in take_in(write(tmp_path / "badly.log", badly), is_dry_run=True).notes if text in note]


TEXTS = {
    "a time, an address, a request": [f'2024-03-12T15:22:{n:02}Z gw 198.51.100.{n} GET /dl/{n}.zip 200 512 "curl/8.5.0"\n' for n in range(10)],
    "the request in front": [f'"GET /dl/{n}.zip HTTP/1.1" 200 512 - 198.51.100.{n} [12/Mar/2024:15:22:{n:02} +0000] 0.01\n' for n in range(10)],
    "bars between": [f"12/Mar/2024:15:22:{n:02} +0000 | 198.51.100.{n} | GET | /dl/{n}.zip | 200 | 512\n" for n in range(10)],
    "a date and a time": [f"2024-03-12 15:22:{n:02} INFO request from 198.51.100.{n}: GET /dl/{n}.zip -> 200 (512 bytes)\n" for n in range(10)],
    "no client": [f'[12/Mar/2024:15:22:{n:02} +0000] "GET /dl/{n}.zip HTTP/1.1" 200 512 "-" "curl/8.5.0"\n' for n in range(10)],
    "two addresses": [
        f'198.51.100.{n} 192.0.2.7 - - [12/Mar/2024:15:22:{n:02} +0000] "GET /dl/{n}.zip HTTP/1.1" 200 512 "-" "curl/8.5.0"\n' for n in range(10)
    ],
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_drafted_log_format_reads_the_log_it_was_drafted_for(name: str, tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", TEXTS[name])
    assert detect_format(log.read_bytes(), list(FORMATS.values())).best is None
    said = pullstats("ingest", log, "--store", tmp_path / "s", code=2).err
    assert said.count("\n") == 1
    formats = re.findall(r"--log-format ('[^']*')", said)
    assert formats
    for number, quoted in some(enumerate(formats), 9, first=0):
        assert custom_format(*shlex.split(quoted)).name
        summary: dict[str, Any] = pullstats(
            "ingest", log, "--store", tmp_path / f"s{number}", "--log-format", *shlex.split(quoted), "--format", "json"
        ).rows
        assert (summary["events"], summary["rejected"]) == (10, 0)


@pytest.mark.parametrize(
    ("lines", "says", "never"),
    [
        ([json.dumps(OBJECTS["a request in unknown keys"][0]) + "\n"], r"--map time=t,client=who,method=what,path=where", "--log-format"),
        (['{"urlPath":"/a","HTTP-StatusCode":200,"started_at":1700000000123}\n'], r"--map time=started_at:ms,path=urlPath,status=HTTP-Stat", "--log"),
        ([json.dumps({"id": 1, "name": "a"}) + "\n"], r"keys id, name; none of them", "--log-format"),
        (
            ["when,ip,verb,path,status\n", "2024-03-12T15:22:28Z,198.51.100.1,GET,/a,200\n"],
            r"are called when, ip, .* --map time=when,client=ip,method=verb",
            "--log-format",
        ),
        (["2024-03-12T15:22:28Z,198.51.100.1,GET,/a,200\n"] * 2, r"have no names; .* --log-format '\$time_iso8601,\$rem", "--map"),
        (["20240312,198.51.100.1,GET,/a,200\n"] * 2, r"have no names; say with --map by number", "--log-format"),
        (
            ['"2024-03-12T15:22:28Z","198.51.100.1","GET","/a,b","200"\n'] * 2,
            r"by number they could be --map time=1,client=2,method=3,path=4",
            "--log-format",
        ),
        (["2024-03-12 15:22:28 192.0.2.7 GET /a - 443 - x curl/8.5.0 200 0\n"], "#Fields:", "--map"),
        (["root:x:0:0:root:/root:/bin/bash\n"], "hold no request", "--map"),
        ([json.dumps({"level": "info", "msg": "hello"}) + "\n"] * 3, "messages of a program", "--map"),
        (
            [json.dumps({"event": {"at": 1710256948123}, "c": "198.51.100.1:4", "l": "GET / HTTP/1.1"}) + "\n"],
            "looks like the status",
            "--log-format",
        ),
        (["GET /dl/a.zip 200 12.345 ms - 512\n"] * 3, "hold requests, but no time", "--map"),
        (['198.51.100.1 - - [12/Mar/2024 15:22:28] "GET /dl/a.zip HTTP/1.1" 200 -\n'] * 3, r"hold requests, but no time.*\$\{time:", "--map"),
        (["name,age,city,mail\n", "bob,7,Berlin,b@example.org\n"], "hold no request", "--map"),
        (["#Fields: time c-ip cs-method cs-uri-stem sc-status\n", "15:22:28 203.0.113.7 GET /a 200\n"], "the date is missing", "sc-status do"),
        (["#Version: 1.0\n", "#Fields: date time x-foo\n"] + ["2024-03-12 15:22:28 a\n"] * 3, "none of the columns that its #Fields", "--map"),
        (['2022/07/28 16:37:00 [error] 1#1: *1 open() "/x" failed, client: 198.51.100.1, request: "GET /x HTTP/1.1"\n'], "nginx's error log", "--"),
        (["[Thu Jul 28 16:37:00.123 2022] [core:error] [pid 1] [client 198.51.100.1:80] AH00037: x\n"], "Apache's error log", "--"),
        (["Mar 12 15:22:28 mx postfix/smtpd[12]: connect from unknown[198.51.100.1]\n"], "a mail server's log", "--"),
        (["Mar 12 15:22:28 host sshd[12]: Accepted publickey for root from 198.51.100.1 port 22\n"], "the system's own log", "--"),
        (
            ['{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"list","requestURI":"/api/v1/pods","sourceIPs":["10.0.0.7"]}\n'],
            "Kubernetes' audit log",
            "--map",
        ),
        (['{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject","sourceIPAddress":"198.51.100.1"}\n'], "CloudTrail", "--"),
        (["2 123456789010 eni-1235b8ca 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n"], "a flow log", "--"),
        ([" http <-- 200, user: null(198.51.100.1), req: 'GET /demo', bytes: 0/1234\n"], "pretty-timestamped", "--"),
        (["log_format main '$remote_addr';\n"], "a configuration; give it with --log-format @FILE", "--map"),
        (["\x01\x02\x03\x7f\x05 abc\n"] * 9, "it is no text", "--"),
        (["<?xml version='1.0'?>\n", "<log><e/></log>\n"], "hold no request", "--map"),
    ],
)
def test_advice_fits_what_the_log_looks_like(lines: list[str], says: str, never: str, tmp_path: Path) -> None:
    said = pullstats("ingest", str(write(tmp_path / "a.log", lines)), "--store", tmp_path / "s", code=2).err
    assert re.search(says, said), said
    assert never not in said
    assert not (tmp_path / "s").exists()


UNKNOWN_OBJECTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "milliseconds, an object in it": lambda n: {
        "started_at": 1710256948123 + n,
        "who": {"addr": f"198.51.100.{n}"},
        "verb": "GET",
        "urlPath": f"/dl/{n}.zip",
        "HTTP-StatusCode": 200,
        "sent": 512,
    },
    "keys with dots, blanks and quotes": lambda n: {
        "event.start": f"2024-03-12T15:22:{n:02}Z",
        "source.ip": f"198.51.100.{n}",
        'the "line"': f"GET /dl/{n}.zip HTTP/1.1",
        "response, code": 200,
        "it's: size": 512,
        "in": {"user.agent": "curl/8.5.0"},
    },
    "a time as in common": lambda n: {
        "when": f"12/Mar/2024:15:22:{n:02} +0000",
        "caller": f"198.51.100.{n}",
        "line": f"GET /dl/{n}.zip HTTP/1.1",
        "result": 200,
        "length": "512",
        "ua": "curl/8.5.0",
    },
    "seconds": lambda n: {"epoch": 1710256948 + n, "c": f"198.51.100.{n}", "m": "GET", "u": f"/dl/{n}.zip", "code": 200, "size": 512},
}


@pytest.mark.parametrize("name", UNKNOWN_OBJECTS)
def test_an_advised_map_reads_the_log_it_was_advised_for(name: str, tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", [json.dumps(UNKNOWN_OBJECTS[name](n)) + "\n" for n in range(20)])
    store = str(tmp_path / "s")
    said = pullstats("ingest", log, "--store", store, code=2).err
    advised = shlex.split(said[said.index("--map ") :])[:2]
    summary: dict[str, Any] = pullstats("ingest", log, "--store", store, *advised, "--format", "json").rows
    assert (summary["events"], summary["rejected"], summary["ignored"]) == (20, 0, 0)
    wanted = ["timestamp", "http_request_method", "url_path", "http_response_status_code", "http_response_body_size"]
    events = open_store(tmp_path / "s").scan_events(wanted).collect()
    assert events["timestamp"].dt.date().unique().to_list() == [date(2024, 3, 12)]
    assert sorted(events["url_path"]) == sorted(f"/dl/{n}.zip" for n in range(20))
    assert set(events.select(wanted[1::2] + wanted[4:]).unique().rows()) == {("GET", 200, 512)}


COLUMNS = {
    "commas and a header": [
        "when,ip,verb,path,status,sent,ua",
        *(f"2024-03-12T15:22:{n:02}Z,198.51.100.{n},GET,/{n},200,5,curl/8.5.0" for n in range(10)),
    ],
    "semicolons": [f"2024-03-12T15:22:{n:02}Z;198.51.100.{n};GET;/{n}.zip;200;5" for n in range(10)],
    "tabs": [f"12/Mar/2024:15:22:{n:02} +0000\t198.51.100.{n}\tGET /{n} HTTP/1.1\t200\t5" for n in range(10)],
    "labels": [f"t:2024-03-12T15:22:{n:02}Z\tc:198.51.100.{n}\tr:GET /{n} HTTP/1.1\ts_code:200" for n in range(10)],
    "labels, keys in front": [f"ts=2024-03-12T15:22:{n:02}Z who=198.51.100.{n} what=GET where=/{n} code1=200" for n in range(10)],
    "labels of pairs": [f't=2024-03-12T15:22:{n:02}Z c=198.51.100.{n} r="GET /{n} HTTP/1.1" s_code=200' for n in range(10)],
    "quotes": [f'"2024-03-12T15:22:{n:02}Z","198.51.100.{n}","GET","/{n}","200","5","Mozilla/5.0 (X11; Linux)"' for n in range(10)],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_what_is_advised_for_columns_reads_them(name: str, tmp_path: Path) -> None:
    log = write(tmp_path / "a.csv", [f"{line}\n" for line in COLUMNS[name]])
    said = pullstats("ingest", log, "--store", tmp_path / "s", code=2).err
    advised = shlex.split(said[said.index("--map " if "header" in name or name.startswith("labels") else "--log-format ") :])[:2]
    summary: dict[str, Any] = pullstats("ingest", log, "--store", tmp_path / "s", *advised, "--format", "json").rows
    assert (summary["events"], summary["ignored"], summary["rejected"]) == (10, int("header" in name), 0)


@pytest.mark.parametrize("content", [b"\r\0\r,,\0" * 500 + b"\n", bytes(range(256)) * 40, b'"' * 3000 + b"\r\n"], ids=["returns", "bytes", "quotes"])
def test_advice_on_what_is_no_text_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(content)
    assert "internal error" not in pullstats("ingest", tmp_path / "a.log", "--store", tmp_path / "store", code=2).err


LONG = count_examples(200_000)
HOSTILE = {
    "labels in labels": "a=" * (LONG // 4) + "b",
    "labels in columns": ",".join(["a=" * (LONG // 10) + "b"] * 5),
    "marks": ">" * LONG + "x",
    "brackets and commas": '{"a":' + "[" * LONG + "," * LONG,
    "escaped quotes without an end": '{"a":1,"b":"' + '\\"' * LONG,
    "one half of a sign": '{"eventVersion":' * (LONG // 20),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_advice_on_a_line_made_to_be_slow_is_one_sentence(name: str, tmp_path: Path) -> None:
    assert (
        said := pullstats("ingest", str(write(tmp_path / "a.log", [HOSTILE[name] + "\n"] * 3)), "--store", tmp_path / "store", code=2).err
    ).startswith("pullstats: no known log format fits")
    assert "internal error" not in said


@given(st.text('"\\\\,{}[]a', max_size=30))
def test_no_character_of_a_string_is_looked_at_twice(text: str) -> None:
    # A mark that begins at a quote always matches, so that what stands behind it is never searched once more from a later quote.
    assert all(_MARKS.match(text, place) for place, sign in enumerate(text) if sign == '"')


@given(
    st.dictionaries(st.text("ab,]}", min_size=1, max_size=4), st.one_of(st.integers(), st.text('x,}]{["\\', max_size=6)), min_size=2, max_size=4),
    st.data(),
)
def test_a_cut_object_is_known_up_to_its_last_whole_value(item: dict[str, Any], data: st.DataObject) -> None:
    begun = [json.dumps(dict(list(item.items())[:count]))[:-1] + "," for count in range(1, len(item))]
    cut = json.dumps(item)[: data.draw(st.integers(1, len(json.dumps(item)) - 1))]
    whole = dict(list(item.items())[: sum(cut.startswith(beginning) for beginning in begun)])
    assert parse_object(cut) == (whole or None)


def test_the_caret_stands_in_the_nearest_plausible_format(tmp_path: Path) -> None:
    line = '198.51.100.70 a b - - [25/Nov/2017:16:13:40 -0600] "GET /dl/demo-1.0.zip HTTP/1.1" 2OO 10 "-" "curl/7"\n'
    said = pullstats("formats", "test", str(write(tmp_path / "a.log", [line]))).out
    assert "w3c" not in said
    assert "cloudfront" not in said


@pytest.mark.parametrize("name", ["gz", "bz2", "xz"])
def test_a_log_that_was_cut_before_its_first_line_is_whole_is_told_so(name: str, tmp_path: Path) -> None:
    compressors: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    (tmp_path / "a.log").write_bytes(compressors[name](NGINX.format(1, 1, "GET /a.zip HTTP/1.1").encode()[:60])[:-9])
    said = pullstats("ingest", tmp_path / "a.log", "--store", tmp_path / "s", code=2).err
    assert f"the {name} data ends early" in said
    assert "format" not in said


def test_a_time_that_the_fast_way_cuts_is_read_the_safe_way(tmp_path: Path, take_in: TakeIn) -> None:
    lines = [f'198.51.100.{n} - - [2017-11-25 16:13:{n:02}] "GET /dl/{n}.zip HTTP/1.1" 200 10 "-" "curl/7"\n' for n in range(20)]
    summary = take_in(write(tmp_path / "a.log", lines), is_dry_run=True)
    assert (summary.sources[0].events, summary.sources[0].rejected) == (20, 0)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16le", "utf-16be"])
def test_a_log_in_two_bytes_a_character_is_told_so(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "wide.log"
    path.write_bytes(('203.0.113.7 - - [12/Mar/2024:15:22:28 +0000] "GET /a HTTP/1.1" 200 615 "-" "curl/8.5.0"\r\n' * 20).encode(encoding))
    said = " ".join(pullstats("ingest", path, "--store", tmp_path / "store", code=2).err.split())
    assert f"iconv -f {'utf-16' if encoding == 'utf-16' else 'utf-16le'} -t utf-8" in said
    assert ("utf-16be" in said) == (encoding != "utf-16")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no whole line in it yet; passed over"),
        ("203.0.113.7 - - [", "17 bytes wait for a newline"),
        ("126 <190>1 - - - - - - hello 1", "30 bytes wait for its end (syslog by octet counting)"),
    ],
)
def test_what_waits_in_a_log_without_a_whole_line_is_said(text: str, says: str, tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "young.log"
    path.write_text(text)
    assert says in " ".join(str(note) for note in take_in(path).notes)
