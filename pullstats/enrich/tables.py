"""Read rule tables: the bundled ones, and a user's, whose mistakes are told in one sentence."""

from __future__ import annotations

import difflib
import hashlib
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import polars as pl

from pullstats.errors import InputError, InternalError, PullstatsError, suggest
from pullstats.toml_files import read_toml

LONGEST_PATTERN: Final = 2000
_BUNDLED: Final = "pullstats.enrich.rules"
OWN_ARRAYS: Final = ("agent", "path", "network")
"""What a user's rule file may hold: arrays of tables by these names."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule as it stands in a file.

    Attributes:
        table: the file.
        noun: what it is: `agent`, `path`, `network`.
        number: 1-based place among the file's rules of this kind.
        values: its keys.
        is_own: it is the user's own.
    """

    table: str
    noun: str
    number: int
    values: dict[str, Any] = field(default_factory=dict)
    is_own: bool = False

    def fail(self, message: str) -> PullstatsError:
        """Build the error of a rule that cannot be used."""
        name = self.values.get("client") or self.values.get("name") or ""
        text = f"{self.table}: [[{self.noun}]] number {self.number}{f' ({name})' if name else ''} {message}"
        return InputError(text) if self.is_own else InternalError(text)

    def unknown(self, key: str, value: object, allowed: Iterable[str]) -> PullstatsError:
        """Build the error of a name that is not in a list, with the nearest that is."""
        return self.fail(f"has no {key} '{value}'; {suggest(str(value), allowed, 0.5)}")


def check_keys(row: RuleRow, known: Iterable[str], *, needed: Sequence[str], lists: Sequence[str] = (), others: Sequence[str] = ()) -> dict[str, Any]:
    """Check the keys and types of a rule; give its values, lists as tuples.

    Args:
        row: the rule.
        known: keys that it may have.
        needed: keys that it must have.
        lists: keys whose values are lists of text.
        others: keys that are neither text nor lists of text, and are not looked at.

    Raises:
        InputError: a key is unknown, missing, or of another type.
    """
    names = frozenset(known)
    values: dict[str, Any] = {}
    for key, value in row.values.items():
        if key not in names:
            raise row.unknown("key", key, names)
        if key in lists:
            texts = [value] if isinstance(value, str) else value
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                raise row.fail(f"needs a list of texts as {key}")
            values[key] = tuple(texts)
        elif key not in others and not isinstance(value, (str, bool, int)):
            raise row.fail(f"needs a text as {key}")
        else:
            values[key] = value
    if missing := [key for key in needed if key not in values]:
        raise row.fail(f"lacks {missing[0]}")
    return values


def check_regex(row: RuleRow, key: str, pattern: str) -> None:
    """Check a user's pattern with the engine that will run it, whose time grows with the text and no faster.

    The bundled ones are held to their samples by tests: compiling them all costs a tenth of a second.

    Raises:
        InputError: it is no regular expression of that engine, or too large.
    """
    if not row.is_own:
        return
    if len(pattern) > LONGEST_PATTERN:
        raise row.fail(f"has a {key} of {len(pattern):,} characters; {LONGEST_PATTERN:,} are allowed")
    try:
        pl.Series(["x"]).str.contains(pattern)
    except pl.exceptions.PolarsError as error:
        reason = next((line for line in reversed(str(error).splitlines()) if line.startswith("error:")), "error: not understood")
        raise row.fail(f"has a {key} that cannot be used: {reason.removeprefix('error: ')}") from error


@cache
def read_table(place: str) -> dict[str, Any]:
    """Read a bundled file by its place among the rules: `secrets.toml`, `packages/npm.toml`."""
    return tomllib.loads((files(_BUNDLED) / place).read_text(encoding="utf-8"))


def list_bundled(folder: str) -> list[str]:
    """List the places of the bundled files of a folder."""
    return sorted(f"{folder}/{entry.name}" for entry in (files(_BUNDLED) / folder).iterdir() if entry.name.endswith(".toml"))


def load_bundled(folder: str, array: str) -> list[RuleRow]:
    """Read an array of tables from every bundled file of a folder, in which nothing else may stand."""
    return [row for place in list_bundled(folder) for row in read_arrays(place, read_table(place), (array,))[array]]


def read_arrays(table: str, content: Mapping[str, Any], arrays: Sequence[str], *, is_own: bool = False) -> dict[str, list[RuleRow]]:
    """Read the arrays of tables of a file.

    Args:
        table: the file, for messages.
        content: what it holds.
        arrays: names of the arrays that it may hold.
        is_own: it is a user's.

    Raises:
        InputError: it holds something else.
    """
    rows: dict[str, list[RuleRow]] = {name: [] for name in arrays}
    for name, array in content.items():
        if name not in rows or not isinstance(array, list) or not all(isinstance(item, dict) for item in array):
            near = difflib.get_close_matches(name, arrays, n=1)
            hint = f"; did you mean [[{near[0]}]]?" if near else ""
            allowed = " and ".join(", ".join(f"[[{allowed}]]" for allowed in arrays).rsplit(", ", 1))
            message = f"the rules '{table}' hold '{name}', where {allowed} can stand{hint}"
            raise InputError(message) if is_own else InternalError(message)
        rows[name] = [RuleRow(table, name, number, item, is_own=is_own) for number, item in enumerate(array, 1)]
    return rows


@dataclass(frozen=True, slots=True)
class OwnRules:
    """A user's rules.

    Attributes:
        rows: by array: `agent`, `path`, `network`.
        digest: hash of the files, empty if there are none.
    """

    rows: dict[str, tuple[RuleRow, ...]] = field(default_factory=dict)
    digest: str = ""


def own_rules_folder() -> Path:
    """Give the folder where a user's rules lie unless another is named."""
    config = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(config) / "pullstats" / "rules"


def load_own(folder: Path | None = None) -> OwnRules:
    """Read a user's rules: every TOML file below a folder.

    Args:
        folder: the folder or one file; None for `$XDG_CONFIG_HOME/pullstats/rules`, which need not exist.

    Raises:
        InputError: it does not exist, or a file is no TOML or holds something else.
    """
    place = folder or own_rules_folder()
    if not os.path.exists(place):  # noqa: PTH110 - says no where a path cannot be looked at, instead of raising
        if folder is None:
            return OwnRules()
        raise InputError(f"there are no rules at '{place}'; --rules takes a folder of TOML files, or one of them")
    digest = hashlib.sha256()
    rows: dict[str, list[RuleRow]] = {name: [] for name in OWN_ARRAYS}
    for path in [place] if not place.is_dir() else sorted(place.rglob("*.toml")):
        own = read_toml(path, "the rules")
        digest.update(own.text.encode() + b"\0")
        for name, found in read_arrays(str(path), own.table, OWN_ARRAYS, is_own=True).items():
            rows[name] += found
    kept = {name: tuple(items) for name, items in rows.items()}
    return OwnRules(kept, digest.hexdigest() if any(kept.values()) else "")


def hash_bundled() -> str:
    """Hash all bundled tables."""
    digest = hashlib.sha256()
    for table in _list_tables(files(_BUNDLED)):
        digest.update(table.name.encode() + b"\0" + table.read_bytes())
    return digest.hexdigest()


def _list_tables(folder: Traversable) -> list[Traversable]:
    found: list[Traversable] = []
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            found += _list_tables(entry)
        elif entry.name.endswith((".toml", ".json")):
            found.append(entry)
    return found
