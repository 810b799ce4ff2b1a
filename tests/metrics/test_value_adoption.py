"""`versions --of`: what those who ask are on, its share and interval, and which shares are said to grow, as counted and computed in plain Python."""

from __future__ import annotations

import json
import math
import random
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pullstats.errors import UsageError
from pullstats.metrics.comparing.student import find_quantile
from pullstats.metrics.questions.value_adoption import ValueAdoption
from pullstats.metrics.versions.trends import LEAST_CLUSTERS, Trend, judge_trends
from pullstats.reports import Report
from support.command import pullstats, take_into
from support.crowd import NOON, Row, ask, request
from support.effort import SOAK, some
from support.oracle import find_downloads_2
from support.platforms import MONDAY, WEEK, make_platforms
from support.released import DAY, answered, as_read

SEEDS = some(range(300), 15)
Showing = tuple[int, int, int, str]
"""Who, of which network, in which week, with what."""


def values(rows: list[Row], of: str = "client", *given: Any, **options: Any) -> Report:
    return ask(ValueAdoption, rows, of, *given, **{"metrics": ("downloads",), **options})


def flat(report: Report) -> list[dict[str, Any]]:
    assert report.flat is not None
    return report.flat[0].to_dicts()


def bound(part: int, whole: int) -> tuple[float, float]:
    """Wilson's interval, from its definition: where |p - share| is 1.96 standard errors of p; found by halving."""
    share = part / whole

    def is_inside(truth: float) -> bool:
        return abs(truth - share) <= 1.959963984540054 * math.sqrt(truth * (1 - truth) / whole) + 1e-15

    ends = []
    for edge in (0.0, 1.0):
        inner, outer = share, edge
        for _ in range(60):
            middle = (inner + outer) / 2
            inner, outer = (middle, outer) if is_inside(middle) else (inner, middle)
        ends.append(inner)
    return ends[0], ends[1]


