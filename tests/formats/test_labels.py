"""Lines whose values have labels, and what they share with objects and rows: half understood, they are refused."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest

from pullstats.formats import FORMATS, Times, parse_lines
from pullstats.formats.log_format import LogFormat
from support.table_writers import Rows, write_json, write_logfmt, write_ltsv, write_table

NAMES = {"time": "time_iso8601", "client": "remote_addr", "method": "method", "path": "request_uri", "other": "landing", "status": "status"}
WRITERS: dict[str, Callable[[Rows], bytes]] = {
    "json": lambda rows: write_json(rows, NAMES),
    "csv": lambda rows: write_table(rows, NAMES, ","),
    "ltsv": lambda rows: write_ltsv(rows, NAMES),
    "logfmt": lambda rows: write_logfmt(rows, NAMES),
}


def requests(count: int) -> list[dict[str, str]]:
    return [
        {
            "time": f"2024-03-12T15:22:{n % 60:02}Z",
            "client": f"198.51.100.{n % 250}",
            "method": "GET",
            "path": f"/dl/{n}.zip",
            "other": "",
            "status": str(200 + n),
        }
        for n in range(count)
    ]


def formats_of(kind: str, data: bytes) -> tuple[LogFormat, ...]:
    known = FORMATS[kind]
    return (known.bind(data) if known.bind else known,)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_target_under_an_unknown_name_is_no_request_without_one(kind: str) -> None:
    rows = requests(40)
    rows[7] |= {"path": "", "other": "/dl/7.zip"}
    rows[9] |= {"path": "", "other": "free text"}
    data = WRITERS[kind](rows)
    parsed = parse_lines(data, 0, 1, formats_of(kind, data), Times())
    (reading,) = parsed.readings
    assert [reason for part in parsed.rejects for reason in part["reason"]] == ["keys"]
    assert reading.frame["http_response_status_code"].to_list() == [200 + n for n in range(40) if n != 7]
    assert reading.frame["request"].to_list()[8] == "GET -"


@pytest.mark.parametrize("kind", ["ltsv", "logfmt"])
def test_labels_in_more_orders_than_any_server_has(kind: str) -> None:
    rows = requests(300)
    orders = random.Random(4).sample(list(itertools.permutations(NAMES)), 100)
    writer = write_ltsv if kind == "ltsv" else write_logfmt
    data = b"".join(writer([row], {field: NAMES[field] for field in orders[n % 100]}) for n, row in enumerate(rows))
    parsed = parse_lines(data, 0, 1, (FORMATS[kind],), Times())
    (reading,) = parsed.readings
    assert reading.frame["http_response_status_code"].to_list() == [200 + n for n in range(300)]
    assert reading.frame["request"].to_list() == [f"GET /dl/{n}.zip" for n in range(300)]


def test_ltsv_may_have_the_labels_of_json_logs_and_a_servers_own_messages() -> None:
    lines = (
        b"time:2024-03-12T15:22:28Z\tclient_ip:198.51.100.1\tmethod:GET\tpath:/a.zip\tstatus_code:200\tbytes:12\n"
        b"time:2024-03-12T15:22:29Z\tlevel:info\tmsg:starting\n"
        b"time:2024-03-12T15:22:29Z\tmystery:yes\tpath:/b.zip\n"
    )
    parsed = parse_lines(lines, 0, 1, (FORMATS["ltsv"],), Times())
    (reading,) = parsed.readings
    assert reading.frame.select("request", "address", "http_response_body_size").rows() == [("GET /a.zip", "198.51.100.1", 12)]
    assert parsed.ignored == 1
    assert [reason for part in parsed.rejects for reason in part["reason"]] == ["keys"]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_name_that_one_vendor_spells_so_says_nothing_where_it_is_spelled_otherwise(kind: str) -> None:
    """Akamai encodes what it logs as `UA`; others call an agent `ua`, and write it as it is."""
    rows = [row | {"path": "/a.zip", "other": "docker/20.10.24+dfsg1 go/1.19%20x"} for row in requests(3)]
    data = WRITERS[kind](rows).replace(b"landing", b"ua")
    parsed = parse_lines(data, 0, 1, formats_of(kind, data), Times())
    (reading,) = parsed.readings
    assert set(reading.frame["agent"]) == {"docker/20.10.24+dfsg1 go/1.19%20x"}
