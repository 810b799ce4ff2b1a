"""In which order versions of an ecosystem came, by the ecosystem's own rules.

To add one: a function from a text to its place, None where the rules know no such version, and an entry in `_RULES`.

Sources: PEP 440 (the `packaging` library); Semantic Versioning 2.0, section 11, which npm, Cargo, Go, Hex, Helm and
NuGet follow (NuGet whatever the case), and tags of images and of GitHub by custom, with any count of numbers; Gem::Version;
PHP's version_compare, which Composer goes by; deb-version(7); rpm's rpmvercmp; and what `version_orders` names.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from itertools import zip_longest
from typing import Any, Final

from pullstats.metrics.version_orders.alpine import place_alpine
from pullstats.metrics.version_orders.conda import place_conda
from pullstats.metrics.version_orders.maven import place_maven

LONGEST: Final = 128
"""What is longer is no version that anybody gave."""
_NUMBERED: Final = re.compile(r"v?(?P<core>[0-9]{1,18}(?:\.[0-9]{1,18})*)(?:-(?P<before>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII)
_DEBIAN: Final = re.compile(r"(?:(?P<epoch>[0-9]{1,9}):)?(?P<upstream>[0-9][A-Za-z0-9.+~:-]*?)(?:-(?P<revision>[A-Za-z0-9+.~]+))?", re.ASCII)
_RPM: Final = re.compile(r"(?:(?P<epoch>[0-9]{1,9}):)?(?P<version>[A-Za-z0-9._+~^]+)(?:-(?P<release>[A-Za-z0-9._+~^]+))?", re.ASCII)
_GEM: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9A-Za-z]{1,18})*", re.ASCII)
_COMPOSER: Final = re.compile(
    r"v?(?P<core>[0-9]{1,18}(?:\.[0-9]{1,18})*)(?:[._-]?(?P<word>stable|beta|b|rc|alpha|a|patch|pl|p)(?:[.-]?(?P<number>[0-9]{1,18}))?)?(?:\+[0-9a-z.-]+)?",
    re.ASCII,
)
_STABILITIES: Final = {"a": 0, "b": 1, "r": 2, "s": 3, "p": 4}
"""Of what stands behind the numbers, by its first letter: alpha, beta, RC, stable, patch."""
_DATE: Final = re.compile(r"(?:release[.-])?([0-9]{4})-([0-9]{2})-([0-9]{2})(?:t([0-9]{2})-([0-9]{2})-([0-9]{2})z)?", re.ASCII | re.IGNORECASE)
_COMING: Final = re.compile(
    r"(?:alpha|beta|rc|pre|preview|dev|snapshot|nightly|canary|next|milestone|ea|test|unstable|edge|a|b|m)(?:[^a-z]|$)", re.ASCII | re.IGNORECASE
)
"""What stands behind the numbers of a tag that comes before its release; anything else is a variant of it, as `-alpine`."""
_CORE: Final = re.compile(r"(?P<sign>v?)(?P<epoch>[0-9]{1,9}[!:])?(?P<numbers>[0-9]{1,18}(?:\.[0-9]{1,18})*)", re.ASCII)
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


def is_coming(ecosystem: str | None, text: str) -> bool:
    """Tell a version that comes before the release its numbers name: a candidate, a snapshot.

    Example:
        >>> [is_coming(*version) for version in (("pypi", "1.10rc1"), ("pypi", "1.10.post1"), ("oci", "1.10-alpine"), ("deb", "1.10~rc1"))]
        [True, False, False, True]
    """
    core, place = _CORE.match(text), place_version(ecosystem, text)
    if core is None or place is None or core[0] == text:
        return False
    release = place_version(ecosystem, core[0])
    return release is not None and bool(place < release)


def name_line(text: str, parts: int = 2) -> str | None:
    """Name the line a version belongs to: its first numbers, 1.4 of v1.4.2; None of what begins with none.

    Args:
        text: a version.
        parts: how many numbers make a line: 1 the major, 2 the minor.
    """
    date = _DATE.fullmatch(text)
    if date is not None:
        return "-".join(date.groups()[:parts])
    core = _CORE.match(text)
    return f"{core['epoch'] or ''}{'.'.join(core['numbers'].split('.')[:parts])}" if core else None


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


def _place_tag(text: str) -> Place | None:
    """Tell where a tag stands: a version, of which variants come behind it, or a day."""
    date = _DATE.fullmatch(text)
    if date is not None:
        return [int(number or 0) for number in date.groups()], _LAST, ()
    place, match = place_semantic(text), _NUMBERED.fullmatch(text)
    if place is None or match is None or match["before"] is None or _COMING.match(match["before"]):
        return place
    return place[0], (2,), place[2]


def _place_nuget(text: str) -> Place | None:
    return place_semantic(text.lower())


def _place_composer(text: str) -> Place | None:
    match = _COMPOSER.fullmatch(text.lower())
    if match is None:
        return None
    numbers = [int(number) for number in match["core"].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers, _STABILITIES[(match["word"] or "stable")[0]], int(match["number"] or 0)


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


_SEMANTIC: Final = ("npm", "cargo", "golang", "hex", "helm")
_TAGGED: Final = ("oci", "github", "generic")
_RULES: Final[dict[str, Callable[[str], Place | None]]] = {
    **dict.fromkeys(_SEMANTIC, place_semantic),
    **dict.fromkeys(_TAGGED, _place_tag),
    "nuget": _place_nuget,
    "composer": _place_composer,
    "maven": place_maven,
    "conda": place_conda,
    "apk": place_alpine,
    "pypi": _place_python,
    "gem": _place_gem,
    "deb": _place_debian,
    "rpm": _place_rpm,
}
"""Ecosystems whose order is known."""
