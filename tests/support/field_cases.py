"""Read logs from the field through the command line and compare what comes out with what their folder's case.toml wants."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pullstats.cli import run
from support.places import FIELD

ASKED = {"ingest", "rc", "events", "rejected", "ignored", "each", "never", "match", "report", "said", "alternatives"}
"""What an `[[asks]]` may say: the arguments of each ingest into one store, and what is wanted then (see README.md beside the cases)."""


@dataclass(frozen=True)
class FieldCase:
    """One folder of tests/field: the files of a public report, and what they must be read as."""

    folder: Path
    asks: list[dict[str, Any]]
    is_not_yet_read: bool

    @property
    def name(self) -> str:
        """Return the folder's name, its number first."""
        return self.folder.name


def load_field_cases() -> list[FieldCase]:
    """Load every case in the order of its number; a key that means nothing is an error."""
    return [_load(folder) for folder in sorted(FIELD.iterdir()) if folder.is_dir()]


def _load(folder: Path) -> FieldCase:
    case = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    assert set(case) <= {"shows", "source", "not_yet", "asks"}, f"{folder.name}: unknown keys"
    assert case.get("shows"), f"{folder.name}: says not what it shows"
    assert case.get("source"), f"{folder.name}: names no source"
    for ask in case["asks"]:
        unknown = (set(ask) | {key for other in ask.get("alternatives", []) for key in other}) - ASKED
        assert not unknown, f"{folder.name}: unknown keys {sorted(unknown)}"
    return FieldCase(folder, case["asks"], case.get("not_yet", False))


@dataclass
class Desk:
    """A folder with copies of a case's files and one store; `capture` is pytest's capsysbinary, `monkeypatch` its like."""

    folder: Path
    capture: Any
    monkeypatch: Any
    lines: Counter[str] = field(default_factory=Counter)
    said: str = ""
    codes: list[int] = field(default_factory=list)

    def call(self, *arguments: str, stdin: Path | None = None) -> tuple[int, str, str]:
        """Run a command line in the folder of the logs."""
        self.capture.readouterr()
        if stdin is not None:
            self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.read_bytes())))
        code = run(list(arguments))
        out, err = (stream.decode("utf-8", "replace") for stream in self.capture.readouterr())
        assert "internal error" not in err, err
        return code, out, err

    def ingest(self, step: list[str] | dict[str, Any]) -> None:
        """Run one ingest of the case, and count its lines; those of a log that is refused are counted by `formats detect`."""
        arguments = step if isinstance(step, list) else [*step.get("args", []), "-"]
        stdin = None if isinstance(step, list) else self.folder / step["stdin"]
        code, out, err = self.call("ingest", "--keep-addresses", "--store", "../store", "--format", "json", *arguments, stdin=stdin)
        self.codes.append(code)
        self.said += err
        if out.strip():
            summary = json.loads(out)
            self.lines.update({kind: summary[kind] for kind in ("rejected", "ignored")})
        else:
            self._count_refused(arguments)

    def _count_refused(self, arguments: list[str]) -> None:
        files = [argument for argument in arguments if (self.folder / argument).is_file()]
        found = json.loads(self.call("formats", "detect", "--format", "json", *files)[1]) if files else []
        self.lines["rejected"] += sum(log["failed"] for log in found)
        self.lines["ignored"] += sum(log["lines"] - log["failed"] for log in found if not log["format"])

    def events(self) -> list[dict[str, Any]]:
        """Export the store's events."""
        if not (self.folder.parent / "store").exists():
            return []
        out = self.call("export", "--set", "events", "--format", "ndjson", "--window", "all", "--store", "../store")[1]
        return [json.loads(line) for line in out.splitlines()]

    def report(self, arguments: list[str]) -> list[dict[str, Any]]:
        """Ask for a report's rows, all of them."""
        common = ("report", "--window", "all", "--limit", "0", "--format", "json", "--store", "../store")
        rows: list[dict[str, Any]] = json.loads(self.call(*common, *arguments)[1] or "[]")
        return rows


def find_faults(case: FieldCase, folder: Path, capture: Any, monkeypatch: Any) -> list[str]:
    """Tell what is not as the case wants it, of each question the alternative that comes nearest."""
    faults: list[str] = []
    for number, ask in enumerate(case.asks):
        tries = (
            list(_try({**ask, **other}, _lay_out(case, folder / f"{number}-{index}"), capture, monkeypatch))
            for index, other in enumerate(ask.get("alternatives", [{}]))
        )
        faults += _least(tries)
    return faults


