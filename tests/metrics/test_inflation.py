"""How much of the downloads repeats what their origin had: as a second opinion finds it, and nothing where there is nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pullstats.cli import run
from pullstats.metrics.offences.rules import load_offences
from pullstats.metrics.questions.inflation import Inflation
from pullstats.reports import Report
from support.command import take_into
from support.effort import across, some
from support.waste_oracle import inflation
from support.wasteful import DAY, WASTEFUL, Plot, ask_events, make_traffic, number_requests

NUMBERS = dict(load_offences().kinds["get-for-head"].thresholds)


def ask(rows: list[dict[str, Any]], **options: Any) -> Report:
    return ask_events(Inflation, rows, load_offences(), **options)


@pytest.mark.parametrize(("seed", "memory"), some(across(range(6), [3_000_000_000, 400_000]), 3))
def test_repeats_are_those_of_a_second_opinion(seed: int, memory: int) -> None:
    rows = make_traffic(seed, *WASTEFUL)
    found = {
        (row["client"], row["client_version"]): [row[name] for name in ("downloads", "had", "again", "origins")]
        for row in ask(rows, memory=memory).frame.to_dicts()
    }
    wanted = inflation(rows, NUMBERS)
    assert found == wanted
    assert all(sum(counts[column] for counts in wanted.values()) > 20 for column in (1, 2))


def test_rows_that_a_limit_cuts_off_are_one_and_columns_add_up() -> None:
    rows = make_traffic(1, *WASTEFUL)
    whole, cut = ask(rows), ask(rows, limit=2)
    assert cut.frame["client"].to_list()[2:] == ["other"]
    for name in ("downloads", "had", "again", "adjusted"):
        assert cut.frame[name].sum() == whole.frame[name].sum() == whole.meta["totals"][name]


def careful_world(seed: int) -> list[dict[str, Any]]:
    """Nobody takes anything twice on a day, nor fetches a manifest without need; some take it again another day, and poll by HEAD."""
    plot = Plot(seed)
    for _ in range(60):
        who, at = plot.somebody(), plot.chance.uniform(0, DAY / 2)
        for day in range(plot.chance.randrange(1, 4)):
            plot.manifest(at + day * DAY, who, "HEAD", "acme/app", "latest")
            plot.manifest(at + day * DAY + 1, who, "GET", "acme/app", f"sha256:{day}")
            plot.blob(at + day * DAY + 2, who, "acme/app", f"layer{day}")
            plot.file(at + day * DAY + 9, who, f"wheel{plot.chance.randrange(5)}", client="pip")
        for check in range(20):
            plot.manifest(at + 3 * DAY + 300 * check, who, "HEAD", "acme/app", "latest")
    return number_requests(plot.rows)


@pytest.mark.parametrize("seed", some(range(5), 2))
def test_where_nobody_repeats_anything_it_says_so(seed: int) -> None:
    report = ask(careful_world(seed))
    count = report.meta["totals"]["downloads"]
    assert count > 100
    assert report.headline == f"none of {count:,} downloads repeats what its origin had: no inflation found"
    assert set(report.frame["manifests"].drop_nulls()) == {"HEAD and GET"}
    assert report.meta["totals"] == {"downloads": count, "had": 0, "again": 0, "adjusted": count} | {
        name: report.meta["totals"][name] for name in ("heads", "gets")
    }


def test_the_first_line_has_the_adjusted_count_beside_the_published_one() -> None:
    plot = Plot(1)
    plot.blob(1, 100, "acme/app", "layer")
    for number in range(10):
        plot.manifest(number * 300, 100, "GET", "acme/app", "latest", release="4.3")
    for number in range(4):
        plot.file(number * 3600, 200, "wheel", client="pip", release="20.0")
    plot.file(1, 300, "wheel", client="pip", release="24.0")
    assert ask(number_requests(plot.rows)).headline == (
        "15 downloads, 3 adjusted: 12 (80.0 %) repeat what their origin had, 9 pulls found everything there and 3 took the same again on one day; "
        "10 are of clients that ask for manifests by GET only; most repeats: podman 4.3 (9 of 10), pip 20.0 (3 of 4)"
    )


def test_a_day_is_one_of_the_zone_asked_for() -> None:
    plot = Plot(1)
    plot.file(DAY - 3600, 100, "wheel")
    plot.file(DAY + 3600, 100, "wheel")
    rows = number_requests(plot.rows)
    assert [ask(rows, tz=tz).meta["totals"]["again"] for tz in ("UTC", "Europe/Berlin")] == [0, 1]


def test_without_downloads_it_says_so() -> None:
    assert (ask([]).headline, ask([]).is_empty) == ("no downloads", True)
    assert ask([row for row in careful_world(1) if row["method"] == "HEAD"]).headline == "no downloads"


# At the command line


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store of a podman that pulls every five minutes, of an agent of ill will."""
    folder, digest = tmp_path_factory.mktemp("inflation"), "sha256:" + "a" * 64
    agent = r"containers/5.23.1 (github.com/containers/image) =cmd() \x1b[31m"
    lines = [("00:00:01", f"GET /v2/acme/app/blobs/{digest}", 10**8)]
    lines += [(f"0{minute // 60}:{minute % 60:02}:00", "GET /v2/acme/app/manifests/latest", 1234) for minute in range(0, 100, 5)]
    text = "".join(f'81.2.69.142 - - [03/Mar/2025:{clock} +0000] "{request} HTTP/1.1" 200 {size} "-" "{agent}"\n' for clock, request, size in lines)
    (folder / "access.log").write_text(text, encoding="utf-8")
    take_into(folder / "store", folder / "access.log")
    return folder / "store"


