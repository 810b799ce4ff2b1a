"""Requests that need not be made: each kind as a second opinion finds it, nothing where there is nothing, notes, and what users do wrong."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pullstats.cli import run
from pullstats.errors import InputError, UsageError
from pullstats.ids import write_id
from pullstats.metrics.offences.detectors import DETECTORS
from pullstats.metrics.offences.rules import OffenceRules, load_offences
from pullstats.metrics.questions.offenders import Offenders, _find_whose
from pullstats.reports import Report
from support.command import pullstats, take_into
from support.crowd import Row, make_id
from support.effort import across, some
from support.waste_oracle import find_all, polling, tell
from support.wasteful import BEGIN, DAY, WASTEFUL, Plot, ask_events, is_redirected, make_traffic, mark_builds, number_requests

RULES = load_offences()
NUMBERS = {name: dict(kind.thresholds) for name, kind in RULES.kinds.items()}
BY = {name: kind.by for name, kind in RULES.kinds.items()}


def ask(rows: list[Row], level: str | None = None, note_to: str | None = None, rules: OffenceRules = RULES, **options: Any) -> Report:
    """Ask for the offenders among made-up requests."""
    return ask_events(Offenders, rows, rules, named={"level": level, "note_to": note_to}, **options)


def rows_of(report: Report) -> list[dict[str, Any]]:
    assert report.flat is not None
    return report.flat[0].to_dicts()


def test_every_kind_has_its_numbers_and_what_finds_it() -> None:
    assert [*RULES.kinds] == [*DETECTORS]


@pytest.mark.parametrize(("seed", "memory"), some(across(range(6), [3_000_000_000, 400_000]), 3))
def test_all_waste_is_what_a_second_opinion_finds(seed: int, memory: int) -> None:
    rows = make_traffic(seed, *WASTEFUL)
    told, total = tell(mark_builds(rows), NUMBERS, BY)
    report = ask(rows, memory=memory)
    found = {(row["level"], row["who"], row["kind"]): [row[name] for name in ("requests", "bytes", "downloads")] for row in rows_of(report)}
    wanted = {
        (row["level"], write_id(make_id({"who": row["number"], row["level"]: row["number"]}, row["level"]) or 0), row["kind"]): [
            row[name] for name in ("requests", "bytes", "downloads")
        ]
        for row in told
    }
    assert found == wanted
    assert {name: report.meta["totals"][name] for name in total} == total


def test_every_kind_is_planted_above_and_below_its_thresholds() -> None:
    found = {kind for seed in range(6) for kind, wasted in find_all(make_traffic(seed, *WASTEFUL), NUMBERS).items() if wasted}
    assert found == {*DETECTORS}


@pytest.mark.parametrize("seed", some(range(6), 2))
def test_of_careful_clients_nothing_is_said(seed: int) -> None:
    report = ask(make_traffic(seed))
    assert rows_of(report) == []
    assert report.headline.startswith("no waste found in ")


def test_rows_of_another_level_are_those_of_its_origins_together() -> None:
    rows = make_traffic(3, *WASTEFUL)
    marked = mark_builds(rows)
    for level in ("network", "org"):
        told, total = tell(marked, NUMBERS, dict.fromkeys(BY, level))
        report = ask(rows, level)
        found = sorted((row["kind"], row["requests"], row["bytes"], row["downloads"]) for row in rows_of(report))
        assert found == sorted((row["kind"], row["requests"], row["bytes"], row["downloads"]) for row in told)
        assert {row["level"] for row in rows_of(report)} == {level}
        assert report.meta["totals"]["requests"] == total["requests"]
    assert {row["who"] for row in rows_of(ask(rows, "org"))} <= {row["org"] for row in rows}


def test_a_request_of_two_kinds_is_counted_once_in_all() -> None:
    plot = Plot(1)
    for number in range(120):  # fetched every four seconds: within one pull again, and more than once a minute
        plot.manifest(number * 10, 100, "GET", "acme/app", "1.0")
        plot.manifest(number * 10 + 1, 100, "GET", "acme/app", "1.0")
    rows = [row | {"offset": number, "log": 0, "origin": 100} for number, row in enumerate(plot.rows)]
    report = ask(rows, rules=_with_numbers(polling={"spread": 2}))
    counts = {row["kind"]: row["requests"] for row in rows_of(report)}
    assert counts == {"manifest-twice": 120, "polling": 240 - 20}
    assert report.meta["totals"]["requests"] == 240 - 20  # the first of each minute is a first within its pull, too


def test_builds_are_known_by_what_they_say_or_by_how_they_ask() -> None:
    """Eight builds a day: on a runner of one's own that says nothing, in CI that says so, and half by half; people who take as often are no builds."""
    plot = Plot(1)
    for day in range(4):
        for number in range(8):
            at = day * DAY + 8 * 3600 + number * 3000 + plot.chance.uniform(0, 1500)
            for step in range(9):
                plot.file(at + step, 100, f"p{step}")
                plot.file(at + step + 20, 20_000, f"p{step}", ci=True)
                plot.file(at + step + 40, 30_000, f"p{step}", ci=bool(number % 2))
            plot.file(at + 60, 40_000 + number, "p1", network=400)
    rows = number_requests(plot.rows)
    found = {row["who"]: row for row in rows_of(ask(rows))}
    runner, told, both = (found.pop(write_id(make_id({"network": number}, "network") or 0)) for number in (1, 200, 300))
    assert not found
    assert {row["requests"] for row in (runner, told, both)} == {4 * 9 * 7}
    assert "; CI by how they ask (class ci); " in runner["evidence"]
    assert "; CI as the clients say; " in told["evidence"]
    assert re.search(r"; CI as the clients say, but for \d+ by how they ask \(class ci\); ", both["evidence"])


