"""What is told once is told once: whatever order logs come in, whenever a run is killed, the last revisions are what a whole export holds."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pullstats.render import ledger
from support.command import pullstats, take_into
from support.effort import SOAK

KEYS = ("date", "package_type", "package", "version", "client", "os", "arch", "country")
NUMBERS = ("requests", "bytes", "downloads", "downloaders", "checks", "origins")
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def write_log(path: Path, chance: random.Random, first: int, days: int) -> Path:
    """Write a log of some days, of few packages and clients, so that logs share rows."""
    moments = sorted(BEGIN + timedelta(days=first, seconds=chance.randrange(days * 86_400)) for _ in range(12))
    moments.append(BEGIN + timedelta(days=first + days))
    lines = [
        f'198.51.100.{chance.randrange(3)} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "GET /files/lib{chance.randrange(2)}/lib-1.{chance.randrange(2)}.tar.gz '
        f'HTTP/1.1" 200 10 "-" "curl/8.0"\n'
        for moment in moments
    ]
    path.write_text("".join(lines))
    return path


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []


def latest(rows: list[dict[str, str]]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Keep the last revision of each row, those of nothing left out."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        key = tuple(row[name] for name in KEYS)
        assert int(row["revision"]) == int(found.get(key, {"revision": "0"})["revision"]) + 1
        found[key] = row
    values = {key: tuple(row[name] for name in NUMBERS) for key, row in found.items()}
    return {key: numbers for key, numbers in values.items() if {*numbers} != {"0"}}


class KilledError(BaseException):
    """What ends a run where it stands."""


def export(store: Path, path: Path, kill_at: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Export, and kill it before the step of so many that bring something to the disk or take a file's place."""
    steps = 0

    def step(go_on: Callable[..., Any], *given: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            raise KilledError
        return go_on(*given)

    def replace(self: Path, target: Path) -> Path:
        return Path(step(usual, self, target) if "increment" in self.name else usual(self, target))

    usual = Path.replace
    with monkeypatch.context() as patch:
        for name in ("_sync", "draft"):
            patch.setattr(ledger, name, partial(step, getattr(ledger, name)))
        patch.setattr(Path, "replace", replace)
        pullstats("export", "--incremental", "-q", "-o", path, "--store", store, code=(0, 1, 130))


@pytest.mark.parametrize("seed", range(40 * SOAK or 3))
def test_the_last_revisions_are_a_whole_export(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    store, path, taken = tmp_path / "store", tmp_path / "new.csv", []
    spans = [(0, 3), (1, 4), (2, 6), (4, 6), (0, 10)]
    chance.shuffle(spans)
    for number, (first, days) in enumerate(spans):
        take_into(store, write_log(tmp_path / f"{chr(97 + number)}.log", chance, first, days))
        for _ in range(chance.randrange(3)):
            export(store, path, chance.choice([None, 1, 2, 3, 4]), monkeypatch)
        if chance.random() < 0.4:
            taken += read(path)
            path.unlink(missing_ok=True)
    take_into(store, write_log(tmp_path / "end.log", chance, 20, 1))
    export(store, path, None, monkeypatch)
    told = latest(taken + read(path))
    pullstats("export", "--final-only", "-o", tmp_path / "whole.csv", "--store", store)
    whole = {tuple(row[name] for name in KEYS): tuple(row[name] for name in NUMBERS) for row in read(tmp_path / "whole.csv")}
    assert whole
    assert told == whole
    before = read(path)
    export(store, path, None, monkeypatch)
    assert read(path) == before
    assert not [one.name for one in tmp_path.iterdir() if "increment" in one.name]


def test_what_cannot_be_added_to_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "store"
    take_into(store, write_log(tmp_path / "a.log", random.Random(1), 0, 5))
    words = ("export", "--incremental", "--store", store)
    assert "name one with -o" in pullstats(*words, code=2).err
    assert "takes no --window" in pullstats(*words, "--window", "7d", "-o", tmp_path / "a.csv", code=2).err
    assert "--set daily" in pullstats(*words, "--set", "events", "-o", tmp_path / "a.csv", code=2).err
    assert "--state goes with" in pullstats("export", "--state", "x", "--store", store, code=2).err
    (tmp_path / "b.csv").write_text("else\n")
    assert "move the file away" in pullstats(*words, "-o", tmp_path / "b.csv", code=2).err
    pullstats(*words, "-q", "-o", tmp_path / "a.csv")
    assert "other options" in pullstats(*words, "--tz", "Europe/Berlin", "-o", tmp_path / "a.csv", code=2).err
    for name in ("a.ndjson", "a.parquet"):
        assert " new row" in pullstats(*words, "-o", tmp_path / name).err
