"""Traffic of many clients over weeks, through the whole pipeline, against a count by hand of the same lines.

Every metric and every counting rule, to the digit: in total, by time in several zones, by every kind of dimension, and in windows
that cut through pulls, folds and sessions; whatever the blocks, the rotation, the order of ingest and the parts an answer is made in.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import polars.selectors as cs
import pytest

from pullstats.metrics import COUNTING_RULES, METRICS, Breakdown, Extent, Query, partitions, prepare_events
from pullstats.metrics.partitions import RULE_BYTES
from pullstats.metrics.plan import resolve
from pullstats.metrics.questions.breakdown import break_down
from pullstats.metrics.time.windows import Window
from pullstats.pipeline.answer import answer
from pullstats.store import open_store
from support import oracle
from support.command import pullstats, take_into
from support.effort import SOAK, across, some
from support.oracle import Row
from support.oracle_lines import read_lines
from support.places import CAPTURE
from support.traffic import Step, digest, make_logs
from support.traffic import Traffic as MadeTraffic

COUNTED = ("downloads", "pulls", "checks", "attempts", "downloaders")
RULED = (*COUNTED, "invocations")
PLAIN = (*oracle.SUMS, *oracle.SETS, "error-rate", "first-seen", "last-seen")
EVERYTHING = (*PLAIN, "sessions", "invocations", *COUNTED)
ADDITIVE = tuple(name for name, metric in METRICS.items() if metric.additive)
RULES = tuple(COUNTING_RULES)
UNNAMED = "invocations_pullstats_1"
JUDGED_ELSEWHERE = {"orgs", "instances", "instances-low", "instances-high"}
"""Organisations need a database of addresses; instances are estimates, put beside the truth of made-up traffic (`support/labelled/`)."""


@dataclass(frozen=True)
class Traffic:
    """Logs, the store they are in, and their rows as the oracle reads them."""

    logs: tuple[list[bytes], ...]
    folder: Path

    @property
    def store(self) -> Path:
        """Where the logs were taken in."""
        return self.folder / "store"

    @cached_property
    def rows(self) -> list[Row]:
        """Rows of both logs; the log that begins first goes first."""
        read = [read_lines(log) for log in self.logs]
        begins = sorted(range(len(read)), key=lambda number: min(row["time"] for row in read[number]))
        return oracle.with_releases([row | {"log": rank} for rank, number in enumerate(begins) for row in read[number]])

    @cached_property
    def counted(self) -> dict[str, list[Row]]:
        """The rows that each rule counts, by the name of the column that tells their number."""
        tags = oracle.find_tags(self.rows)
        bare = {column(metric, rule): find(self.rows) for rule, finds in oracle.RULES.items() for metric, find in finds.items()}
        # What version 1 calls an invocation is a request like any other: its digest stays.
        named = {name: oracle.name_digests(rows, tags) for name, rows in bare.items() if name != UNNAMED}
        return named | {UNNAMED: bare[UNNAMED], "sessions": oracle.find_sessions(self.rows)}

    def expect(self, key: Callable[[Row], Any], is_kept: Callable[[Row], bool] = lambda _: True) -> dict[Any, dict[str, Any]]:
        """For each value of a key, every metric that is not null."""
        rows = defaultdict(list)
        for row in self.rows:
            if is_kept(row):
                rows[key(row)].append(row)
        counts = {name: Counter(key(row) for row in counted if is_kept(row)) for name, counted in self.counted.items()}
        takers = defaultdict[str, dict[Any, set[Any]]](lambda: defaultdict(set))
        for name, counted in self.counted.items():
            if name.startswith("downloads_"):
                for row in filter(is_kept, oracle.leave_out_refused(name, counted)):
                    takers[name.replace("downloads", "downloaders")][key(row)] |= {row["origin"]} - {None}
        keys = {*rows, *(value for count in counts.values() for value in count)}
        return {
            value: {name.replace("-", "_"): oracle.measure(rows[value], name) for name in PLAIN}
            | {name: count[value] for name, count in counts.items()}
            | {name: len(who[value]) for name, who in takers.items()}
            for value in keys
        }


def column(metric: str, rule: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", f"{metric}@{rule}")


def take_in(folder: Path, *runs: Sequence[Path], store: str = "store", **options: Any) -> Path:
    for paths in runs:
        take_into(folder / store, *paths, key_file=folder / "key", **{"input_format": "nginx-combined"} | options)
    return folder / store


def write(path: Path, lines: list[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b"".join(lines)
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
    return path


def make_traffic(folder: Path, seed: int, requests: int) -> Traffic:
    traffic = Traffic(make_logs(seed, requests), folder)
    take_in(folder, [write(folder / gateway / "access.log", log) for gateway, log in zip(("east", "west"), traffic.logs, strict=True)])
    return traffic


REQUESTS = 50_000 if SOAK else 5_000


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    return make_traffic(tmp_path_factory.mktemp("traffic"), 1, REQUESTS)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, traffic: Traffic) -> Traffic:
    """Less of it, for what is asked many times; `make test` asks all of so much."""
    return make_traffic(tmp_path_factory.mktemp("quiet"), 2, 5_000) if SOAK else traffic


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory, quiet: Traffic) -> Traffic:
    """Still less, for what is taken in many times."""
    return quiet if SOAK else make_traffic(tmp_path_factory.mktemp("brief"), 4, 1_500)


TURNS = 6
ANSWERS: dict[tuple[Any, ...], pl.DataFrame] = {}


def some_rules(turn: int) -> tuple[str, ...]:
    """Give every rule in a soak; in `make test` our own two and every sixth of the others, so that six turns ask for each."""
    return (*RULES[:2], *some(RULES[2:], TURNS, first=turn % TURNS))


def ask(store: Path, *dimensions: str, **options: Any) -> pl.DataFrame:
    """Ask for every metric, under every rule if none is named; what was asked before is not asked again."""
    key = (store, dimensions, *options.items())
    if key not in ANSWERS:
        ANSWERS[key] = ask_anew(store, *dimensions, **options)
    return ANSWERS[key]


def ask_anew(store: Path, *dimensions: str, **options: Any) -> pl.DataFrame:
    report = answer(
        store, Breakdown(Query(**{"metrics": EVERYTHING, "dimensions": dimensions, "window": "all", "limit": 0, "count_as": RULES, **options}))
    )
    return report.flat[0] if report.flat is not None else report.frame


def compare(found: pl.DataFrame, keys: Sequence[str], expected: dict[Any, dict[str, Any]], rules: Sequence[str] = RULES) -> None:
    """Every number of every row; a count that a rule does not make is null, one of nothing is 0, or null where the logs are silent."""
    found = found.with_columns(cs.datetime().dt.convert_time_zone("UTC"))  # an hour of the local clock may come twice
    unasked = {column(metric, rule) for rule in set(RULES) - set(rules) for metric in RULED}
    asked = {value: {name: number for name, number in numbers.items() if name not in unasked} for value, numbers in expected.items()}
    expected = {value: numbers for value, numbers in asked.items() if any(numbers.values())}
    values = [name for name in found.columns if name not in {*keys, "final", "gap", "partial", "cut", "missing_hours"}]
    rows = {tuple(row[key] for key in keys): {name: row[name] for name in values} for row in found.to_dicts()}
    silent = {tuple(row[key] for key in keys) for row in found.to_dicts() if row.get("gap")}
    expected = {value if isinstance(value, tuple) else (value,) if keys else (): numbers for value, numbers in expected.items()}
    assert len(rows) == found.height
    assert set(expected) <= set(rows)
    for value, numbers in rows.items():
        wanted = expected.get(value, {})
        if value in silent:
            wanted = {name: number or None for name, number in wanted.items()}
            numbers = {name: number or None for name, number in numbers.items()}  # noqa: PLW2901
        assert {name: number for name, number in numbers.items() if name in wanted} == wanted, value
        assert not any(number for name, number in numbers.items() if name not in wanted), value
    assert all(set(numbers) <= set(values) for numbers in expected.values())


def test_the_oracle_counts_by_every_rule_and_every_metric() -> None:
    assert set(oracle.RULES) == set(RULES)
    assert {name for name in METRICS if name not in {*EVERYTHING, *JUDGED_ELSEWHERE}} == set()
    for label, rule in COUNTING_RULES.items():
        assert set(rule.defines) == set(oracle.RULES[label]), label


def test_the_traffic_holds_what_the_rules_tell_apart(traffic: Traffic) -> None:
    assert len(traffic.rows) >= REQUESTS
    assert all(len(rows) > (20 if SOAK else 1) for rows in traffic.counted.values())
    assert len({row["time"] for row in traffic.rows}) < 0.8 * len(traffic.rows)
    assert any(row["origin"] is None for row in traffic.rows)
    assert {row["log"] for row in traffic.rows} == {0, 1}


def test_totals_are_those_of_the_oracle(traffic: Traffic) -> None:
    compare(ask(traffic.store), (), traffic.expect(lambda _: ()))


def test_the_footer_tells_readings_that_were_redirected(traffic: Traffic) -> None:
    """They are neither checks nor downloads: what they lead to, these logs do not see."""
    away = [row for row in traffic.rows if row["method"] == "GET" and row["action"] in {"index", "metadata"} and row["status"] in oracle.REDIRECTS]
    assert len(away) > 20
    assert answer(traffic.store, Breakdown(Query(("downloads",), window="all"))).meta["redirected_readings"] == len(away)


DIMENSIONS: dict[str, Callable[[Row], Any]] = {
    "client": lambda row: row["client"],
    "package": lambda row: row["package"],
    "version": lambda row: row["reference"],
    "tag": lambda row: row["reference"] if row["kind"] == "tag" else None,
    "status": lambda row: row["status"],
    "method": lambda row: row["method"],
    "action": lambda row: row["action"],
    "path": lambda row: row["path"],
    "release": lambda row: row["release"],
}


def platform(row: Row) -> str | None:
    """What was asked for: one file of the traffic has a platform in its name."""
    if "tool-linux-amd64" in (row["path"] or ""):
        return "linux/amd64"
    return f"{row['os']}/{row['arch']}" if row["os"] and row["arch"] else None


OF_MACHINES: dict[str, Callable[[Row], Any]] = {
    "os": lambda row: row["machine"] or row["os"],
    "platform": platform,
    "arch": lambda row: row["arch"],
    "installer": lambda row: row["client"] if row["client_kind"] == "package-manager" else None,
    "runtime-version": lambda row: row["runtime_version"],
    "distro": lambda row: row["distro"],
    "libc": lambda row: row["libc"],
}


@pytest.mark.parametrize(("turn", "names"), list(enumerate([("os", "platform", "arch"), ("installer", "runtime-version"), ("distro", "libc")])))
def test_rows_of_machines_are_those_of_the_oracle(turn: int, names: tuple[str, ...], quiet: Traffic) -> None:
    """A desktop asks for what its virtual machine runs; who fetches for others says nothing of itself by what it takes."""
    expected = quiet.expect(lambda row: tuple(OF_MACHINES[name](row) for name in names))
    assert all(len({value[place] for value in expected}) > 2 for place in range(len(names)))
    rules = some_rules(turn)
    compare(ask(quiet.store, *names, count_as=rules), [name.replace("-", "_") for name in names], expected, rules)


@pytest.mark.parametrize(("turn", "name"), list(enumerate(some(DIMENSIONS, 4, first=2))))
def test_rows_of_a_dimension_are_those_of_the_oracle(turn: int, name: str, traffic: Traffic) -> None:
    rules = some_rules(turn)
    compare(ask(traffic.store, name, count_as=rules), (name,), traffic.expect(DIMENSIONS[name]), rules)


def test_rows_of_three_dimensions_are_those_of_the_oracle(traffic: Traffic) -> None:
    rules = some_rules(0)
    found = ask(traffic.store, "ecosystem", "client", "status", count_as=rules)
    compare(found, ("ecosystem", "client", "status"), traffic.expect(lambda row: (row["ecosystem"], row["client"], row["status"])), rules)


GATEWAYS = ("edge", "raw", "redirect", "auth")


@pytest.mark.parametrize(("turn", "kind"), list(enumerate(["json", "combined"])))
def test_the_recording_of_real_clients_counts_as_by_hand(turn: int, kind: str, tmp_path: Path) -> None:
    """Four gateways, in milliseconds and in whole seconds: requests of one instant on two gateways follow the order of the logs."""
    paths = [CAPTURE / gateway / f"access.{kind}.log" for gateway in GATEWAYS]
    recording = Traffic(tuple(path.read_bytes().splitlines(keepends=True) for path in sorted(paths)), tmp_path)
    take_in(tmp_path, paths, input_format="auto")
    known = {"oci", "pypi", "npm", "cargo"}
    rules = some_rules(turn)
    found = ask(tmp_path / "store", "ecosystem", "client", "status", where=f"ecosystem in ({', '.join(known)})", count_as=rules)
    expected = recording.expect(lambda row: (row["ecosystem"], row["client"], row["status"]), lambda row: row["ecosystem"] in known)
    compare(found, ("ecosystem", "client", "status"), expected, rules)
    assert sum(numbers["pulls_pullstats_1"] for numbers in expected.values()) >= 19


ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata")


def day_in(zone: str) -> Callable[[Row], str]:
    local = ZoneInfo(zone)
    return lambda row: row["time"].astimezone(local).date().isoformat()


@pytest.mark.parametrize("zone", some(ZONES, 2, first=1))
def test_days_are_those_of_the_oracle(zone: str, traffic: Traffic) -> None:
    """Across both changes of the clock: a request belongs to the local day it was made on, a pull to that of its first GET."""
    rules = some_rules(0)
    compare(ask(traffic.store, every="d", tz=zone, count_as=rules), ("bucket",), traffic.expect(day_in(zone)), rules)


def test_clients_by_day_are_those_of_the_oracle(traffic: Traffic) -> None:
    day = day_in("Europe/Berlin")
    rules = some_rules(4)
    found = ask(traffic.store, "client", every="d", tz="Europe/Berlin", count_as=rules)
    compare(found, ("bucket", "client"), traffic.expect(lambda row: (day(row), row["client"])), rules)


def test_hours_and_weekdays_are_those_of_the_oracle(traffic: Traffic) -> None:
    local = ZoneInfo("Asia/Kolkata")

    def key(row: Row) -> tuple[int, str]:
        moment = row["time"].astimezone(local)
        return moment.hour, moment.strftime("%a").lower()

    rules = some_rules(5)
    compare(ask(traffic.store, "hour", "weekday", tz="Asia/Kolkata", count_as=rules), ("hour", "weekday"), traffic.expect(key), rules)


def ask_between(store: Path, start: datetime, end: datetime, **options: Any) -> pl.DataFrame:
    """Ask for a window that no grammar names: from any instant to any other."""
    opened = open_store(store)
    status, names = opened.status(), opened.runs()
    sources = names.group_by("source_id").agg(pl.col("name").last(), pl.col("first").min(), pl.col("last").max())
    query = Query(**{"metrics": EVERYTHING, "window": "all", "limit": 0, "count_as": RULES, **options})
    asked = resolve(query, prepare_events(opened.scan_events, Extent(status.first, status.last, sources, status.events), query))
    return break_down(replace(asked, window=Window(start, end, "cut")))[0].frame


CUTS = 8 if SOAK else 4
CUT_TURNS = (0, 2, 1, 2)
"""Turns of the rules that make one of what is cut: pulls, visits, actions of Docker's programme, data sets."""


