"""The counting rules side by side, on the worked cases that ship with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest

from pullstats.cli import run
from pullstats.metrics import COUNTING_RULES, Breakdown, Query
from pullstats.metrics.counting.cases import Case, load_cases
from pullstats.pipeline.answer import answer
from support.command import pullstats
from support.places import CAPTURE

FIRST = datetime(2015, 1, 1, tzinfo=UTC)
AGENTS = {
    "-": "-",
    "Cargo": "Cargo/1.0",
    "Googlebot": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "aria2": "aria2/1.36.0",
    "cargo": "cargo/1.74.1 (a28077b28 2023-12-04)",
    "containerd": "containerd/1.7.2",
    "cosign": "cosign/v2.2.0 (linux; amd64)",
    "cri-o": "cri-o/1.28.1 go/go1.21.1 os/linux arch/amd64",
    "docker": "docker/24.0.7 go/go1.20.10 os/linux arch/amd64",
    "docker-cli": "Docker-Client/28.2.2 (linux)",
    "go": "Go-http-client/1.1",
    "huggingface": "unknown/None; hf_hub/0.20.0; python/3.11.4",
    "maven": "Apache-Maven/3.9.5 (Java 17.0.9; Linux 6.1)",
    "npm": "npm/10.2.3 node/v20.10.0 linux x64 workspaces/false",
    "pip": "pip/23.3 {\\x22installer\\x22:{\\x22name\\x22:\\x22pip\\x22,\\x22version\\x22:\\x2223.3\\x22}}",
    "podman": "containers/5.23.1 (github.com/containers/image)",
    "skopeo": "skopeo/1.9.3",
    "watchtower": "Watchtower/1.7.1",
}
COUNTED = ("downloads", "pulls", "checks", "attempts", "invocations")


FORMAT = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time'
SPAN = timedelta(days=31)
"""Each case has a month to itself."""


def write_line(moment: datetime, request: str) -> str:
    """Write a case's request as a line of a log that says how long it took, or that it does not know; digests in full."""
    before, after = write_around(request)
    return f"{before}{moment:%d/%b/%Y:%H:%M:%S}{after}"


@cache
def write_around(request: str) -> tuple[str, str]:
    """Write what stands before and after the time in the line of a request."""
    address, client, method, path, status, *took = request.split(" ")
    path = re.sub(r"sha256:([a-f])$", lambda match: "sha256:" + match[1] * 64, path)
    target = path if method == "-" else f"{method} {path} HTTP/1.1"
    return f"{address} - - [", f' +0000] "{target}" {status} 100 "-" "{AGENTS[client]}" {took[0] if took else "-"}\n'


def place(number: int) -> datetime:
    return FIRST + number * SPAN


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """A month a case, all in one log; one row a day with a column for every rule."""
    folder = tmp_path_factory.mktemp("counts")
    log = folder / "access.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULLSTATS_KEY_FILE", str(folder / "key"))
        lines = (write_line(place(number) + after, request) for number, case in enumerate(load_cases()) for after, request in case.spell_out())
        log.write_text("".join(lines))
        assert run(["ingest", str(log), "--store", str(folder / "store"), "--quiet", "--log-format", FORMAT]) == 0
    query = Query(COUNTED, window="all", every="d", count_as=tuple(COUNTING_RULES), limit=0)
    return answer(folder / "store", Breakdown(query)).frame


@pytest.fixture(scope="module")
def sums(found: pl.DataFrame) -> dict[int, dict[str, int]]:
    """Every column summed up over the days of each case, by the case's number."""
    case = (pl.col("bucket").str.to_date() - FIRST.date()).dt.total_days() // SPAN.days
    rows = found.group_by(case.alias("case")).agg(cs.numeric().sum()).rows(named=True)
    return {row["case"]: row for row in rows}


@pytest.mark.parametrize("number", range(len(load_cases())), ids=lambda number: load_cases()[number].shows[:60])
def test_every_rule_makes_of_every_case_what_it_says(number: int, sums: dict[int, dict[str, int]]) -> None:
    case: Case = load_cases()[number]
    for rule in COUNTING_RULES.values():
        for counted in COUNTED:
            column = re.sub(r"[^a-z0-9]+", "_", f"{counted}@{rule.label}")
            expected = case.count(counted, rule) if counted in rule.defines or counted == "downloads" else None
            if expected is not None:
                assert sums[number][column] == expected, (rule.label, counted)


def test_every_rule_has_a_case_that_counts_and_one_that_does_not() -> None:
    for rule in COUNTING_RULES.values():
        counts = [case.count("downloads", rule) for case in load_cases()]
        assert any(counts), rule.label
        assert rule.name == "raw" or 0 in counts, rule.label
    names = {rule.name for rule in COUNTING_RULES.values()} | {*COUNTING_RULES}
    for case in load_cases():
        assert set(case.expected) <= set(COUNTED)
        assert all(set(counts) <= names for counts in case.expected.values()), case.shows


def test_a_rule_says_nothing_of_what_it_does_not_define(found: pl.DataFrame) -> None:
    assert found["checks_scarf_1"].null_count() == found.height
    assert found["pulls_npm_1"].null_count() == found.height


def test_counts_list_and_show() -> None:
    listed = pullstats("counts", "list", "--format", "json").rows
    assert [row["rule"] for row in listed] == list(COUNTING_RULES)
    assert all(row["text"] and row["source"] for row in listed)
    shown = pullstats("counts", "show", "docker-dvp", "--format", "json", "--meta").rows
    assert shown["meta"]["rule"] == "docker-dvp@1"
    heads = {row["case"]: (row["pulls"], row["checks"]) for row in shown["rows"]}
    assert heads["the image is there: HEAD by tag alone"] == (1, 1)
    assert "a HEAD never is" in " ".join(pullstats("counts", "show", "scarf@1").out.split())


def test_the_newest_rule_tells_how_it_differs_from_the_one_before() -> None:
    shown = pullstats("counts", "show", "pullstats").out
    assert shown.startswith("pullstats@2\n")
    assert "Version 1 folds checks and invocations by sessions" in " ".join(shown.split())
    assert "00:00:00+300s×8640 198.51.100.7 docker HEAD" in shown
    assert "→ 0 downloads, 8,640 checks, 8,640 invocations (pullstats@1: 1 checks, 1 invocations)" in shown
    assert "Version 1 folds" not in pullstats("counts", "show", "pullstats@1").out


def test_an_unknown_rule_has_a_neighbour() -> None:
    assert "did you mean 'docker-dvp'?" in pullstats("counts", "show", "dokcer-dvp", code=2).err


def test_one_rule_alone_and_beside_others_gives_the_same(take_in: Callable[..., Any], tmp_path: Path) -> None:
    log = CAPTURE / "edge" / "access.combined.log"
    take_in(log)
    together = answer(tmp_path / "store", Breakdown(Query(("downloads",), window="all", count_as=tuple(COUNTING_RULES)))).frame.row(0)
    alone = [answer(tmp_path / "store", Breakdown(Query(("downloads",), window="all", count_as=(label,)))).frame.item() for label in COUNTING_RULES]
    assert list(together) == alone
    pulls = answer(tmp_path / "store", Breakdown(Query(("pulls",), window="all", count_as=("pullstats", "docker-ratelimit", "raw")))).frame.row(0)
    assert 0 < pulls[0] < pulls[1] < pulls[2]