@pytest.mark.parametrize("seed", some(range(10)))
def test_shares_and_their_intervals_are_as_counted_by_other_means(seed: int) -> None:
    rows = make_platforms(seed, lambda _: 0.3, weeks=12, arrivals=400 if SOAK else 20)
    chance = random.Random(seed)
    rows = [row | {"client": None} if chance.random() < 0.05 else row | {"status": 404} if chance.random() < 0.05 else row for row in rows]
    asks, end = answered(rows), max(row["time"] for row in rows) + timedelta(microseconds=1)
    active, ever = defaultdict(set), defaultdict(set)
    for row in asks:
        ever[row["client"]].add(row["who"])
        if row["time"] >= end - 20 * DAY:
            active[row["client"]].add(row["who"])
    known = len({who for client, people in active.items() if client for who in people})
    taken = Counter(row["client"] for row in find_downloads_2(as_read(rows)))
    found = {row["value"]: row for row in flat(values(rows, "client", 20))}
    assert set(found) == {*ever}
    for client, row in found.items():
        assert (row["active"], row["seen"], row["downloads"]) == (len(active[client]), len(ever[client]), taken[client])
        assert client is None or [row["low"], row["high"]] == pytest.approx(bound(len(active[client]), known))
        assert (row["low"] is None) == (client is None)
    weeks: dict[Any, set[int]] = defaultdict(set)
    for row in asks:
        weeks[(row["time"] - MONDAY) // WEEK, row["client"]].add(row["who"])
    for row in flat(values(rows, "client", 20, every="w")):
        week = (NOON.fromisoformat(f"{row['bucket']}T12:00+00:00") - MONDAY) // WEEK
        assert row["seen"] == len(weeks[week, row["value"]])
        assert (
            row["known"] == len({who for (at, client), people in weeks.items() if at == week and client for who in people} if row["value"] else {})
            or row["value"] is None
        )
    assert flat(values(rows, "client", 20, memory=1_000_000)) == flat(values(rows, "client", 20))


# Trends


def judge_plainly(shown: list[Showing], level: float) -> dict[str, tuple[float, float]]:
    """Least squares over people's weeks, and the larger of both margins, by loops."""
    people = {(who, week): network for who, network, week, _ in shown}
    weeks = sorted({week for _, week in people})
    mean_week = sum(week for _, week in people) / len(people)
    spread = sum((week - mean_week) ** 2 for _, week in people)
    found = {}
    for value in {one[3] for one in shown}:
        theirs = {(who, week) for who, _, week, one in shown if one == value}
        mean = len(theirs) / len(people)
        slope = sum((week - mean_week) * ((who, week) in theirs) for who, week in people) / spread
        pulls: dict[int, float] = defaultdict(float)
        for (who, week), network in people.items():
            pulls[network] += (week - mean_week) * (((who, week) in theirs) - mean)
        among = math.sqrt(sum(pull**2 for pull in pulls.values())) / spread
        scatter = 0.0
        for week in weeks:
            here = [one for one in people if one[1] == week]
            share = sum(one in theirs for one in here) / len(here)
            scatter += len(here) * (share - mean - slope * (week - mean_week)) ** 2
        between = math.sqrt(scatter / (len(weeks) - 2) / spread)
        networks = {network for who, network, _, one in shown if one == value}, {network for who, network, _, one in shown if one != value}
        freedom = min(len(networks[0]), len(networks[1])) - 1
        if freedom + 1 >= LEAST_CLUSTERS:
            found[value] = slope, max(find_quantile(level, freedom) * among, find_quantile(level, len(weeks) - 2) * between)
    return found


def judge(shown: list[Showing], weeks: int) -> dict[str, Trend]:
    schema = {"who": pl.Int64, "cluster": pl.Int64, "bucket": pl.Int64, "value": pl.String}
    return judge_trends(pl.DataFrame(shown, schema=schema, orient="row"), list(range(weeks)))


def draw(
    seed: int, share: float, rise: float = 0.0, *, stay: float = 0.7, alike: float = 0.0, shock: float = 0.0, weeks: int = 12, arrivals: int = 20
) -> list[Showing]:
    """Draw who shows what: `new` of a share that rises from the first week to the last, else `old`, one in five of those `rare`.

    Args:
        seed: of chance.
        share: in the first week.
        rise: to the last.
        stay: the chance of each to come in the next week.
        alike: the chance to have what the network has.
        shock: how far the share of all who come shifts in a week.
        weeks: how many.
        arrivals: people a week.
    """
    chance = random.Random(seed)
    usual, shown = [chance.random() for _ in range(50)], []
    for number in range((weeks + 6) * arrivals):
        week, network = number // arrivals - 6, chance.randrange(50)
        shift = random.Random(f"{seed} {week}").uniform(-shock, shock)
        draws = usual[network] if chance.random() < alike else chance.random()
        new, rare = share + rise * max(week, 0) / weeks + shift, chance.random() < 0.2
        value = "new" if draws < new else "rare" if rare else "old"
        while week < weeks:
            if week >= 0:
                shown.append((number, network, week, value))
            week += 1
            if chance.random() >= stay:
                break
    return shown


@pytest.mark.parametrize("seed", some(range(20)))
def test_a_slope_and_its_margin_are_as_computed_by_loops(seed: int) -> None:
    shown = draw(seed, 0.2, 0.2, alike=0.3)
    found = judge(shown, 12)
    expected = judge_plainly(shown, 1 - 0.95 ** (1 / len(found)))
    assert {*found} == {*expected}
    for value, (slope, margin) in expected.items():
        assert [found[value].slope, found[value].high] == pytest.approx([slope, slope + margin])
        assert found[value].word == ("none seen" if abs(slope) <= margin else "growing" if slope > 0 else "shrinking")


@pytest.mark.parametrize(
    "world",
    [{}, {"stay": 0.95}, {"alike": 0.8, "stay": 0.9}, {"shock": 0.1}, {"share": 0.02}, {"weeks": 6}],
    ids=lambda world: " ".join(world) or "plain",
)
def test_where_nothing_grows_that_is_said_in_at_most_five_of_a_hundred_worlds(world: dict[str, Any]) -> None:
    given = {"share": 0.3} | world
    said = sum(any(one.word != "none seen" for one in judge(draw(seed, **given), given.get("weeks", 12)).values()) for seed in SEEDS)
    assert said <= most_by_chance(len(SEEDS), 0.05)


def most_by_chance(runs: int, share: float) -> int:
    """Give the most of some runs in which what has a chance happens, but for one case in 1,000."""
    total = 0.0
    for count in range(runs + 1):
        total += math.comb(runs, count) * share**count * (1 - share) ** (runs - count)
        if total > 0.999:
            return count
    raise AssertionError


def test_what_grows_is_said_to_grow_and_the_rest_to_shrink() -> None:
    trends = [judge(draw(seed, 0.1, 0.4, arrivals=60), 12) for seed in SEEDS]
    assert sum(one["new"].word == "growing" for one in trends) >= 0.9 * len(SEEDS)
    assert not any(one["new"].word == "shrinking" or one["old"].word == "growing" for one in trends)
    assert sum(one["old"].word == "shrinking" for one in trends) >= 0.8 * len(SEEDS)


def test_an_interval_of_a_share_holds_the_truth_nineteen_times_in_twenty() -> None:
    held = sum(
        low <= 0.3 <= high for low, high in (bound(sum(random.Random(f"{seed} {who}").random() < 0.3 for who in range(80)), 80) for seed in SEEDS)
    )
    assert len(SEEDS) - held <= most_by_chance(len(SEEDS), 0.06)


def test_a_trend_is_told_only_where_it_is_one() -> None:
    def told(rows: list[Row], **options: Any) -> str:
        found: list[str] = values(rows, **options).meta["warnings"]
        return next(text for text in found if "trend" in text or "judged" in text)

    grown = told(make_platforms(1, lambda at: 0.05 + 0.6 * at))
    assert grown.startswith("growing: uv by +")
    assert " points a week (+" in grown
    assert "shrinking: pip by -" in grown
    flat_line = told(make_platforms(1, lambda _: 0.3))
    assert flat_line.startswith("no share grows or shrinks by more than chance does (")
    assert flat_line.endswith("whole weeks, level 5 %)")
    assert told(make_platforms(1, lambda at: at, weeks=5)).startswith("no trend is told: ")
    assert told(make_platforms(1, lambda at: at), every="d") == "trends are told of weeks or longer (--every w)"
    few = [row | {"network": row["network"] % 5} for row in make_platforms(1, lambda at: at)]
    assert told(few) == "no trend is told: no value is shown by 10 networks or more, and another by as many"
    assert values(few).frame.columns == ["value", "active", "share", "low", "high", "over_time"]


def test_the_first_line_names_the_most_common_and_who_says_nothing() -> None:
    rows = [request(NOON + who * timedelta(hours=1), who, client="pip" if who < 3 else None if who > 4 else "uv", path=f"/{who}") for who in range(7)]
    assert values(rows).headline == (
        "3 of 5 origins that asked within 30 days and state client are on pip: 60.0 % (95 % interval 23.1 % to 88.2 %); 2 more state none"
    )
    assert values(rows[5:]).headline == "nobody who asked within 30 days states client; 2 more state none"
    assert values([]).frame.height == 0


def test_what_cannot_be_followed_is_refused_in_a_sentence() -> None:
    rows = [request(NOON, 1)]
    for of, given, told in (
        ("hour", (), "--of hour says when, not what somebody is on"),
        ("origin", (), "--of origin says who, not what somebody is on"),
        ("archh", (), "no dimension 'archh'"),
        ("arch", (30, "minor"), "--of arch takes no --by: its values are no versions"),
        ("kernel", (30, "patch"), "no line of versions 'patch'"),
    ):
        with pytest.raises(UsageError, match=told):
            values(rows, of, *given)


# In a log

PYTHONS = ("3.8.10", "3.8.18", "3.12.1", "3.11.4")
ARCHES = ("arm64", "armv6l", "x86_64", "x86_64")


@pytest.fixture(scope="module", name="store")
def _store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a store of eight pips of four Pythons and architectures, each every other day of forty, and an npm that states no more than node 3.8."""
    folder, lines = tmp_path_factory.mktemp("platforms"), []
    for day in range(0, 40, 2):
        for who in range(8):
            agent = {"cpu": ARCHES[who % 4], "installer": {"name": "pip", "version": "24.0"}, "python": PYTHONS[who % 4], "system": {"name": "Linux"}}
            agent |= {"implementation": {"name": "CPython", "version": PYTHONS[who % 4]}}
            stated = json.dumps(agent, separators=(",", ":"), sort_keys=True).replace('"', "\\x22")
            at = NOON + day * DAY + timedelta(minutes=who)
            lines.append(
                f'198.18.{who}.7 - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "GET /packages/f-1.0-py3-none-any.whl HTTP/1.1" 200 9 "-" "pip/24.0 {stated}"\n'
            )
        lines.append(f'198.18.9.9 - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "GET /g/-/g-1.0.0.tgz HTTP/1.1" 200 9 "-" "npm/6.0.0 node/v3.8.0 linux x64"\n')
    (folder / "access.log").write_text("".join(lines))
    take_into(folder / "store", folder / "access.log", key_file=folder / "key")
    return folder / "store"


@pytest.mark.parametrize(
    ("words", "told"),
    some(
        [
            (("runtime", "python 3.8"), "4 origins came with runtime python 3.8 in the last 30 days"),
            (("runtime-version", "Python 3.8"), "4 origins came with runtime-version Python 3.8 in the last 30 days"),
            (("python-version", "3.8"), "5 origins came with runtime-version 3.8 in the last 30 days"),  # node's is 3.8, too
            (("runtime", "python 3.8.10"), "2 origins came with runtime python 3.8.10 in the last 30 days"),
            (("runtime", "python"), "8 origins came with runtime python in the last 30 days"),
            (("runtime", "python 3"), "8 origins came with runtime python 3 in the last 30 days"),
            (("runtime", "python 3.1"), "nobody came with runtime python 3.1 in the last 30 days and was answered"),
            (("arch", "ARM/v6"), "2 origins came with arch ARM/v6 in the last 30 days"),
            (("arch", "s390x"), "nobody came with arch s390x in the last 30 days and was answered"),
            (("client", "npm 6"), "1 origin came with client npm 6 in the last 30 days"),
        ],
        2,
    ),
)
def test_who_would_miss_a_platform_is_one_command(words: tuple[str, str], told: str, store: Path) -> None:
    of, value = words
    said = pullstats("versions", "--of", of, "--would-miss", value, "--store", store)
    assert said.words.startswith(told)
    rows = pullstats("versions", "--of", of, "--would-miss", value, "--store", store, "--format", "json").rows
    assert sum(row["origins"] for row in rows) == (int(told.split(maxsplit=1)[0]) if told[0].isdigit() else 0)


def test_versions_of_a_runtime_are_told_by_line_with_its_name(store: Path) -> None:
    def shares(*words: str) -> dict[str | None, int]:
        return {row["value"]: row["active"] for row in pullstats("versions", "--of", *words, "--store", store, "--format", "json").rows}

    assert shares("runtime-version") == {"python 3.8": 4, "python 3.11": 2, "python 3.12": 2, "node 3.8": 1}
    assert shares("runtime-version", "--by", "major") == {"python 3": 8, "node 3": 1}
    assert shares("runtime-version", "--by", "release", "--where", "runtime=python") == {f"python {version}": 2 for version in PYTHONS}
    assert shares("arch") == {"amd64": 5, "arm/v6": 2, "arm64": 2}
    for form in ("table", "csv", "md", "ndjson"):
        assert "arm/v6" in pullstats("versions", "--of", "arch", "--store", store, "--format", form).out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--of", "arch", "--lag"), "--of takes no --lag: that is asked of versions"),
        (("--of", "arch", "--instances"), "--of takes no --instances"),
        (("--of", "arch", "--would-miss", " "), "--would-miss names no value; write arm/v6, or python 3.8"),
        (("--of", "arch", "--would-miss", "arm64", "--by", "minor"), "--would-miss takes no --by"),
        (("--of", "class", "--would-miss", "robots"), "no class 'robots'"),
        (("--of", "arch", "--min-origins", "3"), "takes no --min-origins"),
    ],
)
def test_what_only_versions_have_is_refused(words: tuple[str, ...], told: str, store: Path) -> None:
    assert told in pullstats("versions", *words, "--store", store, code=2).err
