"""What stands under the keys of a JSON log must make sense there, and is kept where it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pullstats.formats import FORMATS, custom_format, parse_lines
from pullstats.formats.held_keys import _sample_tree
from pullstats.formats.json_keys import KeyTable, KeyTree
from pullstats.formats.json_values import pick_values
from pullstats.formats.map_suggestions import suggest_map
from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store
from support.command import pullstats
from support.effort import across

REQUEST: dict[str, Any] = {
    "time": "2024-03-12T10:11:12Z",
    "remote_addr": "203.0.113.9",
    "method": "GET",
    "uri": "/a-1.0.zip",
    "status": 200,
    "bytes": 5,
    "user_agent": "curl/8",
}


def read(item: dict[str, Any] | str, among: int = 0) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Read an object among usual ones: the row it became, or why it was refused and what is shown of it."""
    line = item if isinstance(item, str) else json.dumps(item)
    lines = [json.dumps(REQUEST)] * among + [line] + [json.dumps(REQUEST)] * among
    parsed = parse_lines("".join(f"{text}\n" for text in lines).encode(), 0, 1, [FORMATS["json"]])
    rows = [row for reading in parsed.readings for row in reading.frame.to_dicts() if row["source_line"] == among + 1]
    return rows, [(reason, text) for frame in parsed.rejects for reason, text in frame.select("reason", "text").iter_rows()]


STATUSES: list[tuple[Any, int | str | None]] = [
    (200, 200), ("200", 200), ("200 OK", 200), ("404 Not Found", 404), (200.0, 200), ("599", 599), (100, 100),
    ("", None), ("-", None), (None, None), (0, None), ("000", None), ("009", None), (-1, None), ({"code": 200}, None),
    ("/a", "status"), (1000, "status"), (99, "status"), (600, "status"), (True, "status"), (10**400, "status"), ("ok", "status"),
    ("200 /a", "status"), ("GET", "status"), (200.5, "status"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "among"), across(STATUSES, [0, 50]))
def test_a_status_is_read_unknown_or_refused(status: tuple[Any, int | str | None], among: int) -> None:
    value, expected = status
    rows, refused = read(REQUEST | {"status": value}, among)
    assert [reason for reason, _ in refused] == ([expected] if isinstance(expected, str) else [])
    assert [row["http_response_status_code"] for row in rows] == ([] if isinstance(expected, str) else [expected])


@pytest.mark.parametrize(
    ("keys", "expected"),
    [({"status": "ok", "code": 200}, 200), ({"status": "", "response": 404}, 404), ({"code": "ECONNRESET"}, None), ({"response": "hello"}, None)],
)
def test_the_key_under_which_a_status_stands_says_it(keys: dict[str, Any], expected: int | None) -> None:
    rows, refused = read({key: value for key, value in REQUEST.items() if key != "status"} | keys)
    assert not refused
    assert [row["http_response_status_code"] for row in rows] == [expected]


CLIENTS = ("remote_addr", "x_forwarded_for", "real_ip", "cf_connecting_ip")


@pytest.mark.parametrize("key", CLIENTS)
def test_a_header_names_the_client_where_no_peer_does(key: str) -> None:
    rows, _ = read({name: value for name, value in REQUEST.items() if name not in ("remote_addr", "method")} | {key: "203.0.113.7"})
    assert [row["address"] for row in rows] == ["203.0.113.7"]
    rows, _ = read(REQUEST | {"real_ip": "203.0.113.7"})
    assert [row["address"] for row in rows] == ["203.0.113.9"]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP"])
def test_a_header_names_the_client_of_a_log_format(header: str) -> None:
    line = b'203.0.113.7 - - [12/Mar/2024:10:11:12 +0000] "GET /a.zip HTTP/1.1" 200 5\n'
    parsed = parse_lines(line, 0, 1, [custom_format(f'%{{{header}}}i %l %u %t "%r" %>s %b')])
    assert [reading.frame["address"].to_list() for reading in parsed.readings] == [["203.0.113.7"]]


