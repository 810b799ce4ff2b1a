"""Organisations: what each takes as counted by hand, whether it grew by more than noise, whose networks they are, and what leaves the house."""

from __future__ import annotations

import json
import math
import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pullstats.cli import run
from pullstats.errors import UsageError
from pullstats.metrics import Extent, Query
from pullstats.metrics.questions.orgs import METRICS, Organisations
from pullstats.reports import Report
from support.crowd import NOON, Row, ask_of, make_events, request
from support.effort import some
from support.oracle import find_downloads_2

WEEK = timedelta(days=7)
TYPES = {"Acme": "business", "Uni": "education", "Amazing": "cloud", "Rack": "hosting", "Telco": "isp", "Strange": None}
KINDS = {"business": "own", "education": "own", "cloud": "cloud", "hosting": "cloud", "isp": "isp", None: "unknown"}


def ask(rows: list[Row], state: str | None = None, networks: tuple[str, ...] = (), now: datetime | None = None, **options: Any) -> Report:
    """Ask for the organisations; `owner` of a row is who announces its address, `org` what the user calls it."""
    frame = make_events(rows).with_columns(
        pl.Series("as_organization", [row["owner"] for row in rows], dtype=pl.String),
        pl.Series("network_type", [TYPES.get(row["owner"]) for row in rows], dtype=pl.String),
    )

    def scan(columns: Any, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        lazy = frame.lazy()
        lazy = lazy.filter(pl.col("timestamp") >= start) if start else lazy
        return (lazy.filter(pl.col("timestamp") < end) if end else lazy).select(columns)

    times = [row["time"] for row in rows]
    sources = pl.DataFrame(
        {"source_id": ["log"], "name": ["access.log"], "first": [min(times, default=NOON)], "last": [max(times, default=NOON)]},
        schema_overrides={"first": pl.Datetime("us", "UTC"), "last": pl.Datetime("us", "UTC")},
    )
    extent = Extent(min(times, default=None), max(times, default=None), sources, len(rows))
    query = Query(**{"metrics": METRICS, "window": "all", "limit": 0, "is_shifting": False, **options})
    return ask_of(Organisations(query, state, networks), scan, extent, now or max(times, default=NOON))


def asked_by(time: datetime, who: int | None, owner: str | None, **other: Any) -> Row:
    listed = other.pop("org", None)
    return request(time, who, org=listed, **other) | {"owner": owner}


def rows_of(report: Report) -> list[dict[str, Any]]:
    assert report.flat is not None
    return report.flat[0].to_dicts()


# Counts


def make_world(seed: int) -> list[Row]:
    """Make requests of owners of every kind over 30 days, some refused, some of nobody known."""
    chance = random.Random(seed)
    rows = []
    for _ in range(500):
        owner = chance.choice([*TYPES, None])
        who = chance.choice([None, *range(8)])
        rows.append(
            asked_by(
                NOON + timedelta(seconds=chance.randrange(30 * 86_400) if owner != "Telco" else chance.randrange(12 * 86_400)),
                None if who is None else 1000 * [*TYPES, None].index(owner) + who,
                owner,
                org="our friends" if owner == "Rack" and chance.random() < 0.5 else None,
                status=chance.choice([200, 200, 304, 401, 404]),
                path=f"/f-{chance.randrange(4)}.whl",
                reference=f"1.{chance.randrange(3)}",
            )
        )
    rows.sort(key=lambda row: row["time"])
    return [row | {"offset": 1000 * number, "log": 0, "origin": row["who"]} for number, row in enumerate(rows)]


def key_of(row: Row) -> tuple[str | None, str, str | None]:
    if row["org"]:
        return row["org"], "own", "your list"
    if row["owner"]:
        return row["owner"], KINDS[TYPES[row["owner"]]], "address owner"
    return None, "unknown", None


@pytest.mark.parametrize("seed", some(range(4), 2))
def test_counts_are_those_of_a_second_opinion(seed: int) -> None:
    rows = make_world(seed)
    downloads = {row["offset"] for row in find_downloads_2(rows)}
    owned = defaultdict(list)
    for row in rows:
        owned[key_of(row)].append(row)
    wanted = {
        key: {
            "downloads": sum(row["offset"] in downloads for row in own),
            "requests": len(own),
            "origins": len({row["who"] for row in own if row["who"] is not None and row["status"] != 401}),
            "since": min(row["time"] for row in rows if key_of(row)[0] == key[0]),
            "versions": len({row["reference"] for row in own if row["offset"] in downloads}),
        }
        for key, own in owned.items()
    }
    found = {(row["org"], row["networks"], row["named_by"]): {name: row[name] for name in next(iter(wanted.values()))} for row in rows_of(ask(rows))}
    assert found == wanted


@pytest.mark.parametrize("state", some(["new", "returning", "churned", "resurrected"], 2))
def test_states_are_those_of_a_second_opinion(state: str) -> None:
    rows = make_world(1)
    rows = [row for row in rows if row["owner"] != "Acme" or row["time"].day > 22] + [
        row for row in rows if row["owner"] == "Uni" and row["time"].day < 8
    ]
    rows = [row for row in rows if not (row["owner"] == "Uni" and 8 <= row["time"].day < 23 and row["time"].month == 3)]
    rows = list({row["offset"]: row for row in rows}.values())
    start, end = datetime(2025, 3, 23, tzinfo=NOON.tzinfo), datetime(2025, 3, 30, tzinfo=NOON.tzinfo)
    seen = defaultdict(set)
    for row in rows:
        if row["status"] != 401 and key_of(row)[0]:
            seen[key_of(row)[0]].add(
                "now"
                if start <= row["time"] < end
                else "before"
                if start - WEEK <= row["time"] < start
                else "earlier"
                if row["time"] < start
                else "later"
            )
    named = {
        org: "returning" if {"now", "before"} <= when else "resurrected" if {"now", "earlier"} <= when else "new" if "now" in when else "churned"
        for org, when in seen.items()
        if when & {"now", "before"}
    }
    report = ask(rows, state=state, window="2025-03-23..2025-03-29")
    assert {row["org"] for row in rows_of(report)} == {org for org, what in named.items() if what == state}


def test_rows_go_by_kind_of_network_and_who_only_asks_comes_last() -> None:
    rows = [
        asked_by(NOON, number, owner, path=f"/{number}") for number, owner in enumerate(["Telco"] * 5 + ["Amazing"] * 3 + ["Acme", "Strange", None])
    ]
    rows.append(asked_by(NOON, 99, "Uni", status=404))
    report = ask(rows)
    assert [row["org"] for row in rows_of(report)] == ["Acme", "Strange", "Amazing", "Telco", "Uni", None]
    assert [row["org"] for row in rows_of(ask(rows, networks=("cloud", "isp")))] == ["Amazing", "Telco"]
    assert report.headline == (
        "5 organisations; of 11 downloads: 2 with networks of their own 9.1 %, 1 of unknown kind 9.1 %, 1 clouds and hosters 27.3 %, "
        "1 Internet providers 45.5 %, addresses whose owner is not known 9.1 %"
    )


def test_what_is_taken_most_and_why_they_come_is_named() -> None:
    rows = [
        asked_by(NOON + timedelta(hours=number), 1, "Acme", package="f", reference="1.0", path=f"/a{number}", client="bot") for number in range(3)
    ]
    rows += [
        asked_by(NOON + timedelta(hours=number), 2, "Acme", package="g", reference="2.0", path=f"/b{number}", client="bot") for number in range(2)
    ]
    (row,) = rows_of(ask(rows))
    assert (row["taken"], row["versions"], row["class"], row["classes"]) == ("f 1.0 (3), g 2.0 (2)", 2, "unknown", "unknown 2")


def test_where_no_owner_is_known_there_is_one_row_and_no_events_give_none() -> None:
    rows = [asked_by(NOON, number, None, path=f"/{number}") for number in range(3)]
    (row,) = rows_of(ask(rows))
    assert (row["org"], row["networks"], row["downloads"]) == (None, "unknown", 3)
    none = ask([])
    assert (rows_of(none), none.is_empty, none.headline) == ([], True, "0 organisations")
    assert rows_of(ask(rows[:1], window="7d"))[0]["growth"] is None


# Growth


def draw_count(chance: random.Random, mean: float) -> int:
    """Draw from a Poisson distribution."""
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


def make_weeks(seed: int, weeks: int, levels: dict[str, float], last: dict[str, float] | None = None, burst: float = 1.0) -> list[Row]:
    """Make weeks in which every owner takes as much as ever, but for chance and bursts; in the last week others."""
    chance = random.Random(seed)
    rows = [asked_by(NOON - timedelta(hours=12) + timedelta(hours=hour), 1, "Watch", status=404, path="/x") for hour in range(weeks * 168)]
    for week in range(weeks):
        for number, (owner, level) in enumerate(levels.items()):
            mean = (last or {}).get(owner, level) if week == weeks - 1 else level
            for _ in range(draw_count(chance, mean / burst)):
                at = chance.uniform(0, 7 * 86_400 - 100)
                for _ in range(max(1, draw_count(chance, burst)) if burst > 1 else 1):
                    time = NOON - timedelta(hours=12) + week * WEEK + timedelta(seconds=at + chance.uniform(0, 99))
                    rows.append(asked_by(time, 1000 * number + chance.randrange(20), owner, path=f"/{chance.random()}"))
    return sorted(rows, key=lambda row: row["time"])


LAST_WEEK = f"{(NOON - timedelta(hours=12) + 15 * WEEK).date()}..{(NOON - timedelta(hours=12) + 16 * WEEK - timedelta(days=1)).date()}"
LEVELS = dict(zip([*TYPES, "B", "C"], (40.0, 3.0, 80.0, 10.0, 60.0, 20.0, 0.5, 25.0), strict=True))


def test_where_nothing_changed_hardly_a_run_says_that_anybody_grew_or_fell() -> None:
    runs = some(range(40), 13, first=1)
    called = []
    for seed in runs:
        report = ask(make_weeks(seed, 16, LEVELS, burst=1.0 if seed % 2 else 4.0), window=LAST_WEEK, now=NOON + 20 * WEEK)
        assert {row["growth"] for row in rows_of(report)} <= {"noise", "grew", "fell"}
        is_said = bool({"grew", "fell"} & {row["growth"] for row in rows_of(report)})
        assert is_said == ("by more than noise: " in report.headline)
        assert is_said or report.headline.endswith("; nobody grew or fell by more than noise")
        called.append(is_said)
    assert sum(called) <= math.ceil(0.05 * len(called)) + 1


def test_who_takes_five_times_as_much_or_stops_is_named_with_by_how_much() -> None:
    rows = make_weeks(3, 16, LEVELS, last={"Acme": 200, "Telco": 2})
    report = ask(rows, window=LAST_WEEK, now=NOON + 20 * WEEK)
    found = {row["org"]: row["growth"] for row in rows_of(report)}
    assert {org for org, growth in found.items() if growth == "grew"} == {"Acme"}
    assert {org for org, growth in found.items() if growth == "fell"} == {"Telco"}
    (acme,) = [row for row in rows_of(report) if row["org"] == "Acme"]
    assert acme["change"] == pytest.approx(acme["downloads"] / acme["before"] - 1)
    assert f"grew by more than noise: Acme (+{acme['change'] * 100:.1f} %)" in report.headline
    assert "fell by more than noise: Telco (" in report.headline
    begun = ask(make_weeks(3, 16, LEVELS | {"Rack": 0.0}, last={"Rack": 200}), window=LAST_WEEK, now=NOON + 20 * WEEK)
    assert "grew by more than noise: Rack (from nothing)" in begun.headline
    first, last = date.fromisoformat(LAST_WEEK[:10]) - timedelta(days=7), date.fromisoformat(LAST_WEEK[:10])
    downloads = [row for row in rows if row["owner"] == "Acme"]
    assert acme["before"] == sum(first <= row["time"].date() < last for row in downloads)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": "all"}, "'all' has no time before it"),
        ({"window": "2025-03-10..2025-03-16"}, "0 of at least 3 earlier periods are whole in these logs"),
        ({"window": "7d", "now": NOON + 5 * WEEK}, "'7d' is not over"),
        ({"window": "2024"}, "lies outside of the logs"),
    ],
)
def test_where_growth_cannot_be_told_it_says_why(options: dict[str, Any], said: str) -> None:
    report = ask(make_weeks(1, 6, LEVELS), **{"now": NOON + 20 * WEEK, **options})
    told = [warning for warning in report.meta["warnings"] if warning.startswith("whether they grew is not told: ")]
    assert len(told) == 1
    assert said in told[0]
    assert {row["growth"] for row in rows_of(report)} <= {None}
    assert "grew" not in report.headline