@pytest.mark.parametrize("number", range(CUTS))
def test_a_window_may_cut_through_what_belongs_together(number: int, quiet: Traffic) -> None:
    """Edges are the very instants of requests in the middle of pulls and sessions; what counts is where each begins."""
    kinds = (oracle.pull_groups(quiet.rows), oracle.visits(quiet.rows), oracle.dvp_actions(quiet.rows), oracle.dataset_runs(quiet.rows, {"GET"}))
    longer = [run for run in kinds[number % len(kinds)] if run[0]["time"] < run[-1]["time"]]
    cut = longer[number * 7919 % len(longer)]
    inner = [row["time"] for row in cut if row["time"] > cut[0]["time"]]
    edge = inner[number % len(inner)]
    dimensions = ("version",) if number % 2 else ()
    key = DIMENSIONS["version"] if dimensions else lambda _: ()
    rules = some_rules(CUT_TURNS[number % len(CUT_TURNS)])
    for start, end in ((edge, edge + timedelta(hours=30)), (edge - timedelta(days=2), edge)):
        found = ask_between(quiet.store, start, end, dimensions=dimensions, count_as=rules)
        compare(found, dimensions, quiet.expect(key, lambda row, start=start, end=end: start <= row["time"] < end), rules)  # type: ignore[misc]


