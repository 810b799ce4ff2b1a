"""A number taken apart: requests in and out add up, and the number is the report's."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.cli import main, run
from pullstats.errors import UsageError
from pullstats.metrics import COUNTING_RULES, METRICS, Breakdown
from pullstats.metrics.questions.explain import Explanation
from pullstats.reports import Report
from support.command import pullstats, take_into
from support.crowd import NOON, Row, ask, manifest, request
from support.effort import examples

METRIC_NAMES = tuple(METRICS)


def explain(rows: list[Row], rule_sets: dict[str, int] | None = None, **options: Any) -> Report:
    return ask(Explanation, rows, rule_sets=rule_sets, **options)


def told(report: Report) -> dict[str, list[tuple[str, int]]]:
    """Give what is told of requests, by part, samples left out."""
    assert report.flat is not None
    found: dict[str, list[tuple[str, int]]] = {}
    for part, what, requests in report.flat[0].rows():
        if requests is not None:
            found.setdefault(part, []).append((what, requests))
    return found


def make_traffic(count: int, seed: int) -> list[Row]:
    """Make requests of every kind the reasons tell apart, close enough in time to belong together."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        time, who = NOON + timedelta(seconds=chance.choice([chance.randrange(90), chance.randrange(9000)])), chance.randrange(4)
        status = chance.choice([200, 200, 200, 206, 301, 304, 401, 404, 500, None])
        method = chance.choice(["GET", "GET", "GET", "HEAD", "POST", None])
        other: dict[str, Any] = {
            "client": chance.choice(["docker", "pip", None]),
            "user": chance.choice([None, 3]),
            "size": chance.choice([None, 0, 7]),
        }
        if chance.random() < 0.5:
            rows.append(manifest(time, who, method, chance.choice(["1.0", "2.0", "sha256:a", "sha256:b"]), status, **other))
            continue
        action = chance.choice(["download", "download", "index", "metadata", "blob", "other", None])
        kind = chance.choice(["pypi", "oci", "huggingface", "npm", None])
        path = chance.choice(["/m/resolve/main/config.json", "/m/resolve/main/w.bin", "/f.whl"])
        named = {"package": chance.choice(["f", "datasets/d", None]), "counts": chance.choice([True, True, False, None])}
        rows.append(request(time, who, method=method, status=status, action=action, ecosystem=kind, path=path, **named, **other))
    return rows


FILTERS = ("status<400", "version=1.0", "tag=1.0 and client=docker", "client is null", "version ~ sha256", "method=GET or status=404", "hour=12")
WINDOWS = ("all", "2025-03-03", "1h", "12:00-12:01", "every monday 3d", "2001")


@examples(40)
@given(
    st.integers(1, 10**6),
    st.integers(0, 60),
    st.lists(st.sampled_from(METRIC_NAMES), min_size=1, max_size=4, unique=True),
    st.sampled_from([None, *FILTERS]),
    st.sampled_from(WINDOWS),
    st.lists(st.sampled_from(list(COUNTING_RULES)), min_size=1, max_size=2, unique=True),
    st.sampled_from([3_000_000_000, 2000]),
)
def test_requests_add_up_and_the_number_is_the_reports(
    seed: int, count: int, metrics: list[str], where: str | None, window: str, rules: list[str], memory: int
) -> None:
    rows = make_traffic(count, seed)
    options: dict[str, Any] = {"metrics": tuple(metrics), "where": where, "window": window, "count_as": tuple(rules), "memory": memory}
    report, explained = ask(Breakdown, rows, **options), explain(rows, **options)
    shown = {name: value for name, value in explained.meta["totals"].items() if name in report.frame.columns}
    assert [shown] == report.frame.to_dicts() or (report.is_empty and explained.is_empty)
    parts = told(explained)
    in_window = parts["filters"][0]
    assert in_window[0] == "in the window"
    for part, entries in parts.items():
        if part != "filters":
            assert all(requests >= 0 for _, requests in entries), entries
            assert sum(requests for _, requests in entries) == in_window[1], entries
    counted = {
        name: entries
        for name, entries in parts.items()
        if any(what.startswith(("in: counts, each", "in: counts as a download")) for what, _ in entries)
    }
    for name, entries in counted.items():
        key = "".join(letter if letter.isalnum() else "_" for letter in name)
        found, number = sum(requests for what, requests in entries if what.startswith("in:")), explained.meta["totals"][key] or 0
        assert number <= found if name.startswith("downloaders") else number == found


