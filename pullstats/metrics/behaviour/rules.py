"""The table of classes: signs, how strong each is at which values of features, and what it says for or against a class.

A sign is a conjunction. Each feature it looks at goes from 0 at the first number to 1 at the second, and the sign
is as strong as the weakest of them. What classes have of all signs adds up like evidence in log odds
(a logistic model), `scale` makes it a probability, and the likeliest class is told unless it is
less likely than `least_score`. A file of one's own takes the place of what it names.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pullstats.errors import InputError, suggest
from pullstats.metrics.behaviour.feature_names import FEATURES, WORDS
from pullstats.metrics.vocabulary import CLASSES
from pullstats.toml_files import read_toml

BUNDLED: Final = "classes.toml"
_TABLES: Final = ("version", "scale", "least_score", "lend", "prior", "sign")
_SIGN: Final = ("name", "when", "weights", "words")
FIELD: Final = re.compile(r"\{([^{}]*)\}")
"""A feature in the words of a sign."""
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}@[0-9]{1,9}", re.ASCII)
_EXAMPLE: Final = 'version = "ours@1"'
_MOST: Final = 1000.0
"""No weight says more."""
_WIDEST: Final = 1e12


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of why somebody comes.

    Attributes:
        name: it, in a word or two.
        when: by feature, the value at which it is not there and the one at which it is.
        weights: by class, what it adds to the log odds.
        words: what is told of it as evidence, with the names of features in braces.
    """

    name: str
    when: tuple[tuple[str, float, float], ...]
    weights: Mapping[str, float]
    words: str


@dataclass(frozen=True, slots=True)
class ClassRules:
    """How features make a class.

    Attributes:
        label: name and version, printed with each answer.
        scale: what log odds are multiplied by.
        least_score: below it a class is not told.
        lend: share of an origin's log odds that counts for each package it asks for, where these are several.
        prior: by class, the log odds before any sign.
        signs: by name.
    """

    label: str
    scale: float
    least_score: float
    lend: float
    prior: Mapping[str, float]
    signs: Mapping[str, Sign]


@cache
def bundled_rules() -> ClassRules:
    """Read the bundled table."""
    return read_rules(tomllib.loads((files("pullstats.metrics.behaviour") / BUNDLED).read_text(encoding="utf-8")), BUNDLED, None)


def load_rules(path: Path) -> ClassRules:
    """Read a table of one's own, over the bundled one.

    Args:
        path: a TOML file.

    Raises:
        InputError: it cannot be read, or holds what has no meaning here.
    """
    return read_rules(read_toml(path, "the classes").table, str(path), bundled_rules())


def read_rules(table: Mapping[str, Any], place: str, under: ClassRules | None) -> ClassRules:
    """Read a table.

    Args:
        table: as TOML has it.
        place: the file, for messages.
        under: what holds where the table says nothing.

    Raises:
        InputError: a key, feature or class that there is not, or a value of another type.
    """
    _check(table, _TABLES, f"the classes '{place}'")
    rows = table.get("sign", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _fail(f"the classes '{place}'", "sign", "tables [[sign]]")
    read = [_read_sign(row, f"the classes '{place}': [[sign]] number {number}") for number, row in enumerate(rows, 1)]
    _refuse_twice(read, place)
    prior = _read_numbers(table.get("prior", {}), CLASSES, f"[prior] of the classes '{place}'", "class")
    usual = {"scale": under.scale if under else 1.0, "least_score": under.least_score if under else 0.0, "lend": under.lend if under else 0.0}
    scale, least, lend = (_read_number(table, key, usual[key], most, place) for key, most in (("scale", _MOST), ("least_score", 1.0), ("lend", 1.0)))
    label = _read_version(table.get("version"), place)
    return ClassRules(
        f"own classes {label} over {under.label}" if under else label,
        scale,
        least,
        lend,
        {**(under.prior if under else dict.fromkeys(CLASSES, 0.0)), **prior},
        {**(under.signs if under else {}), **{sign.name: sign for sign in read}},
    )


def _read_version(value: object, place: str) -> str:
    """Read the name and number by which answers call a table."""
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise _fail(f"the classes '{place}'", "version", f"a name and a number, as in {_EXAMPLE},")
    return value


def _refuse_twice(signs: Sequence[Sign], place: str) -> None:
    """Refuse two signs of one name, of which the second would hide the first."""
    names = [sign.name for sign in signs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"the classes '{place}' have two [[sign]] called '{twice}'; give one of them another name")


def _read_sign(row: Mapping[str, Any], place: str) -> Sign:
    _check(row, _SIGN, place)
    for key in ("name", "words"):
        if not isinstance(row.get(key, "" if key == "words" else None), str):
            raise _fail(place, key, "a text")
    place = f"{place} ({row['name']})"
    when = row.get("when", {})
    if not isinstance(when, dict) or not when:
        raise _fail(place, "when", "features, as in when = { regular = [0.3, 0.7] }")
    _check(when, FEATURES, place, "feature")
    ramps = [(feature, *_read_ramp(ends, feature, place)) for feature, ends in when.items()]
    words = row.get("words", "")
    _check(FIELD.findall(words), WORDS, f"{place}, in its words,", "feature")
    return Sign(row["name"], tuple(ramps), _read_numbers(row.get("weights", {}), CLASSES, place, "class"), words)


def _read_ramp(ends: object, feature: str, place: str) -> tuple[float, float]:
    if not isinstance(ends, list) or len(ends) != len(("none", "full")) or not all(_is_number(end) for end in ends) or ends[0] == ends[1]:
        raise _fail(place, feature, "two different numbers, where the sign is not there and where it is")
    return float(ends[0]), float(ends[1])


def _read_numbers(values: object, known: Iterable[str], place: str, noun: str) -> dict[str, float]:
    if not isinstance(values, dict):
        raise _fail(place, noun, "a table of numbers")
    _check(values, known, place, noun)
    for name, value in values.items():
        if not _is_number(value):
            raise _fail(place, name, f"a number from {-_MOST:g} to {_MOST:g}")
    return {name: float(value) for name, value in values.items()}


def _read_number(table: Mapping[str, Any], key: str, usual: float, most: float, place: str) -> float:
    value = table.get(key, usual)
    if not _is_number(value) or not 0 <= value <= most:
        raise _fail(f"the classes '{place}'", key, f"a number from 0 to {most:g}")
    return float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_WIDEST <= value <= _WIDEST


def _check(names: Iterable[str], known: Iterable[str], place: str, noun: str = "key") -> None:
    allowed = frozenset(known)
    for name in names:
        if name not in allowed:
            raise InputError(f"{place} has no {noun} '{name}'; {suggest(name, allowed, 0.5)}")


def _fail(place: str, key: str, wanted: str) -> InputError:
    return InputError(f"{place} needs {wanted} as {key}")
