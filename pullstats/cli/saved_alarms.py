"""Alarms that a configuration saves: `[alerts.NAME]`, with a condition and what it looks at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

from pullstats.errors import InputError, UsageError, suggest, unknown_name

SAVED: Final = "pullstats.alerts"
"""Where a context keeps the `[alerts]` of the configuration."""

_OPTIONS: Final = {
    **{name: name.replace("-", "_") for name in ("window", "where", "by", "against", "limit", "count-as", "unique-by", "tz", "week-start")},
    **{name: name for name in ("drop", "rise", "below", "above")},
    "metric": "metrics",
    "class": "classes",
    "exclude-class": "exclude_classes",
    "exclude-kind": "exclude_kinds",
    "exclude-net": "exclude_nets",
}
"""What a saved alarm may say, and the option that it is."""


@dataclass(frozen=True, slots=True)
class SavedAlarms:
    """The tables of a configuration.

    Attributes:
        tables: what stands under `alerts`.
        path: the file.
        text: what is in it, to name lines.
    """

    tables: Any
    path: str
    text: str

    def find(self, name: str) -> dict[str, Any]:
        """Give the options of a saved alarm.

        Raises:
            UserError: there is none, or it says what no alarm may; with the line, and what to do.
        """
        if name not in self.names():
            raise unknown_name("alarm", name, self.names()) if self.tables else self._lack(name)
        table = self.tables[name]
        if not isinstance(table, Mapping):
            raise InputError(f'{self._place(name)} must be a table: write [alerts.{name}] over lines as drop = "30%"')
        return {self._check(name, key): self._read(name, key, value) for key, value in table.items()}

    def names(self) -> list[str]:
        """List what is saved, in the order of the file.

        Raises:
            InputError: `alerts` is no table.
        """
        if not isinstance(self.tables, Mapping):
            raise InputError(f'{self._place("")} must hold tables; write [alerts.NAME] over lines as drop = "30%"')
        return list(self.tables)

    def _lack(self, name: str) -> UsageError:
        return UsageError(f"no alarm '{name}' is saved; write [alerts.{name}] with a condition as drop = \"30%\" into {self.path}")

    def _check(self, name: str, key: str) -> str:
        if key not in _OPTIONS:
            raise InputError(f"{self._place(name, key)}: an alarm has no '{key}'; {suggest(key, _OPTIONS)}")
        return _OPTIONS[key]

    def _read(self, name: str, key: str, value: Any) -> Any:
        """Read a value: a text, or a whole number where one is meant."""
        if key == "limit" and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        is_number = key in {"below", "above"} and isinstance(value, int | float) and not isinstance(value, bool)
        if key != "limit" and (isinstance(value, str) or is_number):
            return str(value)
        wanted = "a whole number, as in limit = 20" if key == "limit" else f'a text, as in {key} = "…"'
        raise InputError(f"{self._place(name, key)}: {key} must be {wanted}")

    def _place(self, name: str, key: str = "") -> str:
        """Name where a table, or a key of it, stands."""
        lines = self.text.splitlines()
        called = r"\.\s*[\"']?" + re.escape(name) + r"[\"']?\s*" if name else ""
        head = re.compile(rf"\s*\[\s*alerts\s*{called}\]")
        start = next((number for number, line in enumerate(lines, 1) if head.match(line)), None)
        inside = re.compile(r"\s*[\"']?" + re.escape(key) + r"[\"']?\s*=") if key else None
        found = next((number for number, line in enumerate(lines, 1) if inside and start and number > start and inside.match(line)), start)
        return f"[alerts{f'.{name}' if name else ''}] of '{self.path}'{f', line {found}' if found else ''}"


def saved_alarms() -> SavedAlarms:
    """Give what the configuration of the running command saves."""
    found: SavedAlarms = click.get_current_context().meta.get(SAVED, SavedAlarms({}, "pullstats.toml", ""))
    return found
