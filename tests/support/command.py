"""`pullstats` as tests ask it, in their own process: what a command said on either stream, and logs taken into a store."""

from __future__ import annotations

import importlib
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import click

from pullstats.cli import COMMANDS, run
from pullstats.formats import FormatChoice
from pullstats.pipeline.ingest import ingest
from pullstats.pipeline.plan import IngestPlan, IngestSummary


@dataclass(frozen=True, slots=True)
class Said:
    """What a command ended with, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """What was printed as if it were one line: a table breaks long ones."""
        return " ".join(self.out.split())

    @property
    def rows(self) -> Any:
        """What `--format json` printed."""
        return json.loads(self.out)


def pullstats(*words: object, code: int | tuple[int, ...] = 0, stdin: str | None = None) -> Said:
    """Run a command, which must end with a code, or one of some."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), _standing_in(stdin):
        found = run([str(word) for word in words])
    said = Said(found, *(stream.buffer.getvalue().decode() for stream in (out, err)))
    assert found in (code if isinstance(code, tuple) else (code,)), (words, found, said.err)
    return said


@contextmanager
def _standing_in(text: str | None) -> Iterator[None]:
    """Let a text be standard input."""
    usual = sys.stdin
    if text is not None:
        sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8")
    try:
        yield
    finally:
        sys.stdin = usual


def all_commands() -> list[tuple[list[str], click.Command]]:
    """List every command with the words that call it."""
    found: list[tuple[list[str], click.Command]] = []
    for name, entry in COMMANDS.items():
        command = getattr(importlib.import_module(entry.module), name)
        inner = command.commands.items() if isinstance(command, click.Group) else [(None, command)]
        found += [([name] if word is None else [name, word], item) for word, item in inner if name != "demo"]
    return found


_CHOICE: Final = {one.name for one in fields(FormatChoice)}


def take_into(store: Path, *paths: Path | str, **options: Any) -> IngestSummary:
    """Take logs into a store; what `FormatChoice` and `IngestPlan` hold may be said by name."""
    choice = {name: options.pop(name) for name in _CHOICE.intersection(options)}
    return ingest(IngestPlan(tuple(map(str, paths)), store, **{"formats": FormatChoice(**choice), **options}))
