"""Uniques: bounds, unions, keys, sketches, and who is new, back or gone; counted a second time by hand."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pullstats.cli import run
from pullstats.errors import UsageError
from pullstats.metrics.levels import LEVELS
from pullstats.metrics.questions.uniques import Uniques
from pullstats.reports import Report
from support.command import pullstats
from support.crowd import NOON, Row, ask, make_crowd, request

DAY = timedelta(days=1)
STATES = ("new", "returning", "resurrected", "churned")
FIELDS = {"networks": "network", "endpoints": "endpoint", "origins": "who", "orgs": "org", "users": "user"}


def uniques(rows: list[Row], levels: tuple[str, ...] = LEVELS, *, is_sketched: bool = False, **options: Any) -> Report:
    return ask(Uniques, rows, levels, is_sketched, **options)


def count_people(rows: list[Row], field: str) -> int:
    return len({row[field] for row in rows if row["status"] != 401 and row[field] is not None})


@pytest.mark.parametrize("memory", [3_000_000_000, 25_000])
def test_every_level_is_a_union_over_the_window(memory: int) -> None:
    rows = make_crowd()
    found = uniques(rows, memory=memory).frame.row(0, named=True)
    assert found == {name: count_people(rows, field) for name, field in FIELDS.items()}
    assert found["networks"] < found["endpoints"] < found["origins"]


def test_bounds_stand_beside_each_other_in_words() -> None:
    rows = [request(NOON, who) for who in (1, 2, 11, 101, 1001)]
    report = uniques(rows)
    assert report.headline == ("3 networks (usually fewer than people), 4 endpoints, 5 origins (usually more than people), 2 organisations, 0 users")
    assert [column.title for column in report.columns][:3] == [
        "networks (usually fewer than people)",
        "endpoints",
        "origins (usually more than people)",
    ]


def test_an_anonymous_try_is_no_second_person() -> None:
    rows = [request(NOON, 1, status=401), request(NOON, 2, user=7), request(NOON, 3, status=401)]
    assert uniques(rows).frame.row(0, named=True) == {"networks": 1, "endpoints": 1, "origins": 1, "orgs": 1, "users": 1}


def test_each_row_is_its_own_union() -> None:
    rows = make_crowd()
    found = uniques(rows, dimensions=("client",)).frame
    for client, *counts in found.rows():
        mine = [row for row in rows if row["client"] == client]
        assert counts == [count_people(mine, field) for field in FIELDS.values()]
    assert found["origins"].sum() > count_people(rows, "who")


def test_fewer_than_are_to_be_shown_are_not_told_in_words_either() -> None:
    rows = [request(NOON, who, client=client) for client, count in (("pip", 7), ("uv", 4), ("poetry", 3)) for who in range(0, 10 * count, 10)]
    report = uniques(rows, ("origin",), dimensions=("client",), min_origins=5)
    assert "uv" not in report.frame["client"].to_list()
    small = uniques([row for row in rows if row["client"] == "uv"], min_origins=5)
    assert small.frame.height == 0
    assert small.headline == "no total is told: fewer than 5 endpoints are behind it (--min-origins)"


def test_levels_are_named_as_people_say_them_and_once() -> None:
    rows = [request(NOON, 1)]
    levels = ("organisation", "org", "origins")
    assert uniques(rows, levels).headline == "1 organisation, 1 origin (usually more than people)"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"levels": ("netwrok",)}, "no unique level 'netwrok'; did you mean 'network'?"),
        ({"levels": ()}, "--level names none"),
        ({"is_sketched": True, "every": "d"}, "neither --by nor --sketch"),
        ({"is_sketched": True, "dimensions": ("client",)}, "takes no --by"),
        ({"is_sketched": True, "min_origins": 5}, "takes no --min-origins"),
        ({"every": "d", "dimensions": ("client",)}, "neither --by nor --sketch"),
        ({"every": "d", "min_origins": 5}, "takes no --min-origins"),
        ({"levels": ("org", "user"), "every": "d"}, "follows one level, not 2"),
        ({"every": "fortnight"}, "is no size"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match="^[^\n]*$") as caught:
        uniques([request(NOON)], **options)
    assert says in str(caught.value)


# --- keys ---


def test_a_second_key_is_explained_and_not_added_up(take_in: Callable[..., Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The same address under two keys is two hashes; a sum would count it twice."""
    line = '192.0.2.{} - - [{}/Mar/2025:10:00:00 +0000] "GET /simple/f/ HTTP/1.1" 200 1 "-" "pip/24.0"\n'
    for name, days in (("a", (1, 2)), ("b", (3, 4))):
        (tmp_path / f"{name}.log").write_text("".join(line.format(host, f"0{day}") for day in days for host in (1, 2, 3)))
        take_in(tmp_path / f"{name}.log", key_file=tmp_path / f"{name}.key", is_new_key_epoch=True)
    where = ["--store", str(tmp_path / "store"), "--format", "json"]
    for command in ("uniques", "uniques --every d", "origins", "concentration"):
        error = pullstats(*command.split(), *where, "--window", "2025-03", code=2).err
        assert "2 different keys (from 2025-03-01 to 2025-03-02; from 2025-03-03 to 2025-03-04)" in error
        assert "cannot be counted over this window" in error
    assert pullstats("uniques", *where, "--window", "2025-03-01..2025-03-02", "--level", "endpoint").rows == [{"endpoints": 3}]
    assert run(["uniques", *where, "--window", "2025-03", "--level", "org"]) == 0
    assert run(["uniques", *where, "--window", "2025-03", "--every", "d", "--unique-by", "org"]) == 0
    capfd.readouterr()
    assert run(["uniques", *where, "--window", "2025-03-03..2025-03-04", "--every", "d"]) == 0
    shown = capfd.readouterr()
    assert [row["new"] for row in json.loads(shown.out)][:2] == [3, 0]
    assert "before 2025-03-03 10:00 UTC the logs were hashed with another key" in shown.err
    assert run(["origins", *where, "--window", "2025-03-03"]) == 0
    shown = capfd.readouterr()
    assert {row["state"] for row in json.loads(shown.out)} == {"new"}
    assert "hashed with another key" in shown.err


