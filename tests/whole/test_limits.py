"""What `--limit` cuts off a list is one row of others, so that every column that adds up does, whatever the command."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.command import pullstats, take_into

CLIENTS = ("pip/23.3", "uv/0.4.1", "curl/8.5.0", "docker/24.0.7 go/go1.20.10 os/linux arch/amd64", "skopeo/1.9.3", "poetry/1.8.2")
SUMS = {
    "report --by client --metric downloads,requests": ("downloads", "requests"),
    "report --by package --metric downloads,bytes": ("downloads", "bytes"),
    "behaviour --by client": ("downloads", "requests"),
    "orgs --window 2026-03-03..2026-03-04": ("downloads", "share", "before", "requests"),
    "orgs --window 2026-03-03..2026-03-04 --state returning": ("downloads", "share", "before", "requests"),
    "orgs --window 2026-03-03..2026-03-04 --sort -org": ("downloads", "requests"),
    "offenders": ("requests", "bytes", "cost", "downloads", "downloads_share"),
    "origins": ("downloads", "requests"),
    "origins --unique-by network --metric requests,bytes": ("requests", "bytes"),
    "origins --unique-by org": ("downloads", "requests"),
    "origins --state returning --window 2026-03-03..2026-03-04": ("downloads", "requests"),
    "doctor inflation": ("downloads", "had", "again", "adjusted"),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store of a log of several owners, clients and packages over four days, with loops on 404 and files taken again."""
    chance, begin = random.Random(4), datetime(2026, 3, 2, tzinfo=UTC)
    requests = []
    for number, address in enumerate(["8.8.8.8", "81.2.69.142", "175.16.199.1", "89.160.20.112", "2.125.160.216", "3.5.140.9", "192.0.2.7"]):
        for _ in range(60):
            path = f"/packages/lib-{chance.randrange(5)}-1.{chance.randrange(3)}-py3-none-any.whl"
            requests.append((begin + timedelta(seconds=chance.uniform(0, 4 * 86_400)), address, path, 200, CLIENTS[chance.randrange(number % 6 + 1)]))
        at = begin + timedelta(hours=40 + number)
        requests += [
            (at + timedelta(seconds=20 * one), address, f"/packages/none-{number}-1.whl", 404, CLIENTS[number % 6]) for one in range(30 + number)
        ]
    lines = [
        f'{address} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "GET {path} HTTP/1.1" {status} {10**6} "-" "{agent}"\n'
        for moment, address, path, status, agent in sorted(requests)
    ]
    folder = tmp_path_factory.mktemp("limits")
    (folder / "access.log").write_text("".join(lines))
    take_into(folder / "store", folder / "access.log")
    return folder / "store"


@pytest.mark.parametrize("command", SUMS)
def test_what_is_cut_off_is_in_one_row_and_columns_add_up(command: str, store: Path) -> None:
    words = [*command.split(), *([] if "--window" in command else ["--window", "all"]), "--format", "json", "--store", store]
    whole = pullstats(*words, "--limit", "0").rows
    assert len(whole) > 3
    for limit in (1, 3):
        said = pullstats(*words, "--limit", limit, "--meta").rows
        rows, other = said["rows"], said["meta"]["other_row"]
        assert (len(rows), other) == (limit + 1, limit)
        assert "other" in rows[other].values()
        assert [row for row in rows[:limit] if row not in whole] == []
        for name in SUMS[command]:
            told, there = (sum(row[name] or 0 for row in some) for some in (rows, whole))
            assert told == pytest.approx(there, abs=1e-4), name
        bare = pullstats(*words, "--limit", limit, "--no-other").rows
        assert bare == rows[:limit]
    assert pullstats(*words, "--limit", len(whole), "--meta").rows["meta"]["other_row"] is None


def test_origins_behind_the_other_organisations_are_counted_and_not_added(store: Path) -> None:
    """An address of each of two owners of one network has one origin in each."""
    words = ["orgs", "--window", "2026-03-02..2026-03-05", "--format", "json", "--store", store]
    whole, (first, rest) = pullstats(*words, "--limit", 0).rows, pullstats(*words, "--limit", 1).rows
    assert first in whole
    assert rest["origins"] == sum(row["origins"] for row in whole) - first["origins"]  # no origin has two owners
    assert (rest["class"], rest["since"], rest["growth"]) == (None, None, None)


def test_organisations_that_take_nothing_are_told_by_what_they_ask(store: Path) -> None:
    said = pullstats("orgs", "--window", "2026-03-02..2026-03-05", "--where", "status=404", "--store", store).words
    assert "0 downloads" not in said
    assert "0.0 %" not in said.split("network owner")[0]
    assert "; no downloads; of 231 requests: " in said
    nothing = pullstats("orgs", "--window", "2026-03-02..2026-03-05", "--where", "status=500", "--store", store, code=4).words
    assert nothing.startswith("0 organisations ")