def test_waste_of_which_no_download_comes_is_said_to_be_such() -> None:
    plot = Plot(1)
    for number in range(90):
        plot.manifest(20 * number, 100, "HEAD", "acme/app", "1.4")
    plot.file(1, 200, "wheel")
    assert ask(number_requests(plot.rows)).headline.endswith("; none of 1 download comes of them")


def _with_numbers(**numbers: dict[str, float]) -> OffenceRules:
    kinds = {
        name: type(kind)(kind.name, kind.title, kind.what, kind.evidence, kind.advice, {**kind.thresholds, **numbers.get(name, {})}, kind.by)
        for name, kind in RULES.kinds.items()
    }
    return OffenceRules("own", kinds)


def test_filters_choose_among_what_is_found_and_change_no_finding() -> None:
    rows = make_traffic(2, *WASTEFUL)
    wasted = find_all(mark_builds(rows), NUMBERS)
    for where, is_kept in {
        "package=acme/poll": lambda row: row["package"] == "acme/poll",
        "method=HEAD": lambda row: row["method"] == "HEAD",
    }.items():
        report = ask(rows, where=where)
        counts = {kind: sum(map(is_kept, found)) for kind, found in wasted.items()}
        assert sum(counts.values()) > 0
        told = {kind: sum(row["requests"] for row in rows_of(report) if row["kind"] == kind) for kind in counts}
        assert told == counts
        assert report.meta["totals"]["all_requests"] == sum(map(is_kept, rows))


def test_numbers_of_ones_own_go_over_the_bundled_ones(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[polling]\nleast = 3\nlasts_seconds = 5.5\n[no-cache]\nenabled = false\n", encoding="utf-8")
    rules = load_offences(own)
    assert (rules.kinds["polling"]["least"], rules.kinds["polling"]["lasts_seconds"], rules.kinds["polling"]["spread"]) == (3, 5.5, 0.5)
    assert "no-cache" not in rules.kinds
    assert rules.label.startswith(f"{RULES.label} with own.toml ")
    numbers = {name: dict(kind.thresholds) for name, kind in rules.kinds.items()}
    rows = make_traffic(5, *WASTEFUL)
    report = ask(rows, rules=rules)
    assert sum(row["requests"] for row in rows_of(report) if row["kind"] == "polling") == len(polling(rows, numbers["polling"]))


@pytest.mark.parametrize("number", [0, 1e9])
def test_any_numbers_give_an_answer(number: float) -> None:
    rules = _with_numbers(**{name: dict.fromkeys(kind.thresholds, number) for name, kind in RULES.kinds.items()})
    rows = make_traffic(1, *WASTEFUL)
    assert ask(rows, rules=rules).meta["totals"]["requests"] <= len(rows)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[poling]\nleast = 3", "no kind of waste in --offences 'FILE' 'poling'; did you mean 'polling'?"),
        ("[polling]\nleats = 3", "no number of [polling] in --offences 'FILE' 'leats'; did you mean 'least'?"),
        ("[polling]\nleast = 'x'", "least of [polling] in --offences 'FILE' is no number from 0 to 1,000,000,000: 'x'"),
        ("[polling]\nleast = -1", "is no number from 0"),
        ("[polling]\nleast = nan", "is no number from 0"),
        ("[polling]\nleast = true", "is no number from 0"),
        ("[polling]\ntitle = 'mine'", "no number of [polling]"),
        ("polling = 3", "'polling' in --offences 'FILE' is no table"),
        ("[polling]\nenabled = 1", "enabled of [polling] in --offences 'FILE' is neither true nor false: 1"),
        ("[polling", "cannot read --offences 'FILE'"),
        ("\xff", "cannot read --offences 'FILE'"),
    ],
)
def test_a_mistake_in_the_numbers_is_told_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "own.toml"
    own.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        load_offences(own)
    assert said.replace("FILE", str(own)) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_events_or_with_one_nothing_is_said() -> None:
    assert (ask([]).headline, ask([]).is_empty) == ("no waste found in 0 requests", True)
    one = make_traffic(1)[:1]
    assert (ask(one).headline, rows_of(ask(one))) == ("no waste found in 1 request", [])


