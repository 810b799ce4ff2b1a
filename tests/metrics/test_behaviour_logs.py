"""What a log cannot show is not held against anybody: hours in which it was silent, blobs served elsewhere, pings it is full of."""

from __future__ import annotations

import itertools
import random
from datetime import datetime, timedelta

import polars as pl
import pytest

from pullstats.metrics.behaviour.features import describe_visits, mark_silences
from pullstats.metrics.behaviour.visits import SECOND
from support.crowd import Row, manifest, request
from support.effort import SOAK
from support.polls import START, every, judge_all, judge_one, poll

NO_SILENCE: list[tuple[int, int]] = []


def describe(starts: list[int], silences: list[tuple[int, int]]) -> dict[str, float]:
    """Give the period of visits that begin at these seconds, in a log that was silent between those."""
    instants = [start * SECOND for start in starts]
    frame = {"key": [0] * len(starts), "start": instants, "end": instants, "requests": [1] * len(starts)}
    types = {"key": pl.UInt32, "start": pl.Int64, "end": pl.Int64, "requests": pl.UInt32}
    visits = pl.DataFrame(frame, schema=types).with_columns(is_full=pl.lit(value=False), packages=pl.lit(1, pl.UInt32))
    spans = pl.DataFrame([(since * SECOND, until * SECOND) for since, until in silences], schema={"since": pl.Int64, "until": pl.Int64}, orient="row")
    (row,) = describe_visits(mark_silences(visits, spans)).to_dicts()
    return row


def test_a_gap_in_which_the_log_was_silent_is_not_looked_at_for_a_period() -> None:
    """Of five runs of twelve polls the four gaps between are left out, wherever they would lie; nothing else is."""
    runs = [range(begin, begin + 12 * 300, 300) for begin in (10_000, 60_077, 110_311, 170_011, 220_123)]
    starts = [moment for run in runs for moment in run]
    silences = [(before[-1] + 40, after[0] - 40) for before, after in itertools.pairwise(runs)]
    whole, parted = describe(starts, NO_SILENCE), describe(starts, silences)
    assert (whole["gaps"], whole["hits"]) == (59, 55)
    assert (parted["gaps"], parted["hits"], parted["period"]) == (55, 55, 300)
    assert parted["regular"] > whole["regular"]
    some = describe(starts, silences[1:2])
    assert (some["gaps"], some["hits"]) == (58, 55)


def test_no_difference_over_a_silence_makes_a_period_of_several_machines() -> None:
    """Of two machines the visit after the next is looked at, too, which may lie beyond the silence."""
    first, second = range(0, 20 * 600, 600), range(60_000, 60_000 + 20 * 600, 600)
    starts = sorted(moment + phase for run in (first, second) for moment in run for phase in (0, 170))
    told = describe(starts, [(first[-1] + 200, second[0] - 30)])
    assert (told["machines"], told["period"], told["gaps"], told["hits"]) == (2, 600, 2 * 38, 2 * 38)


def test_a_silence_before_the_first_visit_or_after_the_last_hides_no_gap() -> None:
    starts = list(range(30_000, 30_000 + 40 * 300, 300))
    told = describe(starts, [(10_000, 20_000), (50_000, 60_000)])
    assert (told["gaps"], told["hits"]) == (39, 39)


def test_pings_and_tokens_are_neither_get_nor_head() -> None:
    moments = every(300, 54)
    rows = poll(1, moments)
    lower = {"ecosystem": None, "package": None, "reference": None, "kind": None, "client": "docker"}
    for moment in moments:
        rows += [request(moment - timedelta(seconds=2), 1, **lower, action="ping", path="/v2/", status=401)]
        rows += [request(moment - timedelta(seconds=1), 1, **lower, action="auth", path="/token")]
    told = judge_one(rows)
    assert told["class"] == "production"
    assert "2 GET, 54 HEAD" in told["evidence"]


def build(moment: datetime, who: int) -> list[Row]:
    """Take three images as one job does: of each the digest is asked for, and the manifest taken."""
    rows = []
    for image in range(3):
        at, name = moment + timedelta(seconds=2 * image), f"acme/base{image}"
        rows += [
            manifest(at, who, "HEAD", "1.4", package=name),
            manifest(at + timedelta(milliseconds=300), who, "GET", f"sha256:{image}", package=name),
        ]
    return rows


def run_jobs(who: int) -> list[Row]:
    """Build six times each working day."""
    chance = random.Random(3)
    moments = [START + timedelta(days=day, hours=chance.uniform(-4, 6)) for day in range(12) if day % 7 < 5 for _ in range(6)]
    return [row for moment in moments for row in build(moment, who)]


def look_around(who: int) -> list[Row]:
    """Ask for versions as they come, and take each that is new."""
    chance = random.Random(4)
    rows: list[Row] = []
    for day in (day for day in range(12) if day % 7 < 5):
        for number in range(chance.randint(1, 3)):
            moment, tag = START + timedelta(days=day, hours=chance.uniform(-3, 5)), f"1.{day // 2}"
            rows += [manifest(moment, who, "HEAD", tag)]
            rows += [manifest(moment + timedelta(milliseconds=300), who, "GET", f"sha256:{tag}")] if number == 0 and day % 2 == 0 else []
    return rows


def test_where_nobodys_blobs_are_in_the_log_a_manifest_is_what_is_taken() -> None:
    rows = run_jobs(1) + look_around(11) + poll(21, every(300, 100))
    assert sorted(row["class"] for row in judge_all(rows)) == ["ci", "development", "production"]
    alone = judge_one(run_jobs(1))
    assert alone["class"] == "ci"
    assert "takes everything again" in alone["evidence"]
    assert judge_one(look_around(11))["class"] == "development"
    polls = judge_one(poll(21, every(300, 100)))
    assert polls["class"] == "production"
    assert "1 of 100 visits took something: 2 GET, 100 HEAD" in polls["evidence"]


def test_where_somebodys_blobs_are_in_the_log_a_manifest_alone_takes_nothing() -> None:
    blob = request(START, 77, ecosystem="oci", package="acme/app", reference=None, kind=None, action="blob", path="/v2/acme/app/blobs/sha256:b")
    told = [row for row in judge_all([*run_jobs(1), blob]) if row["requests"] > 1]
    assert [row["class"] for row in told] != ["ci"]
    elsewhere = [row for row in judge_all([*run_jobs(1), blob | {"source": "another log"}]) if row["requests"] > 1]
    assert [row["class"] for row in elsewhere] == ["ci"]


@pytest.mark.parametrize("seed", range(3 if SOAK else 1))
def test_a_clock_that_rings_on_working_days_is_a_machine_and_a_person_at_nine_is_none(seed: int) -> None:
    chance = random.Random(seed)
    days = [START.replace(hour=9) + timedelta(days=day) for day in range(42) if day % 7 < 5]
    clock = [day + timedelta(seconds=chance.lognormvariate(1.1, 0.5)) for day in days]
    assert judge_one(poll(1, clock))["class"] == "production"
    person = [day + timedelta(minutes=chance.gauss(0, 4)) for day in days]
    assert judge_one(poll(1, person))["class"] != "production"


def test_logs_may_reach_over_decades() -> None:
    """Several origins, each with several packages, from long ago to now: none's visits reach into another's."""
    rows = [
        manifest(START - timedelta(days=365 * years), who, "GET", "1.0", package=f"acme/app{package}", client=f"client {who}")
        for years in range(0, 40, 3)
        for who in range(6)
        for package in range(3)
    ]
    assert [row["visits"] for row in judge_all(rows)] == [14] * 6
