"""A line is read only where its values make sense, and a log is known by what its lines mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.clients import CLIENTS
from pullstats.formats import FORMATS, Detector, detect_format, parse_lines
from pullstats.formats.sense import CLIENT, PLAIN_CLIENT, SURE_CLIENT, find_nonsense
from pullstats.pipeline.plan import IngestSummary
from support.case_files import load_cases
from support.effort import examples

NONSENSE = load_cases("nonsense", {"texts"})[0][1]["texts"]
ALL = list(FORMATS.values())
COMBINED = '{} - - [12/Mar/2024:15:22:28 +0000] "GET /a.zip HTTP/1.1" {} 612 "-" "curl/8.5.0"\n'

CLIENT_TEXTS = [
    "198.51.100.1", "198.51.100.1:8080", "2001:db8::1", "[2001:db8::1]:443", "fe80::1%eth0", "::ffff:198.51.100.1", "-", "", "unix:", "unix:1", "@",
    "10.x.x.x", "192.168.0.xxx", "198.51.100.*", "10.2.0.0/16", "localhost", "ppp-1-2.example.org.", "my_host.example", "3com.example", "unknown",
    "5f4dcc3b5aa765d61d8327deb882cf99", "X03MO1qnZdYdgyfeuILPmQ==", "198.51.100.1, 192.0.2.7", '"198.51.100.1, 192.0.2.7"',
    '"198.51.100.1, 192.0.2.7" 203.0.113.9', "[redacted]",
]  # fmt: skip
OTHER_TEXTS = [
    "301", "93", "1.2.3", "256.1.1.1", "1.2.3.4.5", "12:34:56", "(-)", "(198.51.100.41", "203.0.113.157)", "\\203.0.113.1", "/dl/x", "GET /x",
    "[error]", "2024-03-12", "198.51.100.1;5", "<script>", "0.012", "HTTP/1.1", "example.org:http", "-evil.example", "a..example", '"curl', "{}",
    "x y,", "198.51.100.1,",
]  # fmt: skip


@examples(100)
@given(st.lists(st.from_regex(PLAIN_CLIENT, fullmatch=True) | st.sampled_from(CLIENT_TEXTS + OTHER_TEXTS), min_size=1))
def test_what_is_plainly_a_client_is_one_for_all_that_could_be_asked(texts: list[str]) -> None:
    clients = pl.Series(texts)
    for pattern, is_guess in ((CLIENTS, False), (SURE_CLIENT, True)):
        expected = [None if is_client else CLIENT for is_client in clients.str.contains(pattern)]
        found = find_nonsense(pl.DataFrame({"remote_addr": clients}), pl.Series([], dtype=pl.Int32), is_guess=is_guess)
        assert (found.to_list() if found is not None else [None] * len(texts)) == expected


def test_a_client_is_an_address_a_name_or_a_known_placeholder() -> None:
    assert [text for text in CLIENT_TEXTS if not pl.Series([text]).str.contains(CLIENTS).item()] == []
    assert [text for text in OTHER_TEXTS if pl.Series([text]).str.contains(CLIENTS).item()] == []


@examples(100)
@given(st.ip_addresses())
def test_every_address_is_a_client(address: Any) -> None:
    assert pl.Series([str(address)]).str.contains(CLIENTS).item()


@pytest.mark.parametrize(
    ("client", "status", "reason"),
    [
        ("198.51.100.1", "200", None),
        ("198.51.100.1", "000", None),
        ("198.51.100.1", "009", None),
        ("198.51.100.1", "-", None),
        ("198.51.100.1", "45", "status"),
        ("198.51.100.1", "612", "status"),
        ("612", "200", "client"),
        ("(-)", "200", "client"),
    ],
)
def test_what_makes_no_sense_is_refused_for_what_it_is(client: str, status: str, reason: str | None) -> None:
    good = COMBINED.format("198.51.100.9", "200")
    for lines in (COMBINED.format(client, status), good * 40 + COMBINED.format(client, status) + good * 40):
        parsed = parse_lines(lines.encode(), 0, 1, [FORMATS["nginx-combined"]])
        assert [row for frame in parsed.rejects for row in frame["reason"]] == ([reason] if reason else [])
        assert parsed.lines == lines.count("\n")


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_never_sure(name: str) -> None:
    detection = detect_format(NONSENSE[name].lstrip("\n").encode(), ALL)
    assert detection.best is None or detection.confidence < 0.5, (detection.best.name, detection.confidence)


LOOKALIKES = {
    "objects with keys of their own": (
        FORMATS["json"].sample,
        '{"when":"2026-11-23T23:35:37+00:00","who":"203.0.113.5","what":"GET /v2/ HTTP/1.1","code":200}',
    ),
    "a status that is none": (COMBINED.format("198.51.100.1", "200").strip(), COMBINED.format("198.51.100.1", "745").strip()),
    "a client that is none": (COMBINED.format("198.51.100.1", "200").strip(), COMBINED.format("200", "200").strip()),
}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_a_log_that_looks_like_the_one_before_is_read_for_itself(name: str) -> None:
    good, bad = (f"{line}\n".encode() * 20 for line in LOOKALIKES[name])
    detector = Detector(ALL)
    assert detector.detect(good).confidence == 1.0
    assert detector.detect(bad).confidence == 0.0
    assert detector.detect(good).confidence == 1.0


def test_nonsense_makes_no_event(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    (tmp_path / "logs").mkdir()
    for name, text in NONSENSE.items():
        (tmp_path / "logs" / f"{name}.log").write_text(text.lstrip("\n"))
    assert {source.name: source.events for source in take_in(tmp_path / "logs").sources if source.events} == {}


MIXED = {
    "combined and common": ("nginx-combined", "apache-common"),
    "combined and vhost": ("nginx-combined", "nginx-vhost"),
    "combined and JSON": ("nginx-combined", "json"),
    "combined and HAProxy": ("nginx-combined", "haproxy"),
    "Traefik, old and new": ("traefik", "traefik-1"),
}


@pytest.mark.parametrize("name", MIXED)
def test_a_log_of_two_formats_is_read_whole(name: str) -> None:
    first, second = (FORMATS[part].sample for part in MIXED[name])
    data = "".join(f"{line}\n" for line in [first] * 9 + [second]).encode()
    parsed = parse_lines(data, 0, 1, detect_format(data, ALL).formats)
    assert {reading.format_name: reading.frame.height for reading in parsed.readings} == {MIXED[name][0]: 9, MIXED[name][1]: 1}


STRANGERS = {
    "Nexus, which has a size where combined has the referrer": "nexus",
    "columns without names": "w3c",
}


@pytest.mark.parametrize("name", STRANGERS)
def test_one_line_is_not_read_by_a_format_that_means_something_else(name: str) -> None:
    data = "".join(f"{line}\n" for line in [FORMATS["nginx-combined"].sample] * 9 + [FORMATS[STRANGERS[name]].sample]).encode()
    parsed = parse_lines(data, 0, 1, detect_format(data, ALL).formats)
    assert [reading.format_name for reading in parsed.readings] == ["nginx-combined"]
    assert sum(frame.height for frame in parsed.rejects) == 1


def test_an_address_in_front_is_a_host_only_where_names_stand_there_too() -> None:
    line = '{} 198.51.100.1 - - [12/Mar/2024:15:22:28 +0000] "GET /a.zip HTTP/1.1" 200 612 "-" "curl/8.5.0"\n'
    hosts = ["dl.example.org", "192.0.2.7", "dl.example.org"]
    data = "".join(line.format(host) for host in hosts).encode()
    parsed = parse_lines(data, 0, 1, detect_format(data, ALL).formats)
    assert parsed.readings[0].frame["host"].to_list() == hosts
    alone = line.format("192.0.2.7").encode() * 3
    assert detect_format(alone, ALL).best is None
    other = line.format("192.0.2.7").encode() + FORMATS["nginx-combined"].sample.encode() * 1 + b"\n"
    found = parse_lines(other, 0, 1, detect_format(other, ALL).formats)
    assert [row for frame in found.rejects for row in frame["reason"]] == ["ambiguous"]