MANIFEST, BLOB = "/v2/acme/app/manifests/1.0", f"/v2/acme/app/blobs/{digest('layer')}"
WHEEL, PARQUET = "/packages/acme-1.0-py3-none-any.whl", "/datasets/acme/set/resolve/main/a.parquet"
HOUR = 3600
# What a run of two hours holds, seconds after its start; what is counted; what of it version 2 counts in half an hour at either end.
LONG: dict[str, tuple[str, list[Step], str, dict[str, int]]] = {
    "the check of a session was long before": (
        "docker",
        [(0, "HEAD", MANIFEST, 200), *((after, "GET", BLOB, 200) for after in range(0, 2 * HOUR, 240)), (2 * HOUR - 60, "HEAD", MANIFEST, 200)],
        "checks",
        {"begin": 1, "end": 1},
    ),
    "the download of a session comes long after": (
        "pip",
        [(60, "GET", "/simple/acme/", 200), *((after, "HEAD", WHEEL, 200) for after in range(60, 2 * HOUR, 240)), (2 * HOUR - 60, "GET", WHEEL, 200)],
        "checks",
        {"begin": 8, "end": 7},
    ),
    "a poll every half minute is parted from its first request on": (
        "pip",
        [(after, "GET", "/simple/acme/", 200) for after in range(0, 2 * HOUR + 1, 30)],
        "invocations",
        {"begin": 6, "end": 5},
    ),
    "a group that never pauses is parted every minute from its first request on": (
        "docker",
        [(after, "HEAD", MANIFEST, 200) for after in range(0, 2 * HOUR + 1, 5)],
        "checks",
        {"begin": 28, "end": 27},
    ),
    "a download is resumed for hours, and then taken whole": (
        "wget",
        [*((after, "GET", WHEEL, 206) for after in range(0, 2 * HOUR - 60, 540)), (2 * HOUR - 60, "GET", WHEEL, 200)],
        "downloads",
        {"begin": 1, "end": 0},
    ),
    "a data set was taken long before": (
        "hf",
        [(0, "GET", PARQUET, 200), *((after, "GET", PARQUET, 404) for after in range(290, 2 * HOUR, 290)), (2 * HOUR - 60, "GET", PARQUET, 200)],
        "downloads",
        {"begin": 1, "end": 0},
    ),
    "a group was opened long before": (
        "podman",
        [(0, "GET", MANIFEST, 200), *((after, "HEAD", MANIFEST, 200) for after in range(5, 2 * HOUR, 5)), (2 * HOUR - 60, "GET", MANIFEST, 200)],
        "pulls",
        {"begin": 1, "end": 1},
    ),
}


