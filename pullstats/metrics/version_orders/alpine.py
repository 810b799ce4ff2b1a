"""The order of Alpine's versions: numbers, a letter, suffixes such as _rc1 or _git2024, and the build (-r3).

Source: apk-package(5) "Package version", apk-tools' version.c and its test data.
"""

from __future__ import annotations

import re
from typing import Final

_TEXT: Final = re.compile(
    r"(?P<numbers>(?:0|[1-9][0-9]{0,17})(?:\.(?:0|[1-9][0-9]{0,17}))*)(?P<letter>[a-z]?)(?P<suffixes>(?:_[a-z]+[0-9]{0,18})*)(?:-r(?P<build>[0-9]{1,9}))?",
    re.ASCII,
)
"""Numbers that begin with 0 follow a rule of their own: these have no place."""
_BEFORE: Final = ("alpha", "beta", "pre", "rc")
_BEHIND: Final = ("cvs", "svn", "git", "hg", "p")
_RANKS: Final = {name: place for place, name in enumerate((*_BEFORE, "", *_BEHIND))}


def place_alpine(text: str) -> object | None:
    """Tell where a version stands; None of what apk takes for none."""
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    suffixes = [(name, int(number or 0)) for name, number in re.findall(r"_([a-z]+)([0-9]*)", match["suffixes"])]
    if any(name not in _RANKS for name, _ in suffixes):
        return None
    ranks = [(_RANKS[name], number) for name, number in suffixes]
    return [int(number) for number in match["numbers"].split(".")], match["letter"], [*ranks, (_RANKS[""], 0)], int(match["build"] or 0)
