"""`pullstats alert`: exit codes, saved alarms, and what is mistyped."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pullstats.render.sentences import render_sentences
from support.command import pullstats, take_into
from support.places import DATA

DAY = timedelta(days=1)
TUESDAY = datetime(2025, 6, 3, tzinfo=UTC)
HOSTILE = [json.loads(line)["bytes"] for line in (DATA / "hostile_inputs.jsonl").read_text().splitlines()]


def write_line(time: datetime, host: str, name: str, status: int = 200) -> str:
    path = f"/packages/ab/cd/{'e' * 60}/{name}-1.0-py3-none-any.whl"
    return f'{host} - - [{time:%d/%b/%Y:%H:%M:%S +0000}] "GET {path} HTTP/1.1" {status} 9 "-" "uv/0.4.9"'


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten weeks of one log, the last Monday with half; and of another that is silent since that morning."""
    folder = tmp_path_factory.mktemp("alert")
    days = [TUESDAY - DAY * number for number in reversed(range(70))]
    lines, others = [], []
    for day in days:
        count = 24 if day == TUESDAY - DAY else 48
        lines += [write_line(day + DAY * number / count, f"192.0.2.{number}", "acme", 404 if number % 12 == 0 else 200) for number in range(count)]
        others += [
            write_line(day + DAY * number / 96, f"198.51.100.{number}", "other")
            for number in range(96)
            if day + DAY * number / 96 < TUESDAY - DAY * 2 / 3
        ]
    hole = [line for line in lines if not re.search(r"\[02/Jun/2025:(0[3-9]|1[0-9])", line)]
    for name, content in (("web.log", lines), ("silent.log", others), ("hole.log", hole)):
        (folder / name).write_text("\n".join(content) + "\n")
    take_into(folder / "store", folder / "web.log")
    take_into(folder / "hole", folder / "hole.log")
    take_into(folder / "both", folder / "web.log", folder / "silent.log")
    return folder / "store"


def test_an_alarm_is_exit_5_and_its_sentence(store: Path) -> None:
    asked = ("alert", "--store", store, "--as-of", "2025-06-03")
    said = pullstats(*asked, "--drop", "30%", code=5)
    assert said.out.startswith("alarm: downloads, yesterday (2025-06-02): 22 after 44 (2025-05-26), -50.0 %; a drop of 30 % or more, beyond")
    assert said.out.count("\n") == 1
    assert pullstats(*asked, "--drop", "60%").out.startswith("quiet: ")
    row = pullstats(*asked, "--drop", "30%", "--format", "json", code=5).rows[0]
    report = pullstats("report", "--by", "", "--store", store, "--window", "2025-06-02", "--metric", "downloads", "--format", "json").rows[0]
    assert (row["now"], row["state"], row["sentence"]) == (report["downloads"], "alarm", said.out.strip())


def test_a_log_that_fell_silent_is_said_and_no_alarm(store: Path) -> None:
    log = store.parent / "silent.log"
    for condition in (("--drop", "30%"), ("--below", "1000")):
        said = pullstats("alert", "--store", store.parent / "both", "--as-of", "2025-06-03", *condition)
        assert said.out == f"not judged: downloads, yesterday (2025-06-02); {log} has not delivered all of 'yesterday' yet\n"


def test_a_gap_of_the_logs_is_said_and_no_alarm(store: Path) -> None:
    for condition in (("--drop", "30%"), ("--below", "1000")):
        said = pullstats("alert", "--store", store.parent / "hole", "--as-of", "2025-06-03", *condition)
        assert said.out == "not judged: downloads, yesterday (2025-06-02); the logs have a gap in 'yesterday'\n"


def test_no_logs_are_exit_4(store: Path) -> None:
    assert "lies outside of the logs" in pullstats("alert", "--store", store, "--drop", "30%", "--window", "2031-05-05", code=4).out
    assert "lies outside of the logs" in pullstats("alert", "--store", store, "--below", "3", code=4).out