LONG_BEGINS = {name: datetime(2025, 1, 25, 11, 7, 13, tzinfo=UTC) + place * timedelta(days=30) for place, name in enumerate(LONG)}


@pytest.fixture(scope="module")
def long_runs(tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    """Give every long run, a month apart; three days before and after each there is as much, of another client."""
    folder, made = tmp_path_factory.mktemp("long"), MadeTraffic(0)
    for name, (who, steps, _, _) in LONG.items():
        for address, days in (("198.51.100.7", 0), ("203.0.113.9", -3), ("203.0.113.9", 3)):
            made.send(who, steps, log=0, address=address, start=int((LONG_BEGINS[name] + timedelta(days=days)).timestamp()))
    lines = [line.text.encode() for line in sorted(made.lines, key=lambda line: line.second)]
    take_in(folder, [write(folder / "access.log", lines)])
    return Traffic((lines,), folder)


@pytest.fixture(scope="module")
def long_counts(long_runs: Traffic) -> dict[tuple[str, str], list[Row]]:
    """Give what the oracle counts of the long runs, by rule and metric."""
    metrics = {metric for *_, metric, _ in LONG.values()}
    return {(label, metric): oracle.RULES[label][metric](long_runs.rows) for label in ("pullstats@1", "pullstats@2") for metric in metrics}


@pytest.mark.parametrize("name", LONG)
def test_what_is_longer_than_a_margin_is_read_whole(name: str, long_runs: Traffic, long_counts: dict[tuple[str, str], list[Row]]) -> None:
    """Windows of half an hour at the begin and the end of a run of two hours."""
    *_, metric, expected = LONG[name]
    begin, labels = LONG_BEGINS[name], ("pullstats@1", "pullstats@2")
    spans = {"begin": (begin, begin + timedelta(minutes=30)), "end": (begin + timedelta(minutes=90), begin + timedelta(hours=3))}
    for span, (start, end) in spans.items():
        found = ask_between(long_runs.store, start, end, metrics=(metric,), count_as=labels).row(0, named=True)
        counted = {label: sum(start <= row["time"] < end for row in long_counts[label, metric]) for label in labels}
        assert found == {column(metric, label): number for label, number in counted.items()}, span
        assert found[column(metric, "pullstats@2")] == expected[span], span


FILTERS: dict[str, Callable[[Row], bool]] = {
    "method=GET": lambda row: row["method"] == "GET",
    "status>=400": lambda row: row["status"] >= 400,
    "version in (1.0, latest)": lambda row: row["reference"] in {"1.0", "latest"},
    "client!=docker and ecosystem is not null": lambda row: row["client"] != "docker" and row["ecosystem"] is not None,
}


@pytest.mark.parametrize(("turn", "where"), some(enumerate(FILTERS), 2, first=1))
def test_rules_see_what_a_filter_leaves_out(turn: int, where: str, quiet: Traffic) -> None:
    """A pull is kept or left out whole, by the request that stands for it; the others still say that it is one."""
    rules = some_rules(turn)
    compare(ask(quiet.store, "action", where=where, count_as=rules), ("action",), quiet.expect(DIMENSIONS["action"], FILTERS[where]), rules)


@pytest.mark.parametrize(("pull", "visit", "session"), some([(0, 30, 1800), (30, 20, 60), (300, 60, 300), (5, 600, 3600), (2, 0, 0)], 3))
def test_pauses_can_be_chosen(pull: int, visit: int, session: int, quiet: Traffic) -> None:
    """Each sets its own: over all time, and in a window that cuts through. Version 1 knows the first alone."""
    gaps = timedelta(seconds=pull), timedelta(seconds=visit)
    ours = {
        "pulls": oracle.find_pulls_2(quiet.rows, gaps[0]),
        "checks": oracle.find_checks_2(quiet.rows, *gaps),
        "invocations": oracle.find_invocations_2(quiet.rows, *gaps),
        "sessions": oracle.find_sessions(quiet.rows, timedelta(seconds=session)),
    }
    older = {
        "pulls": oracle.find_pulls(quiet.rows, gaps[0]),
        "checks": oracle.find_checks(quiet.rows, gaps[0]),
        "invocations": oracle.find_invocations(quiet.rows),
    }
    runs = [run for run in (*oracle.pull_groups(quiet.rows, gaps[0]), *oracle.visits(quiet.rows, gaps[1])) if run[0]["time"] < run[-1]["time"]]
    edge = runs[len(runs) // 2][-1]["time"]
    counted = {column(name, label): rows for label, found in (("pullstats@1", older), ("pullstats@2", ours)) for name, rows in found.items()}
    counted["sessions"] = counted.pop("sessions_pullstats_2")
    options = {"pull_window": float(pull), "visit_gap": float(visit), "session_gap": float(session)}
    for start, end in (
        (edge - timedelta(days=900), edge + timedelta(days=900)),
        (edge, edge + timedelta(days=9)),
        (edge - timedelta(days=9), edge),
    ):
        expected = {name: sum(start <= row["time"] < end for row in rows) for name, rows in counted.items()}
        found = ask_between(quiet.store, start, end, metrics=tuple(ours), count_as=("pullstats@1", "pullstats@2"), **options)
        assert found.row(0, named=True) == expected


@pytest.mark.parametrize(
    ("level", "rule"), across(["origin", "endpoint", "network", "user"], ["pullstats@1", "pullstats@2", "docker-dvp@1", "raw@1"])
)
def test_the_headline_names_how_many_took_something(level: str, rule: str, quiet: Traffic) -> None:
    taken = quiet.counted[column("downloads", rule)]
    takers = {row[level] for row in oracle.leave_out_refused(column("downloads", rule), taken)} - {None}
    asked = {row[level] for row in quiet.rows if row["status"] != 401} - {None}
    report = answer(quiet.store, Breakdown(Query(("downloads", "downloaders"), window="all", count_as=(rule,), unique_by=level)))
    words = [f"{len(taken):,} downloads by {len(takers):,} downloader{'s' if len(takers) != 1 else ''}"]
    assert report.headline == "; ".join([*words, f"{len(asked):,} {level}{'s' if len(asked) != 1 else ''} asked"])
    assert report.frame["downloaders"].item() == report.meta["totals"]["downloaders"] == len(takers)
    assert report.meta["asked"] == {f"{level}s": len(asked)}


@pytest.mark.parametrize(("turn", "dimension"), list(enumerate([(), ("client",), ("package",), ("domain",)])))
def test_downloaders_are_part_of_those_who_asked(turn: int, dimension: tuple[str, ...], quiet: Traffic) -> None:
    """In one row nobody takes who did not ask, whatever the rule counts; a 401 is of nobody in both."""
    rules = tuple(some(RULES, 4, first=turn))
    query = Query(("downloads", "downloaders", "origins"), dimensions=dimension, window="all", count_as=rules, limit=0)
    frame = answer(quiet.store, Breakdown(query)).frame
    assert frame.height
    assert frame.filter(pl.any_horizontal(pl.col(column("downloaders", rule)) > pl.col("origins") for rule in rules)).is_empty()


def is_additive(name: str) -> bool:
    """Tell whether the values of a column add up; people do not."""
    return name in ADDITIVE or (name.split("_", maxsplit=1)[0] in COUNTED and not name.startswith("downloaders"))


@pytest.mark.parametrize("zone", some(ZONES, 2, first=1))
def test_a_window_of_days_is_the_sum_of_its_days(zone: str, quiet: Traffic) -> None:
    days = ("2025-03-29", "2025-03-30", "2025-03-31")
    rules = some_rules(1)
    whole = ask(quiet.store, window=f"{days[0]}..{days[-1]}", tz=zone, count_as=rules)
    parts = pl.concat([ask(quiet.store, window=day, tz=zone, count_as=rules) for day in days])
    day = day_in(zone)
    compare(whole, (), quiet.expect(lambda _: (), lambda row: day(row) in days), rules)
    for name in whole.columns:
        if is_additive(name):
            assert whole[name].sum() == parts[name].sum(), name
    for name in oracle.SETS:
        assert parts[name].max() <= whole[name].item() <= parts[name].sum(), name
    assert whole["origins"].item() < parts["origins"].sum()


def test_additive_metrics_add_up_and_uniques_do_not(traffic: Traffic) -> None:
    total = ask(traffic.store)
    for turn, (dimensions, options) in some(enumerate(((("client",), {}), (("package", "method"), {}), ((), {"every": "w"}))), 2):
        rows = ask(traffic.store, *dimensions, count_as=some_rules(turn), **options)
        for name in rows.columns:
            if is_additive(name):
                assert rows[name].sum() == (total[name].item() or 0), (dimensions, name)
        for name in oracle.SETS:
            assert rows[name].max() <= total[name].item() <= rows[name].sum(), (dimensions, name)
        assert total["endpoints"].item() < rows["endpoints"].sum()
        assert rows["first_seen"].min() == total["first_seen"].item()


@pytest.mark.parametrize("size", some([16_384, 4096, 65_536], 3))
def test_blocks_change_nothing(size: int, brief: Traffic, tmp_path: Path) -> None:
    store = take_in(tmp_path, [brief.folder / "west" / "access.log", brief.folder / "east" / "access.log"], block_size=size)
    for turn, dimensions in some(enumerate(((), ("client", "version")), 1), 2, first=1):
        assert ask(store, *dimensions, count_as=some_rules(turn)).equals(ask(brief.store, *dimensions, count_as=some_rules(turn)))


def cut(lines: list[bytes], parts: int) -> list[list[bytes]]:
    """Cut where the second changes."""
    times = [line.split(b"[", 1)[1].split(b"]", 1)[0] for line in lines]
    places = (range(len(lines) * part // parts, len(lines)) for part in range(1, parts))
    edges = [0, *(next(index for index in place if times[index] != times[index - 1]) for place in places)]
    return [lines[start:end] for start, end in zip(edges, [*edges[1:], len(lines)], strict=True)]


ROTATED = ("access.log.2.gz", "access.log.1", "access.log")
DATED = ("access.log-20250325.gz", "access.log-20251021", "access.log")
ORDERS: dict[str, tuple[Sequence[str], Sequence[Sequence[int]]]] = {
    "as they were written, at once": (ROTATED, [(0, 1, 2, 3, 4, 5)]),
    "newest first, at once": (ROTATED, [(5, 4, 3, 2, 1, 0)]),
    "one by one, newest first": (ROTATED, [(5,), (2,), (4,), (1,), (3,), (0,)]),
    "in two runs, with dates": (DATED, [(2, 5, 1), (4, 0, 3)]),
}


@pytest.mark.parametrize(("name", "dimensions"), across(list(ORDERS)[0 if SOAK else 2 :], [(), ("client", "version", "path")]))
def test_neither_rotation_nor_order_changes_an_answer(name: str, dimensions: tuple[str, ...], brief: Traffic, tmp_path: Path) -> None:
    """Two gateways, whose requests of one instant stand in both; each cut in three."""
    names, runs = ORDERS[name]
    rules = some_rules(list(ORDERS).index(name) // 2 + 1)
    pieces = [
        write(tmp_path / gateway / piece, lines)
        for gateway, log in zip(("east", "west"), brief.logs, strict=True)
        for piece, lines in zip(names, cut(log, 3), strict=True)
    ]
    store = take_in(tmp_path, *([pieces[number] for number in run] for run in runs))
    assert ask(store, *dimensions, count_as=rules).equals(ask(brief.store, *dimensions, count_as=rules))


def test_pieces_of_any_name_are_one_log(tmp_path: Path) -> None:
    log = make_logs(3, 2_000)[0]
    pieces = [write(tmp_path / name, lines) for name, lines in zip(("zebra.log", "late", "apple.gz", "0"), cut(log, 4), strict=True)]
    whole = take_in(tmp_path, [write(tmp_path / "whole" / "access.log", log)], store="whole-store")
    for turn, order in some(enumerate(([3, 1, 0, 2], [2, 3, 1, 0])), 2):
        store = take_in(tmp_path, [pieces[number] for number in order], store=f"store-{turn}")
        options = {"count_as": some_rules(0)}
        assert ask(store, "client", "version", **options).equals(ask(whole, "client", "version", **options)), order


PARTED: dict[str, tuple[int, tuple[str, ...], dict[str, Any]]] = {
    "totals in seven": (7, (), {}),
    "rows in two": (2, ("client", "version"), {}),
    "days in three": (3, (), {"every": "d", "tz": "Europe/Berlin"}),
}


@pytest.mark.parametrize("name", some(PARTED, 3, first=1))
def test_an_answer_in_parts_is_the_answer_at_once(name: str, quiet: Traffic, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read network by network, requests without an address among them, and joined: every metric, every rule."""
    parts, dimensions, options = PARTED[name]
    assert any(row["network"] is None for row in quiet.rows)
    options = {"metrics": (*EVERYTHING, "orgs"), "count_as": some_rules(list(PARTED).index(name)), **options}
    at_once = ask_anew(quiet.store, *dimensions, **options)
    monkeypatch.setattr(partitions, "count_partitions", lambda *_: parts)
    assert ask_anew(quiet.store, *dimensions, **options).equals(at_once)


def test_a_question_larger_than_its_memory_is_answered_in_parts(quiet: Traffic) -> None:
    """As the command line asks it: the same words and numbers, headline and footer."""
    assert RULE_BYTES * len(quiet.rows) > 1_000_000
    question = [
        "report",
        "--store",
        str(quiet.store),
        "--metric",
        "downloads,checks,origins",
        "--by",
        "client,version",
        "--window",
        "all",
        "--limit",
        "0",
    ]
    at_once = pullstats(*question).out
    assert pullstats(*question, "--memory", "1MB").out == at_once
    assert "downloads" in at_once
