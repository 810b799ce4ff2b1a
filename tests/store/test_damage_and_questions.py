"""Questions that read a store several times over answer over what is left of a damaged one, and say what is missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pullstats.store import open_store
from support.command import pullstats, take_into
from support.effort import across

QUESTIONS = (["behaviour"], ["orgs"], ["offenders"], ["origins"], ["doctor", "inflation"], ["versions"])
POLL = '192.0.2.77 - - [{:%d/%b/%Y:%H:%M:%S %z}] "GET /simple/a/ HTTP/1.1" 200 9 "-" "pip/23.1"\n'
LINE = '192.0.2.{} - - [{:%d/%b/%Y:%H:%M:%S %z}] "GET /packages/ab/cd/ef/a-1.{}.tar.gz HTTP/1.1" 200 9 "-" "pip/23.1"\n'


def largest(store: Path) -> Path:
    return max(open_store(store).event_files(), key=lambda file: file.stat().st_size)


def lose(store: Path) -> None:
    largest(store).unlink()


def cut(store: Path) -> None:
    file = largest(store)
    file.write_bytes(file.read_bytes()[:100])


def cut_runs(store: Path) -> None:
    file = next((store / "runs").rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:100])


@pytest.fixture(name="whole", scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Take in two logs, of a month each, with somebody in either who asks every ten seconds."""
    folder = tmp_path_factory.mktemp("damaged")
    for month in (1, 2):
        moments = [datetime(2026, month, 1, tzinfo=UTC) + timedelta(hours=number) for number in range(60)]
        polls = [POLL.format(moments[-1] + timedelta(seconds=10 * number)) for number in range(1, 200)]
        (folder / f"{month}.log").write_text(
            "".join(LINE.format(number % 9 + 1, moment, month) for number, moment in enumerate(moments)) + "".join(polls)
        )
        take_into(folder / "store", folder / f"{month}.log")
    return folder / "store"


@pytest.mark.parametrize(("words", "damage"), across(QUESTIONS, (lose, cut, cut_runs)))
def test_what_is_left_answers_and_what_is_missing_is_told(words: list[str], damage: Callable[[Path], None], whole: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(whole, tmp_path / "store"))
    usual = [*words, "--window", "all", "--format", "json", "--meta", "--store"]
    sound = pullstats(*usual, store).rows
    assert not any("pullstats verify --repair" in text for text in sound["meta"]["warnings"])
    damage(store)
    found = pullstats(*usual, store).rows
    assert found["rows"]
    assert any("pullstats verify --repair" in text for text in found["meta"]["warnings"])
    assert damage is cut_runs or found["rows"] != sound["rows"]