def test_a_headline_does_not_add_up_people_of_two_keys(take_in: Callable[..., Any], tmp_path: Path) -> None:
    """Downloads add up over keys, those who made them do not: the sentence says so instead."""
    line = '192.0.2.{} - - [0{}/Mar/2025:10:00:00 +0000] "GET /packages/f-1.0-py3-none-any.whl HTTP/1.1" 200 1 "-" "pip/24.0"\n'
    for day in (1, 3):
        (tmp_path / f"{day}.log").write_text("".join(line.format(host, day) for host in (1, 2, 3)))
        take_in(tmp_path / f"{day}.log", key_file=tmp_path / f"{day}.key", is_new_key_epoch=True)
    asked = ["report", "--metric", "downloads", "--store", str(tmp_path / "store"), "--window"]
    shown = " ".join(pullstats(*asked, "2025-03").out.split())
    assert shown.startswith("6 downloads package")
    assert "origins cannot be counted over this window: its events were hashed with 2 different keys" in shown
    for rest in (["2025-03-03"], ["2025-03-03", "--unique-by", "endpoint"]):
        shown = pullstats(*asked, *rest).out
        assert shown.startswith(f"3 downloads by 3 downloaders; 3 {rest[-1] if len(rest) > 1 else 'origin'}s asked")
        assert "different keys" not in shown


def test_nobody_has_gone_where_no_log_says_so(take_in: Callable[..., Any], tmp_path: Path) -> None:
    """Two logs with months between them: of the days between nothing is known, not even that everybody left."""
    line = '192.0.2.{} - - [{:02}/{}/2025:10:00:00 +0000] "GET /simple/f/ HTTP/1.1" 200 1 "-" "pip/24.0"\n'
    for month, days in (("Mar", (1, 2)), ("Jul", (1,))):
        (tmp_path / f"{month}.log").write_text("".join(line.format(host, day, month) for day in days for host in (1, 2)))
        take_in(tmp_path / f"{month}.log")
    shown = [
        tuple(row.values())
        for row in pullstats("uniques", "--every", "d", "--window", "2025-03-01..2025-03-05", "--store", tmp_path / "store", "--format", "json").rows
    ]
    assert shown[:2] == [("2025-03-01", 2, 2, 0, 0, 0, True, False, False, "begin"), ("2025-03-02", 2, 0, 2, 0, 0, True, False, True, None)]
    assert {row[1:] for row in shown[2:]} == {(None, None, None, None, None, True, True, False, None)}