# Mistakes, and what leaves the house


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"state": "churnd"}, "no state 'churnd'; did you mean 'churned'?"),
        ({"networks": ("clouds",)}, "no kind of network 'clouds'; did you mean 'cloud'?"),
        ({"state": "new", "window": "all"}, "'all' has none"),
        ({"min_origins": 3, "state": "new", "window": "7d"}, "--min-origins goes neither with --state"),
        ({"min_origins": 3, "networks": ("own",)}, "--min-origins goes neither with --state"),
        ({"count_as": ("pullstats@2", "raw@1")}, "--count-as takes one counting rule"),
        ({"sort": "download"}, "no column to sort by 'download'; did you mean 'downloads'?"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(make_world(1), **arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_leaves_the_house_tells_of_no_few() -> None:
    rows = [asked_by(NOON, number * 10, owner, path=f"/{number}") for number, owner in enumerate(["Telco"] * 9 + ["Acme"] * 2 + ["Uni"] * 4)]
    report = ask(rows, min_origins=5)
    assert report.frame.rows() == [("Telco", "isp", 9, 9, 9), ("other", "other", 6, 6, 6)]
    assert any("neither classes, versions, states nor growth are told" in warning for warning in report.meta["warnings"])


# At the command line


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store of a listed organisation of ill will, and of an address whose owner has a long name."""
    folder = tmp_path_factory.mktemp("orgs")
    (folder / "orgs.csv").write_text('198.51.100.0/24,"=cmd() | Ünïcode & <b>a very long name of an organisation that nobody would cut\x1b[31m"\n')
    text = "".join(
        f'{address} - - [0{day}/Mar/2025:10:0{minute}:00 +0000] "GET /packages/f-1.{minute}-py3-none-any.whl HTTP/1.1" 200 1000 "-" "pip/24.0"\n'
        for address in ("198.51.100.7", "81.2.69.142")
        for day in range(1, 10)
        for minute in range(3)
    )
    (folder / "access.log").write_text(text, encoding="utf-8")
    assert run(["ingest", str(folder / "access.log"), "--store", str(folder / "store"), "--orgs", str(folder / "orgs.csv"), "--quiet"]) == 0
    return folder / "store"


def test_names_are_whole_at_80_columns_and_harmless_everywhere(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    asked = ["orgs", "--window", "2025-03-05..2025-03-08", "--store", str(store)]
    assert run(asked) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
    assert "\x1b" not in shown
    assert "2 organisations; of 24 downloads: " in " ".join(shown.split())
    for form in ("csv", "json"):
        assert run([*asked, "--format", form]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        if form == "csv":
            assert "'=cmd()" in out
        if form == "json":
            assert {row["named_by"]: (row["networks"], row["downloads"], row["before"]) for row in json.loads(out)}["your list"] == ("own", 12, 12)
    assert run([*asked, "--networks", "own", "--state", "returning", "--format", "json"]) == 0
    assert [row["state"] for row in json.loads(capsys.readouterr().out)] == ["returning"]


def test_the_window_is_whole_weeks_if_nothing_is_said(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["orgs", "--store", str(store), "--as-of", "newest"]) == 0
    assert "window 4w from 2025-02-09T00:00 to 2025-03-09T00:00" in " ".join(capsys.readouterr().out.split())
