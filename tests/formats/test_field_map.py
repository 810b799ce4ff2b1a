"""`--map`: what keys mean, where the user says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.errors import InputError, UsageError
from pullstats.formats import FormatChoice, choose_formats, parse_lines
from pullstats.formats.field_map import FIELDS, parse_map
from support.effort import examples

OBJECT = {
    "HTTP-StatusCode": 200,
    "urlPath": "/a/b-1.0.zip",
    "started_at": 1500000000250,
    "who": {"ip": "192.0.2.1", "User.Agent": "curl/8"},
    "a,b:c=d": "GET",
    "q": "x=1",
    "took": 12,
    "path": "/elsewhere",
}
MAP = 'status=HTTP-StatusCode,path=urlPath,time=started_at:ms,client=who.ip,agent=who."User.Agent",method="a,b:c=d",duration=took:ms'


def read_one(field_map: str, item: dict[str, Any], count: int = 1) -> dict[str, Any]:
    formats = choose_formats(FormatChoice(field_map=field_map))
    parsed = parse_lines(f"{json.dumps(item)}\n".encode() * count, 0, 1, formats[:1])
    assert parsed.readings, parsed
    assert parsed.readings[0].frame.height == count
    return parsed.readings[0].frame.row(0, named=True)


def test_every_field_comes_from_the_key_that_was_named() -> None:
    row = read_one(MAP, OBJECT)
    assert row["timestamp"] == datetime(2017, 7, 14, 2, 40, 0, 250_000, tzinfo=UTC)
    assert (row["request"], row["address"], row["agent"]) == ("GET /a/b-1.0.zip", "192.0.2.1", "curl/8")
    assert (row["http_response_status_code"], row["http_request_duration_us"]) == (200, 12_000)
    many = read_one(MAP, OBJECT, 50)
    assert {key: many[key] for key in row if key not in ("source_line", "source_offset")} == {
        key: row[key] for key in row if key not in ("source_line", "source_offset")
    }


def test_a_query_goes_with_its_path_unless_that_holds_one() -> None:
    assert read_one(f"{MAP},query=q", OBJECT)["request"] == "GET /a/b-1.0.zip?x=1"
    assert read_one(f"{MAP},query=q", OBJECT | {"urlPath": "/a?b"})["request"] == "GET /a?b"


@pytest.mark.parametrize(
    ("value", "unit", "micros"),
    [
        (1500000000, "s", 0),
        (1500000000.25, "s", 250_000),
        ("1500000000250", "ms", 250_000),
        (1500000000000250, "us", 250),
        (1500000000000250999, "ns", 250),
        ("14/07/2017 04:40:00 +0200", '"%d/%m/%Y %H:%M:%S %z"', 0),
        ("2017-07-14T02:40:00Z", "iso", 0),
    ],
)
def test_a_time_is_read_in_its_unit(value: object, unit: str, micros: int) -> None:
    row = read_one(f"time=t:{unit},path=urlPath", OBJECT | {"t": value})
    assert row["timestamp"] == datetime(2017, 7, 14, 2, 40, 0, micros, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no time, no client and no path"),
        ("agent=ua", "no time, no client and no path"),
        ("statsu=x,path=y", "did you mean 'status'"),
        ("status", "cannot be read at 'status'"),
        ("status=a,status=b", "twice"),
        ("path=" + ".".join(["a"] * 65), "64 objects; 63 are the limit"),
        ("status=a:ms,path=b", "only time and duration"),
        ("time=a:weeks", "no unit of time"),
        ("time=a:%H,path=b", "gives no date"),
        ("duration=a:m,path=b", "no unit of duration"),
    ],
)
def test_a_map_that_cannot_serve_is_refused_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=r".") as caught:
        parse_map(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.dictionaries(st.sampled_from(sorted(set(FIELDS) - {"time"})), st.text(min_size=1, max_size=8), min_size=1, max_size=4))
@examples(60)
def test_any_key_can_be_named_in_quotes(keys: dict[str, str]) -> None:
    quoted = {field: '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"' for field, key in keys.items()}
    found = parse_map(",".join(["time=t", *(f"{field}={key}" for field, key in quoted.items())]))
    assert {item.field: item.path for item in found[1:]} == {field: (key,) for field, key in keys.items()}


def test_a_map_is_used_from_the_command_line_or_a_configuration(tmp_path: Path, take_in: Any) -> None:
    log = tmp_path / "a.log"
    log.write_text(json.dumps(OBJECT) + "\n")
    assert take_in(log, field_map=MAP).total("events") == 1
    log = log.rename(tmp_path / "b.log")
    log.write_text(json.dumps(OBJECT | {"took": 13}) + "\n")
    with pytest.raises(InputError, match=r"no line that was looked at has the key 'urlPaht'; did you mean 'urlPath'"):
        take_in(log, field_map="time=started_at:ms,path=urlPaht")
    with pytest.raises(UsageError, match=r"give one of them"):
        take_in(log, field_map=MAP, log_format="$remote_addr $msec")
