"""The measuring log is the same for the same seed, and is what its description says."""

from __future__ import annotations

import importlib
import io
import ipaddress
import itertools
import json
import random
import re
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from support.places import ROOT

BENCH = ROOT / "bench"
COMBINED = re.compile(
    r'(\S+) - - \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d) \+0000\] "(GET|HEAD) (/\S*) HTTP/(1\.1|2\.0)" (\d{3}) (\d+) "([^"]+)" "([^"]+)"',
)


@pytest.fixture(scope="module")
def generator() -> Any:
    """`bench/generate.py`, imported the way running it as a script does."""
    sys.path.insert(0, str(BENCH))
    try:
        yield importlib.import_module("generate")
    finally:
        sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def log(generator: Any) -> bytes:
    return written(generator, 7, "combined")


def written(generator: Any, seed: int, log_format: str) -> bytes:
    """Write a thousand lines of few machines: what is asked of them does not depend on how many there are."""
    out = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("machines"), "ADDRESS_COUNT", 3_000)
        patch.setattr(importlib.import_module("visits"), "VISITS_PER_FAMILY", 1_000)
        generator.write_log(out, 1_000, seed, log_format)
    return out.getvalue()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(generator: Any, log: bytes) -> None:
    assert written(generator, 7, "combined") == log
    assert written(generator, 8, "combined") != log


def test_every_line_is_nginx_combined_inside_the_45_days_and_nearly_in_order(log: bytes) -> None:
    lines = log.decode("ascii").splitlines()
    parts = [COMBINED.fullmatch(line) for line in lines]
    assert len(lines) == 1_000
    assert all(parts)
    times = [datetime.strptime(part[2], "%d/%b/%Y:%H:%M:%S").replace(tzinfo=UTC) for part in parts if part]
    assert min(times) >= datetime(2025, 5, 17, tzinfo=UTC)
    assert max(times) < datetime(2025, 7, 1, tzinfo=UTC)
    assert all((earlier - later).total_seconds() <= 5 for earlier, later in itertools.pairwise(times))


def test_the_traffic_has_the_kinds_of_path_and_the_statuses_it_names(log: bytes) -> None:
    text = log.decode("ascii")
    for piece in (
        '"GET /v2/ ',
        "/manifests/sha256:",
        "/blobs/sha256:",
        '"HEAD /v2/',
        "/simple/",
        ".whl ",
        ".tgz ",
        "/charts/index.yaml",
        "/releases/download/",
    ):
        assert piece in text
    assert {part[6] for line in text.splitlines() if (part := COMBINED.fullmatch(line))} >= {
        "200",
        "206",
        "301",
        "304",
        "307",
        "401",
        "404",
        "499",
    }


def test_the_json_lines_say_the_same_as_the_combined_lines(generator: Any, log: bytes) -> None:
    rows = [json.loads(line) for line in written(generator, 7, "json").splitlines()]
    parts = [COMBINED.fullmatch(line) for line in log.decode("ascii").splitlines()]
    for row, part in zip(rows, parts, strict=True):
        assert part is not None
        agent = part[9].replace("\\x22", '"').replace("\\x5C", "\\").removeprefix("-")
        assert (row["remote_addr"], row["request_uri"], str(row["status"]), str(row["body_bytes_sent"]), row["http_user_agent"]) == (
            *part.group(1, 4, 6, 7),
            agent,
        )
        assert datetime.fromisoformat(row["time_iso8601"]) == datetime.strptime(part[2], "%d/%b/%Y:%H:%M:%S").replace(tzinfo=UTC)


@pytest.mark.usefixtures("generator")
def test_there_are_2000_agents_and_60000_public_addresses_of_which_15_percent_are_ipv6() -> None:
    clients, machines = importlib.import_module("clients"), importlib.import_module("machines")
    agents = [agent for pool in clients.make_agents(random.Random(3)).values() for agent in pool]
    addresses = [ipaddress.ip_address(text) for text in machines.make_addresses(random.Random(3))]
    assert (len(agents), len(set(agents))) == (2_000, 2_000)
    assert (len(addresses), len(set(addresses))) == (60_000, 60_000)
    assert sum(address.version == 6 for address in addresses) == 9_000
    assert all(address.is_global for address in addresses)