# --- sketches ---


@pytest.mark.parametrize("memory", [3_000_000_000, 1_000_000])
def test_a_sketch_holds_the_true_number_between_its_bounds(memory: int) -> None:
    rows = [request(NOON + timedelta(seconds=who), who * 10) for who in range(9000)] + [request(NOON, who * 10) for who in range(3000)]
    report = uniques(rows, ("network", "endpoint", "origin", "user"), is_sketched=True, memory=memory)
    true = {"network": 900, "endpoint": 9000, "origin": 9000, "user": 0}
    for level, estimate, low, high in report.frame.rows():
        assert low <= true[level] <= high
        assert low <= estimate <= high
        assert abs(estimate - true[level]) <= 0.02 * true[level]
    assert 0.005 < report.meta["relative_error"] < 0.02
    assert "about ±1.3 %" in report.meta["warnings"][-1]
    assert "about 9" in report.headline


def test_a_sketch_answers_the_same_question_the_same_way() -> None:
    rows = [request(NOON, who) for who in range(4000)]
    shuffled = random.Random(3).sample(rows, len(rows))
    first, second = (uniques(some, is_sketched=True).frame for some in (rows, shuffled))
    assert first.equals(second)


def test_a_sketch_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketches", None)
    with pytest.raises(UsageError, match=r"^--sketch needs the package datasketches; run: pip install 'pullstats\[sketch\]'$"):
        uniques([request(NOON)], is_sketched=True)
    assert uniques([request(NOON)]).frame["origins"].item() == 1


# --- through time ---


def follow_by_hand(rows: list[Row], field: str, order: list[date], bucket_of: Callable[[datetime], date]) -> dict[str, tuple[int, ...]]:
    """Count those present, new, returning, resurrected and churned, bucket by bucket, one person at a time."""
    seen: dict[Any, set[date]] = {}
    for row in rows:
        if row["status"] != 401 and row[field] is not None:
            seen.setdefault(row[field], set()).add(bucket_of(row["time"]))
    found = {}
    for place, bucket in enumerate(order):
        before = order[place - 1] if place else None
        counts = dict.fromkeys(("present", *STATES), 0)
        for buckets in seen.values():
            if bucket in buckets:
                counts["present"] += 1
                counts["new" if min(buckets) == bucket else "returning" if before in buckets else "resurrected"] += 1
            elif before in buckets:
                counts["churned"] += 1
        found[bucket.isoformat()] = tuple(counts.values())
    return found


@pytest.mark.parametrize(("zone", "memory"), [("UTC", 3_000_000_000), ("Asia/Kolkata", 25_000)])
@pytest.mark.parametrize(("level", "field"), [("origin", "who"), ("network", "network"), ("org", "org"), ("user", "user")])
def test_new_returning_resurrected_and_churned_by_hand(zone: str, memory: int, level: str, field: str) -> None:
    rows = make_crowd()

    def day(time: datetime) -> date:
        return time.astimezone(ZoneInfo(zone)).date()

    first, last = day(min(row["time"] for row in rows)), day(max(row["time"] for row in rows))
    order = [first + number * DAY for number in range((last - first).days + 1)]
    report = uniques(rows, every="d", tz=zone, unique_by=level, memory=memory)
    assert {row[0]: row[1:6] for row in report.frame.rows()} == follow_by_hand(rows, field, order, day)
    days_of: dict[Any, set[date]] = {}
    for row in rows:
        if row["status"] != 401 and row["endpoint"] is not None:
            days_of.setdefault(row["endpoint"], set()).add(day(row["time"]))
    assert report.meta["one_day_share"] == pytest.approx(sum(len(days) == 1 for days in days_of.values()) / len(days_of))


def test_a_window_knows_who_came_before_it() -> None:
    """On Thursday one is new, one was there on Wednesday, one on Monday; of Wednesday's two one is gone."""
    rows = [request(NOON, 1), request(NOON + 2 * DAY, 2), request(NOON + 2 * DAY, 3)]
    rows += [request(NOON + 3 * DAY, who) for who in (1, 2, 4)]
    report = uniques(rows, every="d", window="2025-03-06..2025-03-06")
    assert report.frame.row(0)[:6] == ("2025-03-06", 3, 1, 1, 1, 1)
    assert report.headline == "3 origins in the window"
    assert "new means first seen in these logs, which begin on 2025-03-03" in report.meta["warnings"]


