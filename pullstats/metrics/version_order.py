"""In which order versions of an ecosystem came, by the ecosystem's own rules.

To add one: a function from a text to its place, None where the rules know no such version, and an entry in `_RULES`.

Sources: PEP 440 (the `packaging` library); Semantic Versioning 2.0, section 11, which npm, Cargo, Go, Hex, Helm,
NuGet and Composer follow, and tags of images and of GitHub by custom, with any count of numbers; Gem::Version;
deb-version(7); rpm's rpmvercmp.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from itertools import zip_longest
from typing import Any, Final

LONGEST: Final = 128
"""What is longer is no version that anybody gave."""
_NUMBERED: Final = re.compile(r"v?(?P<core>[0-9]{1,18}(?:\.[0-9]{1,18})*)(?:-(?P<before>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII)
_DEBIAN: Final = re.compile(r"(?:(?P<epoch>[0-9]{1,9}):)?(?P<upstream>[0-9][A-Za-z0-9.+~:-]*?)(?:-(?P<revision>[A-Za-z0-9+.~]+))?", re.ASCII)
_RPM: Final = re.compile(r"(?:(?P<epoch>[0-9]{1,9}):)?(?P<version>[A-Za-z0-9._+~^]+)(?:-(?P<release>[A-Za-z0-9._+~^]+))?", re.ASCII)
_GEM: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9A-Za-z]{1,18})*", re.ASCII)
_LAST: Final = (1,)

Place = Any
"""What sorts as the version does among those of its ecosystem."""


def place_version(ecosystem: str | None, text: str) -> Place | None:
    """Tell where a version stands among those of its ecosystem; None where its rules put it nowhere.

    Example:
        >>> sorted(["1.10", "1.9", "1.10rc1"], key=lambda version: place_version("pypi", version))
        ['1.9', '1.10rc1', '1.10']
        >>> place_version("pypi", "nightly") is None
        True
    """
    rule = _RULES.get(ecosystem or "")
    return rule(text) if rule is not None and len(text) <= LONGEST else None


def count_parts(text: str) -> int:
    """Count the numbers of a version (1.4: two); 0 of what is none, such as a branch."""
    match = _NUMBERED.fullmatch(text) if len(text) <= LONGEST else None
    return match["core"].count(".") + 1 if match else 0


def is_final(text: str) -> bool:
    """Tell a version that nothing comes after its numbers of: no candidate, no variant."""
    match = _NUMBERED.fullmatch(text) if len(text) <= LONGEST else None
    return match is not None and match["before"] is None


def _place_python(text: str) -> Place | None:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - only where Python's versions are put in order

    try:
        return Version(text)
    except InvalidVersion:
        return None


def place_semantic(text: str) -> Place | None:
    """Tell where a version stands: numbers first, of which those that are missing are 0; then what comes before a release, part by part."""
    match = _NUMBERED.fullmatch(text)
    if match is None:
        return None
    numbers = [int(number) for number in match["core"].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    if match["before"] is None:
        return numbers, _LAST, ()
    return numbers, (0,), tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in match["before"].split("."))


def _place_gem(text: str) -> Place | None:
    return functools.cmp_to_key(_compare_gem)(text) if _GEM.fullmatch(text) else None


def _compare_gem(left: str, right: str) -> int:
    """Compare part by part, letters before numbers; what is missing is 0."""
    first, second = (
        [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.findall(r"[0-9]+|[A-Za-z]+", text)] for text in (left, right)
    )
    for one, other in zip_longest(first, second, fillvalue=(1, 0, "")):
        if one != other:
            return -1 if one < other else 1
    return 0


def _place_debian(text: str) -> Place | None:
    match = _DEBIAN.fullmatch(text)
    if match is None:
        return None
    return (
        int(match["epoch"] or 0),
        functools.cmp_to_key(_compare_debian)(match["upstream"]),
        functools.cmp_to_key(_compare_debian)(match["revision"] or ""),
    )


def _compare_debian(left: str, right: str) -> int:
    """Compare stretches of other characters and of digits in turn; `~` comes before the end, letters before marks."""
    while left or right:
        (left_text, left_number, left), (right_text, right_number, right) = (_split_debian(text) for text in (left, right))
        if left_text != right_text:
            return -1 if left_text < right_text else 1
        if left_number != right_number:
            return -1 if left_number < right_number else 1
    return 0


def _split_debian(text: str) -> tuple[list[int], int, str]:
    match = re.match(r"([^0-9]*)([0-9]*)", text)
    assert match is not None
    weights = [-1 if character == "~" else ord(character) if character.isalpha() else ord(character) + 256 for character in match[1]]
    return [*weights, 0], int(match[2] or 0), text[match.end() :]


def _place_rpm(text: str) -> Place | None:
    match = _RPM.fullmatch(text)
    if match is None:
        return None
    return int(match["epoch"] or 0), functools.cmp_to_key(_compare_rpm)(match["version"]), functools.cmp_to_key(_compare_rpm)(match["release"] or "")


def _compare_rpm(left: str, right: str) -> int:
    """Compare runs of digits and of letters in turn: digits are newer than letters, `~` is older than the end, `^` newer than the end and older than more."""
    first, second = (re.findall(r"[0-9]+|[A-Za-z]+|~|\^", text) for text in (left, right))
    for one, other in zip([*first, ""], [*second, ""], strict=False):
        if one == other:
            continue
        for mark, place in (("~", -1), ("^", 1)):
            if mark in (one, other):
                rest = other if one == mark else one
                is_older = place == -1 or rest != ""
                return (-1 if is_older else 1) * (1 if one == mark else -1)
        ranks = [(0, 0, "") if not part else (2, int(part), "") if part.isdigit() else (1, 0, part) for part in (one, other)]
        if ranks[0] != ranks[1]:
            return -1 if ranks[0] < ranks[1] else 1
    return 0


_SEMANTIC: Final = ("npm", "cargo", "golang", "hex", "helm", "nuget", "composer", "oci", "github")
_RULES: Final[dict[str, Callable[[str], Place | None]]] = {
    **dict.fromkeys(_SEMANTIC, place_semantic),
    "pypi": _place_python,
    "gem": _place_gem,
    "deb": _place_debian,
    "rpm": _place_rpm,
}
"""Ecosystems whose order is known."""