def _least(tries: Iterator[list[str]]) -> list[str]:
    best = next(tries)
    while best and (other := next(tries, None)) is not None:
        best = min(best, other, key=len)
    return best


def _lay_out(case: FieldCase, folder: Path) -> Path:
    logs = folder / "logs"
    shutil.copytree(case.folder, logs, ignore=shutil.ignore_patterns("case.toml"))
    return logs


def _try(ask: dict[str, Any], logs: Path, capture: Any, monkeypatch: Any) -> Iterator[str]:
    monkeypatch.chdir(logs)
    monkeypatch.setenv("COLUMNS", "400")
    desk = Desk(logs, capture, monkeypatch)
    for step in ask["ingest"]:
        desk.ingest(step)
    yield from (f"ingest ended with {code}: {desk.said}" for code in desk.codes if code not in ask.get("rc", [0]))
    yield from (f"{kind}: {desk.lines[kind]}" for kind in ("rejected", "ignored") if desk.lines[kind] not in ask.get(kind, [desk.lines[kind]]))
    yield from (f"nothing is said of {pattern}: {desk.said}" for pattern in ask.get("said", []) if not re.search(pattern, desk.said, re.IGNORECASE))
    yield from _differences(ask, desk.events())
    for report in ask.get("report", []):
        rows = desk.report(report["args"])
        yield from (f"no row {row} in {rows}" for row in _unmatched(report.get("rows", []), rows))
        yield from (f"a row {row}" for row in report.get("no_rows", []) if any(_holds(row, got) for got in rows))


def _differences(ask: dict[str, Any], events: list[dict[str, Any]]) -> Iterator[str]:
    if len(events) not in ask.get("events", [len(events)]):
        yield f"{len(events)} events"
    for wanted in _unmatched(ask.get("match", []), events):
        nearest = min((_differing(wanted, event) for event in events), key=len, default=None)
        yield f"no event {wanted}; the nearest has {nearest}"
    for event in events:
        if odd := _differing(ask.get("each", {}), event):
            yield f"an event has {odd}"
        yield from (f"an event has {never['field']} {event[never['field']]!r}" for never in ask.get("never", []) if _is_forbidden(never, event))


def _is_forbidden(never: dict[str, Any], event: dict[str, Any]) -> bool:
    return _holds(never.get("where", {}), event) and _is_as_wanted(never["value"], event[never["field"]])


def _unmatched(wanted: list[dict[str, Any]], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """List the wanted that get no row of their own, however the rows are given out (augmenting paths, Kuhn 1955)."""
    owner: dict[int, int] = {}

    def give(number: int, tried: set[int]) -> bool:
        for place, row in enumerate(rows):
            if place not in tried and _holds(wanted[number], row):
                tried.add(place)
                if place not in owner or give(owner[place], tried):
                    owner[place] = number
                    return True
        return False

    return [row for number, row in enumerate(wanted) if not give(number, set())]


def _holds(wanted: dict[str, Any], row: dict[str, Any]) -> bool:
    return not _differing(wanted, row)


def _differing(wanted: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    return {key: row.get(key) for key, value in wanted.items() if not _is_as_wanted(value, row.get(key))}


def _is_as_wanted(wanted: Any, got: Any) -> bool:
    """Compare a value: itself, `{none = true}`, `{any = […]}`, `{not = …}` or `{like = pattern}`; times to the digits they are given with."""
    if not isinstance(wanted, dict):
        return bool(wanted == got) or _is_same_time(wanted, got)
    ((how, what),) = wanted.items()
    match how:
        case "none":
            return got is None
        case "any":
            return any(_is_as_wanted(one, got) for one in what)
        case "not":
            return not _is_as_wanted(what, got)
        case "like":
            return got is not None and re.search(what, str(got)) is not None
    message = f"a value is wanted by {how!r}"
    raise AssertionError(message)


def _is_same_time(wanted: Any, got: Any) -> bool:
    if not (isinstance(wanted, str) and isinstance(got, str) and wanted.endswith("Z")):
        return False
    digits = len(wanted.partition(".")[2].rstrip("Z"))
    want, have = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (wanted, got))
    return want == have.replace(microsecond=have.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits))
