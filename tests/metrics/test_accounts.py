"""What explains answers that no metric makes: each request of the window once in every part, and as many in a row as the answer and plain Python count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import click
import pytest

from pullstats.cli import main
from pullstats.metrics.offences.rules import load_offences
from pullstats.metrics.question import Accounted
from pullstats.metrics.questions.behaviour import Behaviour
from pullstats.metrics.questions.cohorts import Cohorts
from pullstats.metrics.questions.explain import Explanation
from pullstats.metrics.questions.inflation import Inflation
from pullstats.metrics.questions.offenders import Offenders
from pullstats.metrics.questions.orgs import Organisations
from pullstats.metrics.questions.release_echo import ReleaseEcho
from pullstats.metrics.questions.value_adoption import ValueAdoption
from pullstats.metrics.questions.version_adoption import VersionAdoption
from pullstats.metrics.questions.version_lag import VersionLag
from pullstats.metrics.questions.versions import Versions
from pullstats.metrics.questions.would_miss import WouldMiss
from pullstats.reports import Report
from support.command import pullstats, take_into
from support.crowd import Row
from support.effort import across, some
from support.following import begin_bucket
from support.oracle import find_downloads_2
from support.released import as_read, make_life
from support.returning import make_visitors
from support.waste_oracle import find_all, inflation
from support.wasteful import ask_events, builds, gets_what_it_has, make_traffic, mark_builds, polls_fast

RULES = load_offences()
NUMBERS = {name: dict(kind.thresholds) for name, kind in RULES.kinds.items()}
Ask = Callable[..., Accounted]
PLAIN = {"ci": None, "query": None, "agent": None, "release": None}


@cache
def wasteful() -> list[Row]:
    return make_traffic(3, gets_what_it_has, polls_fast, builds)


@cache
def living() -> list[Row]:
    return [row | PLAIN for row in make_life(2).rows]


@cache
def coming() -> list[Row]:
    return [row | PLAIN for row in make_visitors(7, 150, 110)]


QUESTIONS: dict[str, tuple[Ask, Any, dict[str, Any]]] = {
    "behaviour": (Behaviour, wasteful, {"metrics": ("origins", "downloads", "requests")}),
    "offenders": (partial(Offenders, rules=RULES), wasteful, {}),
    "polling": (partial(Offenders, rules=RULES, kinds=("polling",)), wasteful, {}),
    "inflation": (partial(Inflation, rules=RULES), wasteful, {}),
    "orgs": (Organisations, coming, {"metrics": ("downloads", "requests", "origins")}),
    "new orgs": (partial(Organisations, state="new", networks=("unknown", "own")), coming, {"metrics": ("downloads", "requests", "origins")}),
    "gone orgs": (partial(Organisations, state="churned"), coming, {"metrics": ("downloads", "requests", "origins")}),
    "versions": (Versions, living, {}),
    "adoption": (VersionAdoption, living, {}),
    "adoption of one": (partial(VersionAdoption, release="1.10.0"), living, {}),
    "lag": (VersionLag, living, {}),
    "echo": (ReleaseEcho, living, {}),
    "would miss": (partial(WouldMiss, version="1.9.0"), living, {"metrics": ("origins", "requests", "downloads")}),
    "cohorts": (Cohorts, coming, {"metrics": ("requests",)}),
    "clients": (partial(ValueAdoption, of="client"), living, {}),
    "who would miss a client": (partial(WouldMiss, version="docker", of="client"), living, {"metrics": ("origins", "requests", "downloads")}),
}
WINDOWS = {wasteful: "2025-03-04", living: "2025-03-20..2025-05-01", coming: "2025-05-01..2025-05-28"}
WHERE = {wasteful: "status=200 and not client=uv", living: "status=200", coming: "package=f"}


def explain(name: str, **options: Any) -> Report:
    ask, make, usual = QUESTIONS[name]
    return ask_events(lambda query: Explanation(query, ask(query)), make(), **usual, **options)


def answer(name: str, **options: Any) -> list[dict[str, Any]]:
    ask, make, usual = QUESTIONS[name]
    report = ask_events(ask, make(), **usual, **options)
    assert report.flat is not None
    return report.flat[0].to_dicts()


def told(report: Report) -> dict[str, dict[str, int]]:
    """Give what is told of requests, by part; a text comes once in each."""
    assert report.flat is not None
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for part, what, requests in report.flat[0].rows():
        if requests is not None and part not in {"filters", "rule set"}:
            assert what not in found[part]
            found[part][what] = requests
    return found


def read(report: Report) -> int:
    assert report.flat is not None
    return int(next(row[2] for row in report.flat[0].rows() if row[:2] == ("filters", "in the window")))


@pytest.mark.parametrize(("name", "span", "filtered"), across(QUESTIONS, ["part", "whole", "part"], ["", "filtered"]))
def test_every_request_is_told_of_once_in_each_part(name: str, span: str, filtered: str) -> None:
    _, make, usual = QUESTIONS[name]
    is_whole = span == "whole" and name not in {"new orgs", "gone orgs"}
    window, where = "all" if is_whole else WINDOWS[make], WHERE[make] if filtered else None
    report = explain(name, window=window, where=where, memory=3_000_000_000 if is_whole else 300_000)
    parts = told(report)
    assert len(parts) > len(usual.get("metrics", ("downloads",)))
    for part, entries in parts.items():
        assert all(count >= 0 for count in entries.values()), entries
        assert sum(entries.values()) == read(report), (part, entries)


def test_requests_of_a_class_are_those_of_its_row() -> None:
    lines = told(explain("behaviour", where="status=200"))["class"]
    ask, make, usual = QUESTIONS["behaviour"]
    mix = ask_events(ask, make(), **usual, where="status=200").frame
    counted: Counter[str] = Counter()
    for text, count in lines.items():
        if text.startswith("in: "):
            counted[text.removeprefix("in: of an origin and package that is ").removeprefix("in: of nobody known, ").split(" by ")[0]] += count
    assert counted == dict(mix.select("class", "requests").rows())
    assert lines["out: left out by --where status=200"] == sum(row["status"] != 200 for row in make())


def test_one_origin_is_told_by_all_its_requests() -> None:
    (first, *_) = answer("behaviour")
    report = ask_events(lambda query: Explanation(query, Behaviour(query, first["origin"])), wasteful(), metrics=("requests",), window="2025-03-04")
    lines = told(report)["class"]
    assert sum(count for text, count in lines.items() if text.startswith("in: ")) == first["requests"]
    assert sum(lines.values()) == sum(row["time"].day <= 4 for row in wasteful())


def test_waste_is_what_a_second_opinion_finds() -> None:
    rows = wasteful()
    lines = told(explain("offenders", where="status=200"))
    kinds: dict[int, list[str]] = defaultdict(list)
    for kind, found in find_all(mark_builds(rows), NUMBERS).items():
        for row in found:
            kinds[row["offset"]] += [kind] if row["status"] == 200 else []
    wanted = Counter(f"in: need not have been made: {' and '.join(sorted(names))}" for names in kinds.values() if names)
    assert {text: count for text, count in lines["waste"].items() if text.startswith("in: ")} == wanted
    assert lines["waste"]["out: left out by --where status=200"] == sum(row["status"] != 200 for row in rows)
    for kind, count in Counter(kind for names in kinds.values() for kind in names).items():
        assert lines[kind]["in: need not have been made"] == count
    text = "\n".join(explain("polling").frame["what"])
    assert "polling (offences@2; every_seconds 60, least 15, lasts_seconds 900, spread 0.5): The same thing is asked" in text
    assert "loop-401" not in text


def test_repeats_are_what_a_second_opinion_finds() -> None:
    downloads, had, again = (
        sum(values) for values in zip(*(one[:3] for one in inflation(wasteful(), NUMBERS["get-for-head"]).values()), strict=True)
    )
    lines = told(explain("inflation"))
    assert lines["adjusted"]["in: a download that repeats nothing"] == downloads - had - again
    assert lines["adjusted"]["out: a download of which everything had been there"] == had
    assert lines["adjusted"].get("out: a download of what its origin took earlier that day", 0) == again
    assert lines["downloads"]["in: counts, each at the request that stands for it"] == downloads


def test_owners_are_those_of_plain_python() -> None:
    rows, start = coming(), "2025-05-01"
    inside = [row for row in rows if f"{row['time']:%Y-%m-%d}" >= start]
    lines = told(explain("orgs", window=f"{start}..2025-12-31", where="package=f"))["networks"]
    assert lines == {
        "in: of an owner with networks of its own": sum(row["package"] == "f" for row in inside),
        "out: left out by --where package=f": sum(row["package"] != "f" for row in inside),
    }
    new = {row["org"] for row in inside if row["status"] != 401} - {row["org"] for row in rows if row not in inside and row["status"] != 401}
    states = told(explain("new orgs", window=f"{start}..2025-12-31"))["networks"]
    assert states["out: left out by --state new"] == sum(row["org"] not in new for row in inside)


def test_asks_and_curves_are_those_of_plain_python() -> None:
    rows = living()
    lines = told(explain("versions"))["versions"]
    failed = sum(row["status"] >= 400 for row in rows)
    assert lines == {"in: asks for a release, and was answered": len(rows) - failed, "out: was answered 4xx or 5xx": failed}
    assert sum(row["requests"] for row in answer("versions")) == len(rows) - failed
    days = answer("adoption of one")
    curve = told(explain("adoption of one"))["adoption"]
    assert curve["in: a download of a whole day since it came out"] == sum(row["downloads"] for row in days)
    taken = find_downloads_2(as_read(rows))
    assert sum(count for text, count in curve.items() if "a download" in text) == len(taken)
    echo = told(explain("echo"))["echo"]
    assert sum(count for text, count in echo.items() if text.startswith("in: ")) == len(taken)


def test_cohorts_are_shown_by_whom_plain_python_finds() -> None:
    rows, where = coming(), "package=f"
    lines = told(explain("cohorts", where=where))["cohorts"]
    fits = [row for row in rows if row["package"] == "f"]
    fine = [row for row in fits if row["status"] is None or row["status"] < 400]
    named = [row for row in fine if row["who"] is not None]
    assert lines["out: left out by --where package=f"] == len(rows) - len(fits)
    assert lines["out: was answered 4xx or 5xx"] == len(fits) - len(fine)
    assert lines["out: names no origin"] == len(fine) - len(named)
    first: dict[int, Any] = {}
    for row in named:
        first.setdefault(row["who"], begin_bucket(row["time"].date(), "w"))
    formed = {row["cohort"] for row in answer("cohorts", where=where)}
    assert lines["in: shows somebody of a cohort"] == sum(f"{first[row['who']]:%Y-%m-%d}" in {str(one)[:10] for one in formed} for row in named)


COMMANDS = ("behaviour", "cohorts", "offenders", "orgs", "versions", "doctor inflation")


@pytest.mark.parametrize("words", COMMANDS)
def test_every_option_of_a_command_is_understood_by_its_explanation(words: str) -> None:
    group = click.Context(main)
    asked: Any = main
    explains: Any = main.get_command(group, "explain")
    for word in words.split():
        asked, explains = asked.get_command(group, word), explains.get_command(group, word)
    ours = {parameter.name: parameter.opts for parameter in explains.params}
    assert {parameter.name: parameter.opts for parameter in asked.params if parameter.name not in {"note_to", "is_explaining"}} == ours


@pytest.fixture(name="store", scope="module")
def _store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("accounts")
    line = '192.0.{}.{} - - [0{}/Mar/2025:1{}:00:00 +0000] "GET /packages/ab/cd/ef/app-1.{}.tar.gz HTTP/1.1" 200 9 "-" "pip/24.0"\n'
    (folder / "a.log").write_text("".join(line.format(net, 1, day, hour, day // 5) for day in range(1, 10) for hour in range(3) for net in range(3)))
    take_into(folder / "store", folder / "a.log")
    return folder / "store"


FLAGS = {
    "behaviour": "--by client --where package=app",
    "cohorts": "--every d --look-back 1",
    "offenders": "--kind polling,no-cache --level network --price-per-gb 2",
    "orgs": "--networks unknown --window 2025-03-05..2025-03-08",
    "versions": "--adoption --limit 3",
    "doctor inflation": "--limit 1",
}


@pytest.mark.parametrize("words", some(COMMANDS, 2))
def test_a_command_is_explained_with_its_options(words: str, store: Path) -> None:
    flags = FLAGS[words].split()
    usual = [] if "--window" in flags or words == "cohorts" else ["--window", "all"]
    rows = pullstats("explain", *words.split(), *flags, *usual, "--store", store, "--format", "json").rows
    parts = Counter[str]()
    for row in rows:
        parts[row["part"]] += row["requests"] or 0
    (read_,) = (row["requests"] for row in rows if row["what"] == "in the window")
    assert all(count == read_ for part, count in parts.items() if count and part not in {"filters", "rule set"})


def test_what_is_meant_for_another_command_is_refused_in_one_sentence(store: Path) -> None:
    for words, said in (
        ("--by client behaviour", "options of explain behaviour stand behind its name: pullstats explain behaviour --by"),
        ("behavoiur", "no part of 'explain' 'behavoiur'; did you mean 'behaviour'?"),
        ("offenders --note 1234", "No such option '--note'"),
        ("offenders --min-origins 3", "takes no --min-origins"),
        ("versions --min-origins 3", "takes no --min-origins"),
        ("versions --lag --echo", "--lag and --echo are two questions; ask one"),
    ):
        err = pullstats("explain", *words.split(), "--store", store, code=2).err
        assert said in err
        assert err.count("\n") == 1


def test_numbers_of_reports_are_explained_under_their_names_as_well(store: Path) -> None:
    for words in (["--by", "client"], ["--metric", "requests", "--every", "d"], ["--level", "network"]):
        usual = [*words, "--window", "all", "--store", store, "--format", "csv"]
        assert pullstats("explain", *usual).out == pullstats("explain", {"--by": "report", "--level": "uniques"}.get(words[0], "series"), *usual).out


def test_where_few_must_not_be_told_no_class_and_no_owner_is(store: Path) -> None:
    for words in ("behaviour", "orgs"):
        found = pullstats("explain", words, "--min-origins", "2", "--window", "2025-03", "--store", store, "--format", "json").rows
        part = {"behaviour": "classes", "orgs": "networks"}[words]
        assert [row["requests"] for row in found if row["part"] == part] == [None]
        assert not [row for row in found if row["part"] == "class"]
