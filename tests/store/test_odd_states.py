"""Stores in odd states under the commands that judge behaviour: one clear sentence or an honest answer, and never a byte written."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pullstats.store import open_store
from pullstats.store.layout import MARKER_NAME
from support.command import pullstats, take_into
from support.effort import across
from support.places import DATA

COMMANDS = (
    *("behaviour", "behaviour --by package --every d", "offenders", "offenders --level org", "orgs", "orgs --state churned", "cohorts --every d"),
    *("versions", "versions --adoption", "versions --lag", "versions --echo", "versions --would-miss 1.1", "doctor", "doctor inflation"),
    *("explain behaviour", "explain offenders", "explain orgs", "explain versions --lag", "explain cohorts", "explain doctor inflation"),
)
DAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
LINE = '192.0.{}.7 - - [{:%d/%b/%Y:%H:%M:%S %z}] "GET /packages/ab/cd/ef/a-1.{}.tar.gz HTTP/1.1" 200 9 "-" "pip/23.1"\n'
NO_NUMBER = re.compile(r"\b(?:nan|inf|None|NaT)\b")


def write(times: list[datetime], networks: int = 3) -> str:
    return "".join(LINE.format(place % networks, time, place % 3) for place, time in enumerate(times))


LOGS = {
    "usual": write([DAY + timedelta(hours=number) for number in range(72)]),
    "empty": "",
    "one event": write([DAY]),
    "one origin": write([DAY + timedelta(hours=number) for number in range(72)], 1),
    "equal times": write([DAY] * 60),
    "clock jumps back": write([DAY + timedelta(minutes=number if number < 30 else number - 3000) for number in range(60)]),
}


def _say_newer(store: Path) -> None:
    (store / MARKER_NAME).write_text('{"format": "pullstats-store", "layout_version": 99}\n')


def _cut(store: Path) -> None:
    file = max(open_store(store).event_files(), key=lambda one: one.stat().st_size)
    file.write_bytes(file.read_bytes()[:100])


def _forbid(store: Path) -> None:
    for path in [*store.rglob("*"), store]:
        path.chmod(0o500 if path.is_dir() else 0o400)


def _age(store: Path) -> None:
    shutil.rmtree(store)
    shutil.copytree(DATA / "store-0.1" / "store", store)


def _empty_folder(store: Path) -> None:
    shutil.rmtree(store)
    store.mkdir()


def _make_file(store: Path) -> None:
    shutil.rmtree(store)
    store.write_text("no store")


CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "newer": (_say_newer, "has layout version 99, this pullstats knows 2; upgrade pullstats"),
    "damaged": (_cut, "run: pullstats verify --repair"),
    "read-only": (_forbid, ""),
    "older": (_age, ""),
    "no store": (_empty_folder, "the first `pullstats ingest` makes one"),
    "a file": (_make_file, "is not a store but a file"),
}
STATES = (*LOGS, *CHANGES, "window of an hour", "window before the logs")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make a store of each log, and one for each way to change it."""
    folder = tmp_path_factory.mktemp("odd")
    for name, text in LOGS.items():
        (folder / f"{name}.log").write_text(text)
        take_into(folder / name, folder / f"{name}.log")
    for name, (change, _) in CHANGES.items():
        shutil.copytree(folder / "usual", folder / name)
        change(folder / name)
    return {name: folder / (name if (folder / name).exists() else "usual") for name in STATES}


def _stat(store: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in [store, *store.rglob("*")]}


@pytest.mark.parametrize(("command", "state"), across(COMMANDS, STATES))
def test_a_store_in_an_odd_state_is_answered_honestly_or_refused_in_a_sentence(command: str, state: str, stores: dict[str, Path]) -> None:
    store, before = stores[state], _stat(stores[state])
    window = {"window of an hour": ["--window", "2026-03-02 11:00-12:00"], "window before the logs": ["--window", "2020"]}.get(state, [])
    said = pullstats(*command.split(), *([] if command == "doctor" else window), "--store", store, code=(0, 2, 4))
    assert _stat(store) == before
    assert "internal error" not in said.err
    assert not NO_NUMBER.search(said.out)
    if said.code == 2:
        assert (said.out, said.err.count("\n")) == ("", 1)
    wanted = CHANGES[state][1] if state in CHANGES else ""
    assert wanted in said.words + said.err
    refused = state in {"newer", "no store", "a file"} or (state == "window of an hour" and "cohorts" in command)
    assert (said.code == 2) == refused, said.err
    if command == "orgs" and state in {"one event", "equal times"}:
        assert "all that these logs hold lies behind the window" in said.words
    if state in {"empty", "window before the logs"} and command != "doctor":
        assert said.code == 4