# At the command line

HOSTILE = "pip/23.0 {=cmd() | <b> \\x1b[31m}"


def _line(at: float, address: str, request: str, status: int, size: int, agent: str) -> str:
    moment = BEGIN + timedelta(seconds=at)
    return f'{address} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "{request} HTTP/1.1" {status} {size} "-" "{agent}"\n'


@pytest.fixture(scope="module")
def wasted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store of a log with a fast poller, a loop on 404 by an agent of ill will, and builds without a cache."""
    docker = "docker/20.10.24 go/go1.19.8 kernel/6.1 os/linux arch/amd64"
    build = r"pip/23.0 {\x22ci\x22:true,\x22installer\x22:{\x22name\x22:\x22pip\x22,\x22version\x22:\x2223.0\x22}}"
    lines = [_line(20 * number, "81.2.69.142", "HEAD /v2/acme/app/manifests/1.4", 200, 0, docker) for number in range(90)]
    lines += [_line(60 * number, "175.16.199.1", "GET /packages/pearctl-9.9-py3-none-any.whl", 404, 10, HOSTILE) for number in range(30)]
    lines += [_line(900 * number, f"89.160.20.{number}", "GET /packages/numpy-1.26.0-py3-none-any.whl", 200, 10**9, build) for number in range(40)]
    folder = tmp_path_factory.mktemp("wasted")
    (folder / "access.log").write_text("".join(lines), encoding="utf-8")
    take_into(folder / "store", folder / "access.log")
    return folder / "store"


def _list(store: Path, capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    assert run(["offenders", "--window", "all", "--store", str(store), "--format", "json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_log_gives_rows_with_cost_share_and_evidence(wasted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["kind"]: row for row in _list(wasted, capsys, "--price-per-gb", "2")}
    assert {kind: (row["requests"], row["bytes"], row["cost"], row["downloads"]) for kind, row in rows.items()} == {
        "polling": (60, 0, 0, 0),
        "loop-404": (27, 270, 0, 0),
        "no-cache": (39, 39 * 10**9, 78.0, 39),
    }
    assert rows["no-cache"]["downloads_share"] == pytest.approx(39 / 40)
    assert rows["no-cache"]["level"] == "network"
    assert rows["polling"]["evidence"] == "asked every 20 s on average, on 1 day; acme/app, by docker 20.10.24"


def test_columns_of_nothing_but_0_are_for_programs_alone(wasted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    usual = ["offenders", "--window", "all", "--store", wasted]
    assert "sent cost downloads of it of all last seen" in pullstats(*usual).words
    said = pullstats(*usual, "--kind", "polling").words
    assert "who kind requests" in said
    assert "sent last seen" in said
    assert {"cost", "downloads", "downloads_share"} <= pullstats(*usual, "--kind", "polling", "--format", "json").rows[0].keys()


def test_of_no_downloads_no_share_is_told(wasted: Path) -> None:
    said = pullstats("offenders", "--window", "all", "--where", "status=404", "--store", wasted).words
    assert said.startswith("27 of 30 requests (90.0 %) need not have been made, by 1 origin ")
    assert not re.search("[0-9] downloads", said)
    polls = pullstats("offenders", "--window", "all", "--where", "client=docker or status=200", "--store", wasted).words
    assert " of 40 downloads " in polls


def test_people_get_whole_numbers_at_80_columns_and_no_text_of_ill_will(
    wasted: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["offenders", "--window", "all", "--store", str(wasted)]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    said = " ".join(shown.split())
    assert (
        "126 of 160 requests (78.8 %) need not have been made, by 41 origins; what was sent for them costs about 3.51; 39 of 40 downloads (97.5 %) come of them"
        in said
    )
    assert "…" not in shown
    assert "\x1b" not in shown


def test_a_note_tells_facts_and_no_address(wasted: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ids = {row["kind"]: row["who"] for row in _list(wasted, capsys)}
    for kind, facts in {
        "polling": ("60 requests on 1 day from 2025-03-03 00:00 to 2025-03-03 00:29", "HEAD /v2/acme/app/manifests/1.4 → 200", "docker 20.10.24"),
        "loop-404": ("answered 404 30 times in a row", "GET /packages/pearctl-9.9-py3-none-any.whl → 404", "pip/23.0 {=cmd() | <b> "),
        "no-cache": ("clients of one network", "39,000,000,000 bytes sent", "Keep the package manager's cache"),
    }.items():
        assert run(["offenders", "--window", "all", "--store", str(wasted), "--note", ids[kind][:8]]) == 0
        note = " ".join(capsys.readouterr().out.split())
        assert [fact for fact in facts if fact not in note] == []
        assert [address for address in ("81.2.69", "175.16.199", "89.160.20", "\x1b") if address in note] == []
    assert run(["offenders", "--window", "all", "--store", str(wasted), "--note", ids["polling"], "-o", str(tmp_path / "note.txt")]) == 0
    assert (tmp_path / "note.txt").read_text(encoding="utf-8").startswith("Subject: 60 requests to our server that can be spared\n")
    for spelling in (ids["no-cache"][:10].upper(), f"network {ids['no-cache'][:10]}"):  # as the table shows it
        assert _list(wasted, capsys, "--note", spelling)[0]["who"] == ids["no-cache"]
    assert _list(wasted, capsys, "--note", ids["polling"])[0]["note"].startswith("Subject: 60 ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--price-per-gb", "-1"], "not in the range 0<=x<=1000000000"),
        (["--price-per-gb", "nan"], "is no price"),
        (["--price-per-gb", "inf"], "not in the range"),
        (["--price-per-gb", "1e300"], "not in the range"),
        (["--kind", "poling"], "no kind of waste 'poling'; did you mean 'polling'?"),
        (["--level", "netwrok"], "no level 'netwrok'; did you mean 'network'?"),
        (["--sort", "request"], "no column to sort by 'request'; did you mean 'requests'?"),
        (["--note", "nobody"], "--note 'nobody' is nobody whom offenders lists in this window"),
        (["--note", "0123456789abcdef"], "is nobody whom offenders lists"),
        (["--count-as", "pullstats,scarf"], "--count-as takes one counting rule"),
        (["--min-origins", "3"], "takes no --min-origins"),
        (["--offences", "/nowhere/own.toml"], "cannot read --offences '/nowhere/own.toml'"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(wasted: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str) -> None:
    assert run(["offenders", "--window", "all", "--store", str(wasted), *options]) == 2
    told = capsys.readouterr()
    assert (told.out, said in told.err, told.err.count("\n")) == ("", True, 1)


def test_an_id_of_two_is_refused_with_both() -> None:
    rows = make_traffic(0, *WASTEFUL)
    ids = sorted({row["who"] for row in rows_of(ask(rows)) if row["level"] == "origin"})
    frame = pl.DataFrame({"level": ["origin"] * 2, "who": [ids[0][:4] + "0" * 12, ids[0][:4] + "1" * 12], "kind": ["polling"] * 2})
    with pytest.raises(UsageError, match=ids[0][:4]):
        _find_whose(frame, ids[0][:4])


def test_the_kinds_are_explained_with_their_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["offenders", "--explain", "--format", "json"]) == 0
    told = {row["kind"]: row for row in json.loads(capsys.readouterr().out)}
    assert [*told] == [*RULES.kinds]
    assert told["polling"]["thresholds"] == "every_seconds 60, least 15, lasts_seconds 900, spread 0.5"


def test_a_window_without_events_is_exit_4(wasted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["offenders", "--window", "2020", "--store", str(wasted)]) == 4
    assert "no waste found in 0 requests" in capsys.readouterr().out


def test_what_another_log_holds_as_well_is_not_fetched_twice() -> None:
    plot = Plot(1)
    for number in range(40):
        for source in ("edge", "registry"):
            plot.manifest(number * 3600 + (source == "registry") / 10, 100, "GET", "acme/app", f"{number}", source=source)
            plot.file(number * 3600 + (source == "registry") / 10, 100 + number, f"{number % 10}", ci=True, source=source)
    assert rows_of(ask(number_requests(plot.rows))) == []


def test_redirects_are_one_with_what_they_lead_to() -> None:
    plot = Plot(1)
    is_redirected(plot)
    assert rows_of(ask(number_requests(plot.rows))) == []


def test_requests_of_several_logs_are_told_apart_by_log_and_place() -> None:
    rows = [row | {"source": f"log {number % 2}"} for number, row in enumerate(make_traffic(4, *WASTEFUL))]
    told, total = tell(mark_builds(rows), NUMBERS, BY)
    report = ask(rows)
    found = sorted((row["kind"], row["requests"], row["bytes"], row["downloads"]) for row in rows_of(report))
    assert found == sorted((row["kind"], row["requests"], row["bytes"], row["downloads"]) for row in told)
    assert {name: report.meta["totals"][name] for name in total} == total