def test_a_request_without_a_path_keeps_its_method(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    items = [{key: value for key, value in REQUEST.items() if key != "uri"} | {"method": method} for method in ("GET", "HEAD")]
    (tmp_path / "a.log").write_text("".join(json.dumps(item) + "\n" for item in items))
    notes = take_in(tmp_path / "a.log", store=tmp_path / "s").notes
    assert [note for note in notes if "which path" in note]
    assert not [note for note in notes if "a method" in note]
    kept = open_store(tmp_path / "s").scan_events(["http_request_method", "url_path"]).collect()
    assert sorted(kept.rows()) == [("GET", None), ("HEAD", None)]


CLIENT_TEXTS = ["/SECRETPATH", "SECRET (PLACE)", "SECRET/../x", "SECRET\\/q", 'a "SECRET" b', "SECRÉT;☃", "SECRET," * 3]


@pytest.mark.parametrize(("text", "ways"), across(CLIENT_TEXTS, list(product([False, True], repeat=2))))
def test_what_stands_for_a_refused_client_is_never_shown(text: str, ways: tuple[bool, bool]) -> None:
    is_list, is_escaped = ways
    line = json.dumps(REQUEST | {"remote_addr": [text, text] if is_list else text}, ensure_ascii=is_escaped)
    line = line.replace("/SECRET", "\\/SECRET") if is_escaped else line
    (refused,) = read(line)[1]
    assert refused[0] == "client"
    assert "SECR" not in refused[1]
    assert "CLIENT" in refused[1]


@pytest.mark.parametrize("text", ["SECRET of a place " * 200, "SECRET, " * 40_000, "SECRET/" * 100_000])
def test_as_much_of_a_refused_client_as_was_kept_is_never_shown(text: str) -> None:
    (refused,) = read({"time": REQUEST["time"], "method": "GET", "uri": "/a", "status": 200, "remote_addr": text})[1]
    assert refused[0] == "client"
    assert "SECR" not in refused[1]
    assert "CLIENT" in refused[1]


def test_lines_become_columns_for_the_keys_that_they_hold_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    widths: list[int] = []

    def pick(flat: pl.DataFrame, table: KeyTable) -> pl.DataFrame:
        widths.append(flat.width)
        return pick_values(flat, table)

    monkeypatch.setattr("pullstats.formats.json_lines.pick_values", pick)
    reader = FORMATS["json"].reader
    assert reader.read_safe(pl.Series([json.dumps(REQUEST), json.dumps({"x": 1}), "no object"]))["reason"].to_list() == [None, "keys", "not-json"]
    assert reader.read_safe(pl.Series(["no object"]))["reason"].to_list() == ["not-json"]
    assert widths == [len(REQUEST), 1]


def test_a_long_line_is_sampled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sampled: list[list[bytes]] = []

    def look(lines: list[bytes], tree: KeyTree) -> KeyTree | None:
        sampled.append(lines)
        return _sample_tree(lines, tree)

    monkeypatch.setattr("pullstats.formats.held_keys._sample_tree", look)
    lines = [json.dumps(REQUEST | {"user_agent": "x" * 10_000, "bytes": number}) for number in range(3)]
    assert FORMATS["json"].reader.read_fast("".join(f"{line}\n" for line in lines).encode()) is not None
    assert [[len(line) for line in lines] for lines in sampled] == [[len(lines[0])] * 3]


@pytest.mark.parametrize("client", ["", "-"])
def test_nobody_is_shown_as_such(client: str) -> None:
    (refused,) = read(REQUEST | {"remote_addr": client, "status": "ok"})[1]
    assert f'"remote_addr": "{client}"' in refused[1]


def test_a_client_of_text_is_hidden_too() -> None:
    line = b'SECRET:/path - - [12/Mar/2024:15:22:28 +0000] "GET /SECRETS.zip HTTP/1.1" 200 612 "-" "curl/8.5.0"\n'
    (frame,) = parse_lines(line, 0, 1, [FORMATS["nginx-combined"]]).rejects
    assert frame["reason"].to_list() == ["client"]
    assert frame["text"][0].startswith("CLIENT - - ")


@pytest.mark.parametrize("deep", ["[" * 50_000 + "]" * 50_000, '{"a":' * 5_000 + '"]}"' + "}" * 5_000, "[[" * 5_000 + "]," * 4_999 + "]" * 5_001])
@pytest.mark.parametrize("among", [0, 50])
def test_what_nests_too_deeply_keeps_nothing_else_from_being_read(deep: str, among: int) -> None:
    line = json.dumps(REQUEST)[:-1] + f', "x": {deep}, "referer": "https://example.org/"}}'
    rows, refused = read(line, among)
    assert not refused
    assert [(row["http_response_status_code"], row["referrer"]) for row in rows] == [(200, "https://example.org/")]


HALF: dict[str, tuple[dict[str, Any], bool]] = {
    "all but time and client unknown": (
        {"time": "2024-03-12T10:11:12Z", "client_ip": "203.0.113.9", "verb": "GET", "target": "/a-1.zip", "result": 200, "n": 0},
        True,
    ),
    "path and status unknown": (
        {"time": "2024-03-12T10:11:12Z", "remote_addr": "203.0.113.9", "method": "GET", "urlPath": "/a.zip", "httpCode": 200},
        True,
    ),
    "the path alone unknown": ({"time": "2024-03-12T10:11:12Z", "ip": "203.0.113.9", "status": 200, "q": {"where": "/a.zip"}}, True),
    "no path at all": ({"time": "2024-03-12T10:11:12Z", "ip": "203.0.113.9", "method": "GET", "status": 200}, False),
    "a referrer and a file": (
        {
            "time": "2024-03-12T10:11:12Z",
            "ip": "203.0.113.9",
            "method": "GET",
            "status": 200,
            "referer": "https://example.org/",
            "log_file": "/var/log/a",
        },
        False,
    ),
    "a path that is known": (REQUEST | {"elsewhere": "/b"}, False),
}


@pytest.mark.parametrize(("name", "among"), across(HALF, [0, 50]))
def test_an_object_whose_path_was_not_understood_is_no_request(name: str, among: int) -> None:
    item, is_refused = HALF[name]
    rows, refused = read(item, among)
    assert [reason for reason, _ in refused] == (["keys"] if is_refused else [])
    assert len(rows) == (not is_refused)


VALUES: list[tuple[dict[str, Any], str, str]] = [
    ({"remote_addr": "200"}, "what stands for the client", "an address or a host name"),
    ({"remote_addr": "256.1.1.1"}, "what stands for the client", "an address or a host name"),
    ({"method": "/a b"}, "what stands for the method", "a method"),
    ({"status": "/a"}, "what stands for the status", "a status"),
    ({"urlPath": "/a", "uri": None}, "--map", ""),
]


@pytest.mark.parametrize(("change", "says", "expects"), VALUES)
def test_a_log_in_known_keys_is_told_which_value_is_wrong(change: dict[str, Any], says: str, expects: str, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text((json.dumps(REQUEST | change) + "\n") * 5)
    assert says in (said := pullstats("ingest", log, "--store", tmp_path / "s", code=2).err)
    assert ("--map" in said) is (says == "--map")
    told = pullstats("formats", "test", log).out
    assert "gitlab" not in told
    assert f"json expects {expects}" in told


def test_addresses_in_a_list_are_suggested_as_the_client() -> None:
    found = suggest_map([{"at": "2024-03-12T10:11:12Z", "sourceIPs": ["203.0.113.9"], "code": 200, "where": "/a"}])
    assert found["client"] == "sourceIPs"
