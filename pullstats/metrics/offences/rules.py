"""The kinds of waste as data: thresholds and words from `offences.toml`, with numbers of one's own over them.

To add one: a table in `offences.toml`, and what finds it in `detectors.DETECTORS`.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl

from pullstats.errors import InputError, unknown_name
from pullstats.reports import Column, Report
from pullstats.toml_files import read_toml

_FILE: Final = Path(__file__).parent / "offences.toml"
_WORDS: Final = ("title", "what", "evidence", "advice", "by")
_ENABLED: Final = "enabled"
_MOST: Final = 1e9


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of waste.

    Attributes:
        name: as `--kind` takes it.
        title: in a few words.
        what: what it is, in a sentence.
        evidence: form of the sentence that tells what was seen.
        advice: what would end it.
        thresholds: its numbers by name.
        by: whose it is, unless another level is asked for.
    """

    name: str
    title: str
    what: str
    evidence: str
    advice: str
    thresholds: Mapping[str, float]
    by: str = "origin"

    def __getitem__(self, name: str) -> float:
        """Give a threshold."""
        return self.thresholds[name]


@dataclass(frozen=True, slots=True)
class OffenceRules:
    """All kinds that are looked for.

    Attributes:
        label: name and version, with a hash of one's own numbers where there are some.
        kinds: by name, in the order of the file.
    """

    label: str
    kinds: Mapping[str, Kind]


@cache
def _bundled() -> OffenceRules:
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    version = table.pop("version")
    return OffenceRules(f"offences@{version}", {name: _read_kind(name, values) for name, values in table.items()})


def _read_kind(name: str, values: Mapping[str, Any]) -> Kind:
    thresholds = {key: value for key, value in values.items() if key not in _WORDS}
    title, what, evidence, advice = (values[word] for word in _WORDS[:4])
    return Kind(name, title, what, evidence, advice, thresholds, values.get("by", "origin"))


def load_offences(path: Path | None = None) -> OffenceRules:
    """Load the kinds of waste.

    Args:
        path: a file with numbers of one's own; None for the bundled ones alone.

    Raises:
        InputError: the file cannot be read, or holds what is no number of a kind; with the nearest name.
    """
    bundled = _bundled()
    if path is None:
        return bundled
    own = read_toml(path, "--offences")
    table = own.table
    kinds = dict(bundled.kinds)
    for name, values in table.items():
        if name not in kinds:
            noun = f"kind of waste in --offences '{path}'"
            raise InputError(str(unknown_name(noun, name, kinds)))
        kinds[name] = _set_numbers(kinds[name], values, path)
    left = {name: kind for name, kind in kinds.items() if _is_enabled(table.get(name, {}), name, path)}
    return OffenceRules(f"{bundled.label} with {path.name} {hashlib.sha256(own.text.encode()).hexdigest()[:8]}", left)


def list_kinds(rules: OffenceRules) -> Report:
    """Give a row for each kind: what it is, its thresholds, and what would end it."""
    rows = [(kind.name, kind.what, write_thresholds(kind), kind.advice) for kind in rules.kinds.values()]
    names = ("kind", "what", "thresholds", "advice")
    columns = tuple(Column(name, name, "bucket" if name == "kind" else "prose") for name in names)
    return Report(pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row"), columns, footer=rules.label)


def write_thresholds(kind: Kind) -> str:
    """Write the numbers of a kind: least 10, share 0.5."""
    return ", ".join(f"{name} {value:,.10g}" for name, value in kind.thresholds.items())


def _set_numbers(kind: Kind, values: object, path: Path) -> Kind:
    if not isinstance(values, dict):
        raise InputError(f"'{kind.name}' in --offences '{path}' is no table; write [{kind.name}] and its numbers below it")
    numbers = {key: value for key, value in values.items() if key != _ENABLED}
    for key, value in numbers.items():
        if key not in kind.thresholds:
            noun = f"number of [{kind.name}] in --offences '{path}'"
            raise InputError(str(unknown_name(noun, key, [*kind.thresholds, _ENABLED])))
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
            raise InputError(f"{key} of [{kind.name}] in --offences '{path}' is no number from 0 to 1,000,000,000: {value!r}")
    return replace(kind, thresholds={**kind.thresholds, **numbers})


def _is_enabled(values: Mapping[str, Any], name: str, path: Path) -> bool:
    is_enabled = values.get(_ENABLED, True)
    if not isinstance(is_enabled, bool):
        raise InputError(f"enabled of [{name}] in --offences '{path}' is neither true nor false: {is_enabled!r}")
    return is_enabled