def test_filters_leave_out_one_after_the_other() -> None:
    rows = [request(NOON, 1, client=client, status=status) for client in ("pip", "uv") for status in (200, 404, 404)]
    parts = told(explain(rows, where="status=404", exclude_kinds=("bot",), metrics=("requests",)))
    assert parts["filters"] == [("in the window", 6), ("left out by --where status=404", 2), ("left out by --exclude-kind bot", 0), ("kept", 4)]
    assert dict(parts["filters"])["kept"] == dict(parts["filters"])["in the window"] - 2
    assert parts["filters"][0][1] == sum(requests for _, requests in parts["filters"][1:])


def test_each_reason_by_hand() -> None:
    """Eleven requests, one a reason; two count."""
    rows = [
        request(NOON, 1),
        request(NOON, 2, package=None, ecosystem=None, counts=None),
        request(NOON, 2, method="PUT"),
        request(NOON, 2, action="index"),
        request(NOON, 2, action="blob", ecosystem="oci"),
        request(NOON, 2, counts=False),
        request(NOON, 2, method="HEAD"),
        request(NOON, 2, status=304),
        request(NOON, 2, status=404),
        manifest(NOON, 3, "HEAD", "1.0"),
        manifest(NOON + timedelta(seconds=1), 3, "GET", "sha256:a"),
    ]
    entries = dict(told(explain(rows, metrics=("downloads",)))["downloads"])
    assert entries.pop("in: counts, each at the request that stands for it") == 2
    assert entries.pop("out: belongs to what another request counts for, or to a group that took nothing") == 1
    assert len(entries) == 8
    assert set(entries.values()) == {1}


def test_a_digest_that_a_tag_names_is_in_though_the_filter_names_the_tag() -> None:
    later = NOON + timedelta(hours=1)
    rows = [manifest(NOON, 1, "HEAD", "1.0"), manifest(NOON, 1, "GET", "sha256:a"), manifest(later, 2, "GET", "sha256:a")]
    entries = dict(told(explain(rows, metrics=("pulls",), where="version=1.0"))["pulls"])
    assert entries["in: counts, each at the request that stands for it"] == 2
    assert entries["out: belongs to what another request counts for, or to a group that took nothing"] == 1
    entries = dict(told(explain(rows, metrics=("pulls",), where="version ~ '^sha256'"))["pulls"])
    assert entries["in: counts, each at the request that stands for it"] == 0
    assert entries["out: counts, but for what the filters leave out"] == 2


def test_sums_and_distinct_counts_by_hand() -> None:
    rows = [
        request(NOON, 1, status=401, size=5),
        request(NOON, 1, size=None),
        request(NOON, None),
        request(NOON, 2, method="HEAD", status=404),
        request(NOON, 2, status=404),
    ]
    parts = {name: dict(entries) for name, entries in told(explain(rows, metrics=("origins", "bytes", "errors", "missing", "error-rate"))).items()}
    assert parts["origins"] == {
        "in: requests from which distinct origins are counted": 3,
        "out: answered 401, a first try without credentials is no second person": 1,
        "out: names no origin": 1,
    }
    assert parts["bytes"] == {"in: its size is added": 3, "out: is a HEAD: it has no body": 1, "out: has no size logged": 1}
    assert parts["errors"]["in: answered 4xx or 5xx"] == 3
    assert parts["missing"]["in: GET for an artifact answered 404"] == 1
    assert list(parts["error-rate"].values()) == [3, 2]


def test_definitions_and_rules_are_told() -> None:
    report = explain([request(NOON, 1)], {"abc": 1}, metrics=("downloads", "origins"), dimensions=("client",), pull_window=9.0, tz="Asia/Tokyo")
    text = "\n".join(report.frame["what"])
    for words in (
        "downloads = 1. Content was taken",
        "origins = 1. Distinct origins: all who asked, whether they took something or not; 401 left out. Usually more than people. It is never added up",
        "client: Client program.",
        "all in Asia/Tokyo: from no bound",
        "pullstats@2: A file counts when",
        "(source: pullstats, docs/metrics.md)",
        "with --pull-window 9 s instead of 5 s",
        "columns derived by rules abc",
        "e.g. 2025-03-03 21:00:00 GET /f.whl → 200, pip",
    ):
        assert words in text


def test_what_a_rule_says_nothing_of_is_no_number() -> None:
    report = explain([request(NOON, 1)], metrics=("checks",), count_as=("npm",))
    assert "checks = nothing." in report.frame["what"][0]
    assert report.meta["totals"] == {"checks": None}


def test_thousands_are_parted_for_people_alone() -> None:
    report = explain([request(NOON, who) for who in range(1200)], metrics=("requests",))
    assert "requests = 1,200." in report.frame["what"][0]
    assert report.flat is not None
    assert "requests = 1200." in report.flat[0]["what"][0]