def test_people_and_programs_get_the_same_numbers(store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    asked = ["doctor", "inflation", "--window", "all", "--store", str(store)]
    assert run(asked) == 0
    shown = capsys.readouterr().out
    assert " ".join(shown.split()).startswith("20 downloads, 1 adjusted: 19 (95.0 %) repeat what their origin had, 19 pulls found everything there")
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
    for form in ("json", "ndjson"):
        assert run([*asked, "--format", form]) == 0
        printed = json.loads(capsys.readouterr().out)
        (row,) = printed if form == "json" else [printed]
        assert (row["downloads"], row["had"], row["adjusted"], row["manifests"]) == (20, 19, 1, "GET only")
    for form in ("csv", "md"):
        assert run([*asked, "--format", form]) == 0
        assert "19" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["inflatoin"], "no part of 'doctor' 'inflatoin'; did you mean 'inflation'?"),
        (["--limit", "3", "inflation"], "options of doctor inflation stand behind its name"),
        (["inflation", "--min-origins", "2"], "takes no --min-origins"),
        (["inflation", "--count-as", "scarf,raw"], "--count-as takes one counting rule"),
        (["inflation", "--offences", "/nowhere"], "cannot read --offences '/nowhere'"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(store: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert run(["doctor", *arguments, *([] if "3" in arguments else ["--store", str(store)])]) == 2
    told = capsys.readouterr()
    assert (told.out, said in told.err, told.err.count("\n")) == ("", True, 1)


def test_numbers_that_leave_out_what_it_needs_are_refused(store: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("[get-for-head]\nenabled = false\n", encoding="utf-8")
    assert run(["doctor", "inflation", "--store", str(store), "--offences", str(tmp_path / "own.toml")]) == 2
    assert "needs the numbers of [get-for-head]" in capsys.readouterr().err


def test_the_time_of_a_repeat_does_not_reach_over_a_window() -> None:
    plot = Plot(1)
    for number in range(3):
        plot.file(number * DAY / 2, 100, "wheel")
    rows = number_requests(plot.rows)
    assert ask(rows).meta["totals"]["again"] == 1
    assert ask(rows, window=f"{rows[1]['time'].date() + timedelta(days=1)}").meta["totals"]["again"] == 0
