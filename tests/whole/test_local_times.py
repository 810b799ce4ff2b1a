"""Every time that an answer prints is one of the zone of `--tz`, whatever the question and the format."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.command import all_commands, pullstats, take_into
from support.effort import SOAK, some

ZONE = "Asia/Kolkata"
"""Five hours and a half from UTC, whatever the season: what was at seven minutes past is at 37."""
BEGIN = datetime(2026, 3, 2, 0, 7, tzinfo=UTC)
SEVEN_PAST = "(?<![0-9:])[0-9]{2}:07(?![0-9])"
OUTPUTS = ("table", "csv", "json", "md")
OWN_OUTPUTS = {"badge": ("json", "svg"), "digest": ("md", "html", "txt", "json"), "html": ("",), "overview": ("",)}
"""Of commands that write documents; nothing where they write in one way."""
DAYS_ALONE = frozenset({"alert", "badge", "digest"})
"""Commands that print days, and no time of day of a request."""
ASKED: dict[str, list[list[str]]] = {
    "html": [["-o", "-"]],
    "report": [["--metric", "first-seen,last-seen", "--by", "package"], ["--by", "class"]],
    "series": [["--every", "d"], ["--every", "5m", "--window", "2026-03-02"]],
    "uniques": [[], ["--every", "w"]],
    "origins": [[], ["ID"], ["--unique-by", "network", "--window", "2026-03-10..2026-03-20"]],
    "behaviour": [[], ["--explain", "ID"], ["--by", "package"]],
    "concentration": [["--metric", "requests"]],
    "orgs": [["--window", "7d"], ["--window", "2026-03-06..2026-03-20", "--state", "churned"], ["--min-origins", "1"]],
    "offenders": [[], ["--note", "ID"]],
    "doctor inflation": [[]],
    "compare": [["2026-03-01..2026-03-04", "2026-03-19..2026-03-25", "--metric", "requests"]],
    "explain": [["--metric", "downloads,first-seen"], ["--metric", "instances"]],
    "demand": [[]],
    "alert": [["--above", "1", "--metric", "requests", "--window", "2026-03-20"], ["--drop", "1%", "--window", "2026-03-19", "--by", "package"]],
    "badge": [["--metric", "last-seen"]],
    "digest": [["--window", "2026-03-06..2026-03-20"]],
    "sql": [["SELECT min(timestamp), max(timestamp) FROM events"]],
    "export": [["--set", "daily"]],  # events leave as they are stored, in UTC
}


def with_zone() -> list[str]:
    """Name every command that takes a zone."""
    return [" ".join(words) for words, command in all_commands() if any("--tz" in one.opts for one in command.params)]


def line(moment: datetime, address: str, request: str, status: int, agent: str) -> str:
    return f'{address} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "{request} HTTP/1.1" {status} 500 "-" "{agent}"\n'


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store of a log whose every request is at seven minutes past: polls, pulls, a loop on 404; and some days of silence."""
    docker = "docker/24.0.7 go/go1.20.10 os/linux arch/amd64"
    lines: list[str] = []
    for hour in range(20 * 24):
        moment = BEGIN + timedelta(hours=hour)
        if not 10 <= hour / 24 < 13:
            lines += [line(moment + timedelta(seconds=at), f"8.8.{at}.8", "GET /v2/acme/app/manifests/1.4", 200, docker) for at in range(0, 40, 9)]
        if hour == 19 * 24 + 1:
            lines += [line(moment + timedelta(seconds=at), "9.9.9.9", "GET /packages/x-1.0.whl", 404, "pip/23.3") for at in range(40, 60)]
            lines += [line(moment + timedelta(seconds=at), "9.9.9.9", "GET /packages/x-1.0.whl", 404, "pip/23.3") for at in range(40, 60)]
    folder = tmp_path_factory.mktemp("sevenpast")
    (folder / "access.log").write_text("".join(lines))
    take_into(folder / "store", folder / "access.log")
    return folder / "store"


@pytest.fixture(scope="module")
def who(store: Path) -> str:
    return str(pullstats("offenders", "--window", "all", "--format", "json", "--store", store).rows[0]["who"])


@pytest.mark.parametrize("command", with_zone())
def test_no_time_is_of_another_zone(command: str, store: Path, who: str) -> None:
    seen, outputs = "", OWN_OUTPUTS.get(command, OUTPUTS)
    for number, options in enumerate(ASKED.get(command, [[]])):
        words = [*command.split(), *(who[:10] if word == "ID" else word for word in options)]
        words += [] if "--window" in options or command in {"compare", "sql"} else ["--window", "all"]
        other = some(outputs, 4, first=1 + len(command) % (len(outputs) - 1)) if len(outputs) > 1 else outputs
        for output in outputs if SOAK else dict.fromkeys((outputs[0], other[0])) if number == 0 else outputs[:1]:
            form = ["--format", output] if output else []
            said = pullstats(*words, "--tz", ZONE, *form, "--store", store, code=(0, 4, 5))
            told = re.sub(r"(?s)<script>.*?</script>", "", said.out + said.err)  # a library's, which knows zones
            assert not re.findall(rf".*{SEVEN_PAST}.*", told), words
            assert "UTC" not in re.sub(r"\([^()]* UTC\)", "", told), words  # explain gives both
            seen += said.out
    assert command in DAYS_ALONE or re.search(SEVEN_PAST.replace("07", "37"), seen)


def test_a_note_says_whose_clock_it_goes_by(store: Path, who: str) -> None:
    told = pullstats("offenders", "--note", who, "--window", "all", "--store", store).words
    assert "All times are UTC; we looked at 2026-03-02 00:07 to" in told
    assert "1 day from 2026-03-21 01:07 to 2026-03-21 01:07" in told
    local = pullstats("offenders", "--note", who, "--window", "all", "--tz", ZONE, "--store", store).words
    assert "All times are those of Asia/Kolkata; we looked at 2026-03-02 05:37 to" in local
    assert "1 day from 2026-03-21 06:37 to 2026-03-21 06:37" in local


def test_programs_get_the_same_instant_with_its_offset(store: Path) -> None:
    plain, local = (pullstats("origins", "--window", "all", "--format", "json", "--tz", zone, "--store", store).rows for zone in ("UTC", ZONE))
    assert {row["last_seen"][-6:] for row in local} == {"+05:30"}
    assert [datetime.fromisoformat(row["last_seen"]) for row in plain] == [datetime.fromisoformat(row["last_seen"]) for row in local]
