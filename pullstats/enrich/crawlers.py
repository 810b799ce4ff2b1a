"""Tell crawlers by the patterns of the project crawler-user-agents, which stand behind our own tables.

Nearly all of the 1,498 patterns are plain texts: those are found through their first characters,
so an agent is looked at once and not once per pattern.

Source: https://github.com/monperrus/crawler-user-agents at 7c7f9f2 (MIT), `data/crawlers.json`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

_GRAM: Final = 3
_PLAIN: Final = re.compile(r"(?:[^\\^$.|?*+()\[\]{}]|\\[/.\-+():;,'! ])+")
_ESCAPED: Final = re.compile(r"\\(.)")
_NAME: Final = re.compile(r"[^a-z0-9.]+")


class _Index(NamedTuple):
    by_gram: dict[str, tuple[str, ...]]
    pattern: re.Pattern[str]


def find_crawler_name(text: str) -> str | None:
    """Find the crawler that an agent belongs to.

    Args:
        text: agent as sent.

    Returns:
        Its name in lower case, words joined by `-`; None if no pattern is in the agent.
    """
    index = _load()
    by_gram = index.by_gram
    for place in range(len(text) - _GRAM + 1):
        for word in by_gram.get(text[place : place + _GRAM], ()):
            if text.startswith(word, place):
                return _name(word)
    found = index.pattern.search(text)
    return _name(found[0]) if found else None


@cache
def _load() -> _Index:
    patterns: list[str] = json.loads((files("pullstats.enrich.data") / "crawlers.json").read_text(encoding="utf-8"))
    plain = [_ESCAPED.sub(r"\1", pattern) for pattern in patterns if _PLAIN.fullmatch(pattern)]
    others = [pattern for pattern in patterns if not _PLAIN.fullmatch(pattern)]
    grams: dict[str, list[str]] = {}
    for word in sorted(plain, key=len, reverse=True):
        if len(word) < _GRAM:
            others.append(re.escape(word))
        else:
            grams.setdefault(word[:_GRAM], []).append(word)
    return _Index({gram: tuple(words) for gram, words in grams.items()}, re.compile("|".join(f"(?:{pattern})" for pattern in others)))


def _name(found: str) -> str | None:
    return _NAME.sub("-", found.lower()).strip("-.") or "bot"
