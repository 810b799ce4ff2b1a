"""Headline, column, total row, CSV and JSON of one name are one number; and each sentence around them is only printed where it is true."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from support.command import pullstats, take_into
from support.places import ROOT

WHEEL = "/packages/{}-1.0-py3-none-any.whl"


def line(day: int, address: str, path: str, status: int = 200, method: str = "GET", agent: str = "pip/23.3") -> str:
    return f'{address} - - [{day:02d}/Jan/2026:10:00:00 +0000] "{method} {path} HTTP/1.1" {status} 100 "-" "{agent}"\n'


LINES = [
    line(1, "192.0.2.1", WHEEL.format("acme")),
    line(1, "192.0.2.1", WHEEL.format("widget")),
    line(2, "192.0.2.1", "/simple/acme/"),
    line(1, "192.0.2.1", "/simple/acme/", agent="uv/0.4"),
    line(1, "198.51.100.1", WHEEL.format("acme")),
    line(1, "198.51.100.2", "/simple/acme/"),
    line(1, "198.51.100.3", "/simple/acme/", 401),
    line(1, "198.51.100.4", WHEEL.format("total")),
    line(2, "203.0.113.1", "/v2/acme/app/manifests/1.0", 401, agent="docker/24"),
    line(2, "203.0.113.1", "/v2/acme/app/manifests/1.0", 200, agent="docker/24"),
]
# By hand: 5 downloads (acme 2, widget 1, total 1, acme/app 1) by 4 downloaders (192.0.2.1, 198.51.100.1, .4, 203.0.113.1);
# 6 origins asked: 192.0.2.1 twice (pip, uv), .1, .2, .4 and 203.0.113.1; of 5 endpoints 4 came on one day.


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    folder = tmp_path_factory.mktemp("totals")
    (folder / "access.log").write_text("".join(LINES))
    take_into(folder / "store", folder / "access.log")

    @cache
    def question(*words: str, code: int = 0) -> str:
        said = pullstats(*words, "--store", folder / "store", "--window", "all", code=code)
        return said.out if code == 0 else said.err

    return question


def test_one_name_is_one_number(ask: Callable[..., str]) -> None:
    table = ask("report", "--total", "--metric", "downloads,downloaders,origins")
    assert table.startswith("5 downloads by 4 downloaders; 6 origins asked\n")
    assert re.search(r"^all rows\s+5\s+4\s+6$", table, re.MULTILINE)  # a package is itself called total
    rows = list(csv.DictReader(io.StringIO(ask("report", "--total", "--metric", "downloads,downloaders,origins", "--format", "csv"))))
    assert rows[-1] == {"package": "all rows", "downloads": "5", "downloaders": "4", "origins": "6"}
    wrapped = json.loads(ask("report", "--metric", "downloads,downloaders,origins", "--format", "json", "--meta"))
    assert wrapped["meta"]["totals"] == {"downloads": 5, "downloaders": 4, "origins": 6}
    assert sum(row["downloads"] for row in wrapped["rows"]) == 5
    assert sum(row["downloaders"] for row in wrapped["rows"]) == 5
    assert {row["package"]: row["downloaders"] for row in wrapped["rows"] if row["package"] == "acme/app"} == {"acme/app": 1}
    meta = json.loads(ask("report", "--format", "json", "--meta"))["meta"]
    assert (meta["totals"], meta["asked"]) == ({"downloads": 5, "downloaders": 4}, {"origins": 6})


def test_each_rule_has_its_own_downloaders(ask: Callable[..., str]) -> None:
    headline = " ".join(ask("report", "--metric", "downloads", "--count-as", "pullstats,scarf").split("package")[0].split())
    assert headline.startswith("5 downloads by 4 downloaders pullstats@2, 1 download by 1 downloader scarf@1; 6 origins asked")


def test_another_level_counts_its_own(ask: Callable[..., str]) -> None:
    assert ask("report", "--unique-by", "network").startswith("5 downloads by 3 downloaders; 3 networks asked\n")


def test_a_series_has_totals_too(ask: Callable[..., str]) -> None:
    rows = list(csv.DictReader(io.StringIO(ask("series", "--total", "--every", "d", "--format", "csv"))))
    assert [(row["bucket"], row["downloads"], row["downloaders"]) for row in rows] == [
        ("2026-01-01", "4", "3"),
        ("2026-01-02", "1", "1"),
        ("total", "5", "4"),
    ]
    by = list(csv.DictReader(io.StringIO(ask("series", "--total", "--by", "client", "--format", "csv"))))
    assert (by[-1]["bucket"], by[-1]["client"], by[-1]["downloaders"]) == ("total", "total", "4")


def test_a_report_of_shares_totals_them(ask: Callable[..., str]) -> None:
    rows = list(csv.DictReader(io.StringIO(ask("report", "--total", "--percent", "--by", "status", "--metric", "requests", "--format", "csv"))))
    assert rows[-1] == {"status": "total", "requests": "10", "requests_share": "1.0"}


@pytest.mark.parametrize("name", ["json", "ndjson", "parquet"])
def test_rows_that_programs_add_up_get_no_total(name: str, ask: Callable[..., str]) -> None:
    assert "meta.totals" in ask("report", "--total", "--format", name, code=2)


# A sentence, a question of which it is true, and one of which it is false.
SENTENCES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "who took": ("downloads by ", ("report", "--metric", "downloads"), ("report", "--metric", "requests")),
    "who asked": (" asked", ("report",), ("report", "--metric", "requests")),
    "one day of two": ("of the endpoints were seen on one day only", ("report",), ("report", "--where", "client=none", "--metric", "requests")),
    "the share itself": ("80.0 % of the endpoints", ("report",), ("report", "--where", "client=uv")),
    "filters": ("filters left out", ("report", "--where", "client=pip"), ("report",)),
    "no filters": ("no filters", ("report",), ("report", "--where", "client=pip")),
    "fewer than people": ("networks (usually fewer than people)", ("uniques",), ("uniques", "--level", "endpoint,origin")),
    "more than people": ("origins (usually more than people)", ("uniques",), ("uniques", "--level", "network")),
    "one downloader": ("1 downloader;", ("report", "--where", "package=widget"), ("report",)),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_a_sentence_is_printed_where_it_is_true_alone(name: str, ask: Callable[..., str]) -> None:
    words, true_of, false_of = SENTENCES[name]
    assert words in " ".join(ask(*true_of).split())
    code = 4 if "none" in " ".join(false_of) else 0
    assert words not in " ".join(ask(*false_of, code=code).split())


def test_one_day_is_not_told_of_one_day(take_in: Callable[..., Any], tmp_path: Path) -> None:
    """Within one local day it says nothing; over two it counts days of the zone: of four, one came on both."""
    log = tmp_path / "access.log"
    log.write_text("".join(LINES))
    take_in(log)
    for window, zone, expected in (("2026-01-01", "UTC", None), ("all", "UTC", 0.8), ("all", "Pacific/Kiritimati", 0.8)):
        assert (
            pullstats("report", "--store", tmp_path / "store", "--window", window, "--tz", zone, "--format", "json", "--meta").rows["meta"][
                "one_day_share"
            ]
            == expected
        )


def test_no_text_claims_bounds_of_people() -> None:
    """Neither code nor docs nor help say that a count of uniques bounds the number of people."""
    texts = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "pullstats").rglob("*.py")]
    for path in texts:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?i)(lower|upper) bound", text.replace("get_lower_bound", "").replace("lower_bound=", "")), path
        assert "at least and at most" not in text, path


def test_of_nothing_there_are_no_shares(ask: Callable[..., str]) -> None:
    """Nobody took with a client that only read: 0 of 0 is neither 0 % nor all."""
    asked = (
        "report",
        "--by",
        "client",
        "--percent",
        "--metric",
        "downloads,requests",
        "--where",
        "status=401 and ecosystem=pypi",
        "--format",
        "json",
    )
    rows = json.loads(ask(*asked))
    assert rows
    assert {row["downloads_share"] for row in rows} == {None}
    assert sum(row["requests_share"] for row in rows) == 1