CONFIG = """
metric = "requests"

[alerts.nightly]
drop = "30%"
[alerts.errors]
metric = "error-rate"
above = "5%"
by = "package"
limit = 3
[alerts."odd name"]
metric = "downloads"
below = 10
"""


def test_saved_alarms_are_run_by_name_or_all(store: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(CONFIG)
    asked = ("alert", "--store", store, "--config", config, "--as-of", "2025-06-03")
    everything = pullstats(*asked, code=5).out.splitlines()
    assert [line.split(":")[0] for line in everything] == ["alarm nightly", "alarm errors", "quiet odd name"]
    assert pullstats(*asked, "odd name", "nightly", code=5).out.splitlines() == [everything[2], everything[0]]
    assert pullstats(*asked, "nightly", "--window", "2025-05-19").out.startswith("quiet nightly: downloads, 2025-05-19")
    config.write_text(CONFIG.replace("above", "rise"))
    assert "keeps the 5 % level by itself" in pullstats(*asked, code=5).out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[alerts.a]\ndorp = "30%"', "[alerts.a] of '{path}', line 2: an alarm has no 'dorp'; did you mean 'drop'?"),
        ("[alerts.a]\ndrop = 30", "[alerts.a] of '{path}', line 2: drop must be a text"),
        ("[alerts.a]\ndrop = true", "drop must be a text"),
        ('[alerts.a]\nlimit = "3"\ndrop = "1%"', "line 2: limit must be a whole number"),
        ('[alerts.a]\ndrop = "30"', "drop '30' of downloads is not a percentage"),
        ('[alerts.a]\nmetric = "downloads"', "an alarm has one condition"),
        ('[alerts.a]\ndrop = "3%"\nrise = "3%"', "an alarm has one condition"),
        ('[alerts.a]\nkey_file = "x"\ndrop = "3%"', "has no 'key_file'"),
        ('[alerts]\na = "30%"', "must be a table"),
        ('alerts = "x"', "[alerts] of '{path}' must hold tables"),
        ("[[alerts]]\na = 1", "must hold tables"),
        ("", "an alarm needs a condition"),
        ('[alerts.a]\ndrop = "3%', "a quote or bracket that is open on line 2 is not closed"),
    ],
)
def test_what_is_saved_wrongly_is_one_sentence(store: Path, tmp_path: Path, text: str, told: str) -> None:
    config = tmp_path / "c.toml"
    config.write_text(text)
    said = pullstats("alert", "--store", store, "--config", config, code=2)
    assert told.format(path=config) in said.err
    assert said.err.count("\n") == 1
    pullstats("report", "--store", store, "--config", config, "--window", "all", code=2 if "quote" in told else 0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nightli",), "no alarm 'nightli' is saved; write [alerts.nightli]"),
        (("nightly", "--drop", "3%"), "has its own condition"),
        (("--drop", "3%", "--rise", "3%"), "an alarm has one condition"),
        (("--drop", "x"), "is not a percentage"),
        (("--drop", "3%", "--window", "all"), "does not begin and end"),
        (("--drop", "3%", "--metric", "last-seen"), "is a time"),
        (("--drop", "3%", "--against", "noon"), "write one of"),
        (("--drop", "3%", "--min-origins", "3"), "takes no --min-origins"),
    ],
)
def test_what_is_mistyped_is_said(store: Path, words: tuple[str, ...], told: str) -> None:
    assert told in pullstats("alert", "--store", store, *words, code=2).err


def test_names_of_strangers_are_harmless(store: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    tables = "".join(f"[alerts.{json.dumps(text)}]\nabove = 1000\nwhere = 'status=404'\n" for text in dict.fromkeys(HOSTILE)).replace(
        "\x7f", "\\u007f"
    )
    config.write_text(tables, "utf-8")
    out = pullstats("alert", "--store", store, "--config", config, *HOSTILE[:3], "--as-of", "2025-06-03").out
    assert out.count("\n") == 3
    assert all(letter.isprintable() for letter in out.replace("\n", ""))
    shown = render_sentences([f"quiet {text}: 1" for text in HOSTILE])
    assert shown.count("\n") == len(HOSTILE)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b-\u200f]", shown)
