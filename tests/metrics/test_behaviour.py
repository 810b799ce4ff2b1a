"""Why origins come: patterns that tell it, patterns that do not, and what is said of either."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pullstats.cli import run
from pullstats.errors import InputError, UsageError
from pullstats.metrics import Breakdown
from pullstats.metrics.behaviour.rules import load_rules
from pullstats.metrics.questions.behaviour import Behaviour
from pullstats.metrics.questions.orgs import Organisations
from pullstats.metrics.questions.origins import Origins
from pullstats.metrics.vocabulary import CLASSES
from pullstats.render import RenderOptions, render
from support.crowd import Row, ask, manifest, request
from support.effort import some
from support.polls import METRICS, START, every, judge, judge_all, judge_one, poll, pull


def test_the_two_patterns_of_the_definitions() -> None:
    # 12:00 HEAD latest · 12:00 GET latest · 12:05 HEAD · 12:10 HEAD …
    production = judge_one(poll(1, every(300, 55)), window="all")
    assert (production["class"], production["period_seconds"]) == ("production", 300.0)
    assert production["score"] > 0.5
    assert "54 of 54 gaps were 300 s ± 0 s" in production["evidence"]
    assert "2 GET, 55 HEAD" in production["evidence"]
    # 13:10 v1.1.0 · 15:42 v1.2.0 · next day 09:01 latest …
    days = [(0, 1, 10, "v1.1.0"), (0, 3, 42, "v1.2.0"), (0, 21, 1, "latest"), (1, 2, 50, "v1.2.1"), (1, 20, 30, "latest"), (3, 1, 5, "v1.3.0")]
    rows = [row for day, hours, minutes, tag in days for row in pull(START + timedelta(days=day, hours=hours, minutes=minutes), 1, tag)]
    development = judge_one(rows)
    assert development["class"] == "development"
    assert "names 5 versions" in development["evidence"] or "5 versions in 6 visits" in development["evidence"]


def test_polling_an_index_is_production_too() -> None:
    seen = {"package": "django", "action": "metadata", "reference": None, "kind": None, "counts": None, "path": "/simple/django/"}
    rows = [request(moment, 1, **seen | {"status": 304}) for moment in every(600, 60)[1:]]
    rows += [request(START, 1, **seen), request(START + timedelta(seconds=1), 1, package="django", reference="5.1")]
    assert judge_one(rows)["class"] == "production"


@pytest.mark.parametrize("seed", some(range(3), 3))
def test_the_gaps_told_are_those_plain_python_counts(seed: int) -> None:
    rng = random.Random(seed)
    period = rng.choice([120, 300, 1800])
    moments = [moment + timedelta(seconds=rng.uniform(-0.03, 0.03) * period) for moment in every(period, 80) if rng.random() > 0.15]
    told = judge_one(poll(1, moments))
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(moments)]
    multiples = [round(gap / told["period_seconds"]) for gap in gaps]
    hits = sum(
        1 <= count <= 12 and abs(gap - count * told["period_seconds"]) <= 0.1 * told["period_seconds"]
        for gap, count in zip(gaps, multiples, strict=True)
    )
    assert abs(told["period_seconds"] - period) < 0.02 * period
    assert told["class"] == "production"
    assert f"{hits} of {len(gaps)} gaps were" in told["evidence"]


def test_what_comes_by_chance_is_never_called_production() -> None:
    rng = random.Random(5)
    crowd: list[Row] = []
    for who in range(100):
        draw: Callable[[], float] = [lambda: rng.expovariate(1 / 900), lambda: rng.uniform(60, 3600), lambda: rng.lognormvariate(6, 1.5)][who % 3]
        moment, moments = START, []
        for _ in range(rng.randint(5, 60)):
            moment += timedelta(seconds=draw())
            moments.append(moment)
        crowd += poll(who, moments, client=f"client {who}")
    said = [row["class"] for row in judge(crowd).values()]
    assert said.count("production") <= len(said) // 50


def test_who_comes_every_morning_is_no_machine() -> None:
    rng = random.Random(2)
    crowd = []
    for who in range(20):
        mornings = [START + timedelta(days=day, minutes=rng.gauss(0, 35)) for day in range(40) if day % 7 < 5]
        crowd += [
            row
            for number, moment in enumerate(mornings)
            for row in pull(moment, who, f"1.{number // 3}", 0 if number % 3 else 3, client=f"client {who}")
        ]
    assert {row["class"] for row in judge(crowd).values()} == {"development"}


def test_a_build_takes_everything_again() -> None:
    rng = random.Random(3)
    moments = [START + timedelta(days=day, hours=rng.uniform(-4, 6)) for day in range(12) if day % 7 < 5 for _ in range(8)]
    told = judge_one([row for moment in moments for row in pull(moment, 1, "1.4")])
    assert told["class"] == "ci"
    assert "takes everything again" in told["evidence"]


def test_a_configuration_alone_is_no_content() -> None:
    # podman asks for the manifests and the configuration again where the layers are there
    rows = [row for moment in every(600, 60) for row in pull(moment, 1, "latest", layers=1)]
    assert judge_one(rows)["class"] == "production"


def test_too_little_is_unknown_or_at_least_no_claim_of_production() -> None:
    few = {"one": [START], "one instant": [START] * 30, "one second": every(0.03, 30), "ten minutes": every(10, 60)}
    told = judge([manifest(moment, who, "HEAD", "latest", client=name) for who, (name, moments) in enumerate(few.items()) for moment in moments])
    assert set(told) == set(few)
    assert "production" not in {row["class"] for row in told.values()}
    assert told["one"]["class"] == "unknown"
    assert "too little to tell: 1 request in 1 visit" in told["one"]["evidence"]


def test_a_silence_of_the_logs_is_none_of_the_origin() -> None:
    before, after = every(300, 40), every(300, 40, START + timedelta(hours=9, seconds=77))
    assert judge_one(poll(1, [*before, *after]))["class"] == "production"


def test_several_machines_behind_one_address_are_told() -> None:
    rows = [row for phase in (0, 70, 190) for row in poll(1, every(300, 120, START + timedelta(seconds=phase)))]
    told = judge_one(rows)
    assert (told["class"], told["machines"]) == ("production", 3)
    assert "3 visits in each period" in told["evidence"]


def crowd_of_all_sorts() -> list[Row]:
    """Make a poller, a developer, a runner and one who tries, of one network owner."""
    rng = random.Random(8)
    rows = poll(1, every(300, 400), client="poller")
    for day in range(10):
        for _ in range(rng.randint(1, 3)):
            moment = START + timedelta(days=day, hours=rng.uniform(-3, 5))
            rows += pull(moment, 2, f"1.{day}", client="developer") if day % 7 < 5 else []
        rows += [row for _ in range(12) for row in pull(START + timedelta(days=day, hours=rng.uniform(-5, 9)), 3, "latest", client="runner")]
    return [*rows, manifest(START, 4, "GET", "latest", client="tryer")]


@cache
def judge_all_sorts() -> dict[str, dict[str, Any]]:
    """Give what is said of these."""
    return judge(crowd_of_all_sorts())


def test_one_network_holds_all_classes() -> None:
    said = {name: row["class"] for name, row in judge_all_sorts().items()}
    assert said == {"poller": "production", "developer": "development", "runner": "ci", "tryer": "unknown"}


def test_parts_answer_as_the_whole_does() -> None:
    rows = crowd_of_all_sorts()
    assert judge_all_sorts() == judge(rows, memory=100_000)


def test_classes_break_down_and_filter_as_the_pattern_says() -> None:
    rows = crowd_of_all_sorts()
    report = ask(Breakdown, rows, metrics=("requests", "origins"), dimensions=("class", "client"))
    found = {row["client"]: row["class"] for row in report.frame.to_dicts()}
    assert found == {"poller": "production", "developer": "development", "runner": "ci", "tryer": "unknown"}
    kept = ask(Breakdown, rows, metrics=("requests",), dimensions=("client",), classes=("CI",))
    assert kept.frame["client"].to_list() == ["runner"]
    assert set(judge(rows, exclude_classes=("ci", "Production"))) == {"developer", "tryer"}
    left = ask(Breakdown, rows, metrics=("requests",), dimensions=("client",), exclude_classes=("production", "ci"))
    assert sorted(left.frame["client"]) == ["developer", "tryer"]


def test_one_question_has_one_class_as_of_the_windows_end() -> None:
    # Irregular for two days, then a poller: up to the second day nobody could know.
    rng = random.Random(4)
    early = [START + timedelta(hours=rng.uniform(0, 40)) for _ in range(30)]
    rows = poll(1, [*sorted(early), *every(300, 3000, START + timedelta(days=3))])
    by_day = ask(Breakdown, rows, metrics=("requests",), dimensions=("class",), every="d")
    assert by_day.frame["class"].to_list() == ["production"]
    early_days = ask(Breakdown, rows, metrics=("requests",), dimensions=("class",), window="2026-03-02..2026-03-03")
    assert early_days.frame["class"].to_list() != ["production"]
    assert "as of 2026-03-04 00:00" in early_days.meta["class_by"]
    assert "from events since 2026-03-02" in early_days.meta["class_by"]


def test_an_origin_is_explained_package_by_package() -> None:
    rng = random.Random(6)
    moments = [START + timedelta(days=day, hours=rng.uniform(-3, 5)) for day in range(8)]
    rows = poll(1, every(300, 100)) + [row for day, moment in enumerate(moments) for row in pull(moment, 1, f"2.{day}", package="acme/tool")]
    (origin,) = judge(rows).values()
    report = ask(Behaviour, rows, origin["origin"][:10], metrics=METRICS)
    assert report.flat is not None
    assert {row["package"]: row["class"] for row in report.flat[0].to_dicts()} == {"acme/app": "production", "acme/tool": "development"}
    assert report.headline.startswith(f"origin {origin['origin']} (docker, ")
    assert report.meta["class_by"].startswith("classes@1, as of 2026-03-")
    assert f" · class by {report.meta['class_by']} · " in report.footer
    with pytest.raises(UsageError, match="tells of one origin, so it takes no --min-origins"):
        ask(Behaviour, rows, origin["origin"][:10], metrics=METRICS, min_origins=3)


def test_whoever_asks_for_running_instances_is_told_what_classes_are_by() -> None:
    rows = poll(1, every(300, 60))
    assert ask(Breakdown, rows, metrics=("instances",)).meta["class_by"].startswith("classes@1, as of ")
    assert "class_by" not in ask(Breakdown, rows, metrics=("requests",)).meta
    assert "class by classes@1, as of " in ask(Origins, rows, judge_one(rows)["origin"], metrics=("requests",)).footer


def test_a_table_of_ones_own_goes_over_the_bundled_one(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('version = "ours@3"\n[[sign]]\nname = "docker is a mirror"\nwhen = { requests = [0, 1] }\nweights = { mirror = 50 }\n')
    report = ask(Behaviour, poll(1, every(300, 60)), metrics=METRICS, class_rules=load_rules(own))
    assert report.frame["class"].to_list() == ["mirror"]
    assert report.meta["class_by"].startswith("own classes ours@3 over classes@1, as of")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scal = 1", "has no key 'scal'; did you mean 'scale'?"),
        ("[prior]\nprodution = 1", "has no class 'prodution'; did you mean 'production'?"),
        ('[[sign]]\nname = "x"\nwhen = { regulr = [0, 1] }', "has no feature 'regulr'; did you mean 'regular'?"),
        ('[[sign]]\nname = "x"\nwhen = { regular = [1] }', "needs two different numbers"),
        ('[[sign]]\nname = "x"\nwhen = { regular = [1, 1] }', "needs two different numbers"),
        ('[[sign]]\nname = "x"\nwhen = { regular = [0, 1] }\nwords = "{gapps}"', "did you mean 'gaps'?"),
        ('[[sign]]\nname = "x"\nwhen = { regular = [0, 1] }\nweights = { ci = "much" }', "needs a number"),
        ("[[sign]]\nwhen = { regular = [0, 1] }", "needs a text as name"),
        ("scale = -1", "needs a number from 0 to"),
        ("scale = nan", "needs a number from 0 to"),
        ("sign = 3", "needs tables [[sign]]"),
        ("scale = 1", "needs a name and a number, as in version = "),
        ("version = 5", "needs a name and a number, as in version = "),
        ('version = "ours"', "needs a name and a number, as in version = "),
        ('version = "our own @ 1"', "needs a name and a number, as in version = "),
        ('version = "ours@1"\n' + 2 * '[[sign]]\nname = "x"\nwhen = { regular = [0, 1] }\n', "have two [[sign]] called 'x'"),
        ("x = [", "cannot read the classes"),
    ],
)
def test_a_table_with_a_mistake_is_refused_in_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(InputError) as caught:
        load_rules(own)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("window", ["all", "2d"])
def test_who_is_listed_asked_in_the_window_and_was_let_in(window: str) -> None:
    late = START + timedelta(days=4)
    refused, early = poll(2, [late], status=401), poll(3, [START], status=200)
    back = [*poll(4, [START + timedelta(hours=1)]), *poll(4, [late + timedelta(hours=1)], status=401)]
    rows = [*poll(1, [START, late]), *refused, *early, *back]
    listed = [judge_all(rows, window=window, as_of="newest", **more) for more in ({}, {"where": "method!=PURGE"})]
    assert listed[0] == listed[1]
    assert len(listed[0]) == {"all": 3, "2d": 1}[window]


def test_the_command_lists_origins_for_programs_and_the_mix_for_people(few_store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["behaviour", "--store", str(few_store), "--window", "all", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"origin", "class", "score", "evidence"} <= set(rows[0])
    assert all(row["class"] in CLASSES and 0 <= row["score"] <= 1 and row["evidence"] for row in rows)
    assert len({row["origin"] for row in rows}) == len(rows)
    assert run(["behaviour", "--store", str(few_store), "--window", "all"]) == 0
    shown = capsys.readouterr().out
    assert re.match("of [0-9]+ downloads: ", shown)
    assert "for example" in shown
    assert run(["behaviour", "--store", str(few_store), "--window", "all", "--by", "ecosystem", "--format", "json"]) == 0
    assert {"ecosystem", "class", "origins"} <= set(json.loads(capsys.readouterr().out)[0])
    assert run(["behaviour", "--store", str(few_store), "--explain", "zz"]) == 2
    assert "'zz' is no id" in capsys.readouterr().err


def test_instances_follow_a_machine_from_address_to_address_and_count_those_behind_one() -> None:
    rows: list[Row] = []
    for place in range(3):  # one machine that moves twice
        rows += poll(100 + place * 10, every(600, 40, START + timedelta(seconds=24_000 * place)), tag="1.4")
    for phase in (0, 130, 250):  # three behind one address
        rows += poll(400, every(400, 180, START + timedelta(seconds=phase)), tag="1.4")
    rows += poll(500, every(900, 80), tag="1.5")
    rows += [
        row for day in range(5) for row in pull(START + timedelta(hours=(5, 8, 27, 31, 50)[day]), 600, f"2.{day}")
    ]  # who tries versions runs none
    report = ask(Breakdown, rows, metrics=("instances",), dimensions=("version",))
    found = {row["version"]: (row["instances"], row["instances_low"], row["instances_high"]) for row in report.frame.to_dicts()}
    assert found == {"1.4": (4, 4, 4), "1.5": (1, 1, 1)}
    (total,) = ask(Breakdown, rows, metrics=("instances",)).frame["instances"]
    assert total == 5
    early = ask(Breakdown, rows, metrics=("instances",), dimensions=("version",), window="2026-03-02")
    assert {row["version"]: row["instances"] for row in early.frame.to_dicts()} == {"1.4": 4, "1.5": 1}


def test_machines_that_cannot_be_told_apart_widen_the_range() -> None:
    rows = [row for _ in range(3) for row in poll(1, every(600, 100))]  # three at the same instants
    (row,) = ask(Breakdown, rows, metrics=("instances",)).frame.to_dicts()
    assert row == {"instances": 1, "instances_low": 1, "instances_high": 3}


def test_two_that_poll_at_once_are_two_even_of_one_owner() -> None:
    rows = poll(100, every(600, 100)) + poll(110, every(600, 100, START + timedelta(seconds=200)))
    (row,) = ask(Breakdown, rows, metrics=("instances",)).frame.to_dicts()
    assert row == {"instances": 2, "instances_low": 2, "instances_high": 2}


def test_a_moved_machine_is_explained_as_one_stream() -> None:
    rows = [row for place in range(3) for row in poll(100 + place * 10, every(600, 12, START + timedelta(seconds=7200 * place)))]
    report = ask(Behaviour, rows, metrics=METRICS)
    assert report.flat is not None
    assert report.flat[0]["class"].to_list() == ["production"] * 3
    assert all("one stream over 3 addresses" in text for text in report.flat[0]["evidence"])


def test_a_timeline_marks_the_period_and_what_was_missed() -> None:
    moments = every(300, 60)
    rows = poll(1, [moment for number, moment in enumerate(moments) if number not in {20, 41, 42}])
    report = ask(Origins, rows, judge_one(rows)["origin"], metrics=("requests",))
    assert report.flat is not None
    told = [(row["method"], row["gap_seconds"], row["periods"], row["pace"]) for row in report.flat[0].to_dicts()]
    assert told[0] == ("HEAD", None, None, None)
    assert told[1] == ("GET", None, None, None)  # the same visit
    assert [periods for _, _, periods, _ in told[3:]].count(1) == 54
    assert (("HEAD", 600.0, 2, "○ 2 × 300 s") in told, ("HEAD", 900.0, 3, "○ 3 × 300 s") in told) == (True, True)
    assert told[3][3] == "● 300 s"
    assert "; production, score " in report.headline


def test_a_timeline_without_a_pace_tells_the_distances() -> None:
    days = (0, 2.5, 21, 26, 45)
    rows = [row for hours in days for row in pull(START + timedelta(hours=hours), 1, f"1.{hours}")]
    report = ask(Origins, rows, judge_one(rows)["origin"], metrics=("requests",))
    assert [text for text in report.frame["pace"].to_list() if text] == ["· 150 min", "· 18.5 h", "· 5 h", "· 19 h"]


def test_a_timeline_is_whole_on_every_screen_and_in_the_zone_that_is_asked_for() -> None:
    rows = poll(1, every(120, 40))
    report = ask(Origins, rows, judge_one(rows)["origin"], metrics=("requests",), tz="Asia/Kolkata", limit=6)
    for width in (60, 80, 120):
        shown = str(render(report, "table", RenderOptions(width=width)))
        assert max(map(len, shown.splitlines())) <= width
        assert [text for text in ("2026-03-02 17:30:00", "2026-03-02 17:32:00", "HEAD", "● 120 s", "200", "status") if text not in shown] == []


def test_an_answer_says_what_its_classes_are_by_wherever_they_are_in_it() -> None:
    rows = poll(1, every(300, 60))
    who = judge_one(rows)["origin"]
    told = "class by classes@1, as of 2026-03-02 16:55 UTC, from events since 2026-03-02 12:00"
    answers = [
        ask(Behaviour, rows, who[:10], metrics=METRICS),
        ask(Origins, rows, who, metrics=("requests",)),
        ask(Organisations, rows, metrics=METRICS, window="all"),
        ask(Breakdown, rows, metrics=("instances",)),
    ]
    assert [report.footer for report in answers if told not in report.footer] == []
    assert "class by" not in ask(Breakdown, rows, metrics=("requests",)).footer


def test_an_estimate_is_told_with_its_range_and_one_request_is_one() -> None:
    rows = poll(1, every(300, 60))
    assert ask(Breakdown, rows, metrics=("instances", "requests")).headline == "1 instance (1 to 1), 62 requests"
    assert ask(Breakdown, rows, metrics=("instances-low",)).headline == "1 instance low"
    assert ask(Behaviour, [manifest(START, 1, "HEAD", "latest")], metrics=("origins", "requests")).headline == "of 1 request: 100.0 % unknown"


def test_scores_of_packages_have_two_decimals_each() -> None:
    rows = [*poll(1, every(300, 60)), manifest(START, 1, "HEAD", "latest", package="acme/other")]
    report = ask(Behaviour, rows, judge_one(rows)["origin"], metrics=METRICS)
    assert report.flat is not None
    assert report.frame["score"].to_list() == [f"{score:.2f}" for score in report.flat[0]["score"]]
