"""Damage by kind of file by command: one sentence or an answer with a warning, never an internal error, never a short number without a word."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store
from pullstats.store.log import TableLog
from pullstats.store.tables import TABLES
from support.command import pullstats, take_into
from support.effort import SOAK, across

LINE = '192.0.2.{n} - - [0{day}/Nov/2025:10:00:{n:02d} +0000] "GET /v2/acme/app/manifests/v{n} HTTP/1.1" 200 {n} "-" "docker/24.0.7"\n'
REPORT = ("report", "--by", "status", "--metric", "requests", "--window", "all", "--format", "json")
LOOKING = (
    REPORT,
    ("status",),
    ("export", "--set", "events", "--format", "ndjson"),
    ("export", "--set", "rejects"),
    ("doctor",),
    ("rebuild", "--dry-run"),
)
FILES = {
    "events": "events/date=*/*.parquet",
    "rejects": "rejects/*.parquet",
    "runs": "runs/*.parquet",
    "commits of events": "events/_delta_log/*.json",
    "commits of rejects": "rejects/_delta_log/*.json",
    "commits of runs": "runs/_delta_log/*.json",
    "checkpoint": "events/_delta_log/*.checkpoint.parquet",
    "hint": "events/_delta_log/_last_checkpoint",
    "marker": "pullstats-store.json",
    "lock": "writer.lock",
}
TRUTH = 36


def _flip(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes() or b"\0")
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def _swap(path: Path) -> None:
    others = [other for other in sorted(path.parent.parent.rglob(f"*{path.suffix}")) if other != path and other.is_file()]
    path.write_bytes(others[0].read_bytes() if others else b"another")


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path, random.Random], object]] = {
    "missing": lambda path, _: path.unlink(),
    "empty": lambda path, _: os.truncate(path, 0),
    "cut": lambda path, chance: os.truncate(path, chance.randrange(path.stat().st_size or 1)),
    "cut at a line end": lambda path, _: path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1])),
    "flipped": _flip,
    "garbage": lambda path, chance: path.write_bytes(chance.randbytes(path.stat().st_size or 9)),
    "swapped": lambda path, _: _swap(path),
    "a folder": lambda path, _: _make_folder(path),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a log, and a store that took it in three runs, with a checkpoint behind the second."""
    folder = tmp_path_factory.mktemp("table")
    log, store = folder / "access.log", folder / "store"
    key = tmp_path_factory.getbasetemp() / "config" / "pullstats" / "key"
    for count in (1, 2, 3):
        log.write_text("".join(LINE.format(n=n, day=1 + n % 3) + ("rubbish\n" if n % 12 == 0 else "") for n in range(12 * count)))
        take_into(store, log, key_file=key)
        if count == 2:
            for table in TABLES:
                TableLog(store, table).trim()
    return log, store


def _ask(command: tuple[str, ...], store: Path) -> tuple[int, str, str]:
    said = pullstats(*command, "--store", store, code=(0, 2, 4))
    assert "internal error" not in said.err
    assert "Traceback" not in said.err
    if said.code == 2:
        assert said.err.startswith("pullstats: ")
    return said.code, said.out, said.err


def _requests(found: tuple[int, str, str]) -> int:
    return sum(row["requests"] for row in json.loads(found[1])) if found[0] in {0, 4} else -1


@pytest.mark.parametrize(("file", "place"), across(FILES, [0, -1]))
def test_damage_is_told_by_every_command(
    made: tuple[Path, Path], tmp_path: Path, file: str, place: int, take_in: Callable[..., IngestSummary]
) -> None:
    log, whole = made
    chance = random.Random(f"{file} {place}")
    damage = chance.choice(list(DAMAGES))
    store = tmp_path / "store"
    shutil.copytree(whole, store)
    DAMAGES[damage](sorted(store.glob(FILES[file]))[place], chance)
    for command in LOOKING if SOAK else (REPORT, random.Random(damage + file).choice(LOOKING)):
        found = _ask(command, store)
        if command is REPORT and found[0] != 2 and _requests(found) != TRUTH:
            assert found[2], damage
    if file == "marker":
        return
    if file == "lock" and (store / "writer.lock").is_dir():
        (store / "writer.lock").rmdir()
    _ask(("ingest", "-q", str(log)), store)
    assert _ask(("verify", "--repair"), store)[0] == 0
    assert _ask(("ingest", "-q", str(log)), store)[0] == 0
    assert _ask(("verify",), store)[0] == 0
    assert _requests(_ask(REPORT, store)) == TRUTH
    assert open_store(store).scan_rejects().collect().height == 3