def test_where_the_logs_begin_everybody_is_new_and_the_reader_is_told() -> None:
    report = uniques([request(NOON, 1), request(NOON + DAY, 1)], every="d")
    assert [row[1:6] for row in report.frame.rows()] == [(1, 1, 0, 0, 0), (1, 0, 1, 0, 0)]
    assert "in 2025-03-03 everybody is new" in report.meta["warnings"][0]


def test_changing_addresses_are_warned_of() -> None:
    rows = [request(NOON + number * DAY, 10 * number) for number in range(9)] + [request(NOON + number * DAY, 990) for number in range(9)]
    report = uniques(rows, every="d")
    assert report.meta["one_day_share"] == 0.9
    assert any(warning.startswith("90.0 % of the endpoints were seen on one day only") for warning in report.meta["warnings"])


def test_every_tuesday_follows_on_the_tuesday_before() -> None:
    tuesday = NOON + DAY
    rows = [request(NOON, 3), *(request(tuesday + 7 * number * DAY, 1) for number in (0, 1, 3)), request(tuesday + 8 * DAY, 2)]
    rows.append(request(tuesday + 7 * DAY, 3))
    found = {row[0]: row[1:6] for row in uniques(rows, every="d", window="every tuesday").frame.rows()}
    assert found == {
        "2025-03-04": (1, 1, 0, 0, 0),
        "2025-03-11": (2, 1, 1, 0, 0),
        "2025-03-18": (0, 0, 0, 0, 2),
        "2025-03-25": (1, 0, 0, 1, 0),
    }


def test_a_short_window_in_an_old_store_has_its_few_buckets() -> None:
    rows = [request(NOON - 4000 * DAY, 1), request(NOON, 1), request(NOON + timedelta(minutes=10), 2)]
    report = uniques(rows, every="5m", window="2025-03-03")
    present = {row[0][11:16]: row[1:6] for row in report.frame.rows() if row[1] or row[5]}
    assert present == {"12:00": (1, 0, 0, 1, 0), "12:05": (0, 0, 0, 0, 1), "12:10": (1, 1, 0, 0, 0)}


def test_a_window_that_begins_within_a_bucket_counts_from_there() -> None:
    """Twelve hours back is half past eight: who came at eight is not in the window, and returns at nine."""
    rows = [request(NOON - timedelta(hours=4), 1), request(NOON - timedelta(hours=3), 1), request(NOON - timedelta(hours=4), 2), request(NOON, 3)]
    report = uniques(rows, every="d", window="3h", now=NOON + timedelta(minutes=-30))
    assert report.frame.row(0)[:6] == ("2025-03-03", 1, 0, 1, 0, 1)


def test_a_filter_is_told_and_new_means_new_among_what_it_keeps() -> None:
    rows = [request(NOON, 1, client="pip"), request(NOON + DAY, 1, client="uv"), request(NOON + DAY, 2, client="uv")]
    report = uniques(rows, every="d", where="client=uv")
    assert {row[0]: row[1:6] for row in report.frame.rows() if row[1]} == {"2025-03-04": (2, 2, 0, 0, 0)}
    assert report.meta["excluded"]["events"] == 1
    assert "filters left out 33.3 % of requests" in report.footer


@pytest.mark.parametrize("options", ["", "--every d", "--sketch", "--by client"])
def test_an_empty_window_prints_its_header_and_the_stores_range(options: str, take_in: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text('192.0.2.1 - - [01/Mar/2025:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n')
    take_in(tmp_path / "a.log")
    for output in ("json", "csv", "md", "table"):
        shown = pullstats("uniques", *options.split(), "--window", "2001", "--store", tmp_path / "store", "--format", output, code=4).out
        if output == "json":
            assert all(value in {0, None} or isinstance(value, str) for row in json.loads(shown) for value in row.values())
        else:
            assert "level" in shown or "origins" in shown
        if output in {"md", "table"}:
            assert "logs reach from 2025-03-01T10:00 to 2025-03-01T10:00 UTC" in " ".join(shown.replace("\\", "").split())
