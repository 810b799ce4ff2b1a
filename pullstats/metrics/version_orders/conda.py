"""The order of conda's versions.

Source: conda's own `VersionOrder`, as its documentation and tests tell it.
"""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import Final

_TEXT: Final = re.compile(r"(?:(?P<epoch>[0-9]{1,9})!)?(?P<version>[0-9a-z._]+)(?:\+(?P<local>[0-9a-z._]+))?", re.ASCII)
_DEVELOPED, _WORD, _NUMBER, _LATER = range(4)
_FILL: Final = (_NUMBER, 0, "")

Part = tuple[int, int, str]


def place_conda(text: str) -> object | None:
    """Tell where a version stands; None of what conda takes for none."""
    match = _TEXT.fullmatch(text.lower().replace("-", "_") if "_" not in text else text.lower())
    if match is None or not match["version"][0].isdigit():
        return None
    version, local = (_split(half or "") for half in (match["version"], match["local"]))
    if version is None or local is None:
        return None
    return int(match["epoch"] or 0), cmp_to_key(_compare)(version), cmp_to_key(_compare)(local)


def _split(text: str) -> list[list[Part]] | None:
    """Cut at dots and underscores, and each component where digits and letters meet; None where a component is empty."""
    found = []
    components = re.split(r"[._]", text) if text else []
    for component in components:
        if not component:
            return None
        parts = [_rank(word) for word in re.findall(r"[0-9]+|[a-z]+", component)]
        found.append(parts if component[0].isdigit() else [_FILL, *parts])
    return found


def _rank(word: str) -> Part:
    if word.isdigit():
        return (_NUMBER, int(word), "")
    if word == "post":
        return (_LATER, 0, "")
    return (_DEVELOPED, 0, "") if word == "dev" else (_WORD, 0, word)


def _compare(left: list[list[Part]], right: list[list[Part]]) -> int:
    missing: list[Part] = []
    for one, other in zip_longest(left, right, fillvalue=missing):
        for first, second in zip_longest(one, other, fillvalue=_FILL):
            if first != second:
                return -1 if first < second else 1
    return 0