def test_few_are_neither_shown_in_samples_nor_explained() -> None:
    rows = [request(NOON, 10 * who) for who in range(5)]
    text = "\n".join(explain(rows, min_origins=5).frame["what"])
    assert "e.g." not in text
    assert "--min-origins 5" in text
    assert explain(rows, min_origins=5, metrics=("downloaders",)).meta["totals"] == {"downloaders": 5}
    for metrics in (("requests",), ("downloads", "downloaders")):
        with pytest.raises(UsageError, match="fewer than 6 endpoints are behind this number"):
            explain(rows, min_origins=6, metrics=metrics)


def test_a_second_key_is_refused_as_the_report_refuses_it() -> None:
    rows = [request(NOON, 1), request(NOON + timedelta(days=1), 1, epoch=2)]
    with pytest.raises(UsageError, match="2 different keys"):
        explain(rows, metrics=("origins",))
    assert explain(rows, metrics=("requests",)).meta["totals"] == {"requests": 2}


def test_samples_show_no_address_no_token_and_no_control_character(take_in: Callable[..., Any], tmp_path: Path) -> None:
    token = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"  # noqa: S105 - made up
    (tmp_path / "a.log").write_text(
        f'192.0.2.77 - - [01/Mar/2025:10:00:00 +0000] "GET /files/f-1.0.tar.gz?token={token} HTTP/1.1" 200 1 "-" "curl/8.0"\n'
        '192.0.2.77 - - [01/Mar/2025:10:00:01 +0000] "GET /files/\\x1b[31m\\x0a-1.0.tar.gz HTTP/1.1" 404 1 "-" "curl/8.0"\n'
    )
    take_in(tmp_path / "a.log")
    for output in ("table", "json", "csv", "md"):
        where = ["--store", str(tmp_path / "store"), "--window", "2025-03-01", "--format", output]
        shown = pullstats("explain", *where, "--metric", "downloads,requests,errors").out
        assert "e.g. 2025-03-01 10:00:00 GET" in " ".join(shown.split()).replace("\\", "")
        assert "192.0.2.77" not in shown
        assert token not in shown
        assert "\x1b" not in shown


def test_the_flags_of_report_series_and_uniques_are_accepted(take_in: Callable[..., Any], tmp_path: Path) -> None:
    line = '192.0.{}.{} - - [01/Mar/2025:1{}:00:00 +0000] "GET /simple/f/ HTTP/1.1" 200 1 "-" "pip/24.0"\n'
    (tmp_path / "a.log").write_text("".join(line.format(net, host, hour) for net in range(2) for host in range(1, 4) for hour in range(3)))
    (tmp_path / "dates.csv").write_text("date,label\n2025-03-01,talk\n")
    take_in(tmp_path / "a.log")
    where = ["--store", str(tmp_path / "store"), "--window", "2025-03-01", "--format", "json", "--meta", "--quiet"]
    for flags, totals in (
        ("--by package --sort package --limit 3 --no-other --percent --metric requests --min-origins 2", {"requests": 18}),
        (f"--every d --rolling 7d --annotate {tmp_path / 'dates.csv'} --metric requests,origins", {"requests": 18, "origins": 6}),
        ("--level network,endpoint --sketch", {"networks": 2, "endpoints": 6}),
    ):
        assert pullstats("explain", *flags.split(), *where).rows["meta"]["totals"] == totals
    assert "did you mean 'network'?" in pullstats("explain", "--level", "netwrok", *where, code=2).err
    for output in ("json", "csv", "md", "table"):
        assert "in the window" in pullstats("explain", "--store", tmp_path / "store", "--window", "2001", "--format", output, code=4).out


@pytest.mark.parametrize("command", ["report", "series", "uniques"])
def test_every_option_of_a_question_is_understood_by_its_explanation(command: str) -> None:
    group = click.Context(main)
    asked, explains = (main.get_command(group, name) for name in (command, "explain"))
    assert asked is not None
    assert explains is not None
    ours = {parameter.name: parameter for parameter in explains.params}
    assert {parameter.name for parameter in asked.params} <= {*ours}
    for parameter in asked.params:
        assert ours[parameter.name].opts == parameter.opts, parameter.name


def test_what_changes_no_number_changes_no_explanation(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log, store = tmp_path / "access.log", str(tmp_path / "store")
    log.write_text('192.0.2.1 - - [01/Jun/2025:12:00:00 +0000] "GET /f.whl HTTP/1.1" 200 7 "-" "pip/25.0"\n')
    take_into(Path(store), log, key_file=tmp_path / "key")
    capfd.readouterr()
    asked = ["explain", "--metric", "requests", "--window", "all", "--store", store, "--format", "csv"]
    said = [
        (run([*asked, *more.split()]), capfd.readouterr())
        for more in ("", "--percent --every w --rolling 2w --sort -requests --total --sketch --no-other")
    ]
    assert said[0] == said[1]
    assert said[0][0] == 0
    assert "requests,in: counts,1" in said[0][1].out
