"""Read operating system and architecture out of the names of files and packages.

Every way of writing a platform is a vocabulary in `rules/platforms.toml`: two patterns and a table
of words. To add one: add a table there, and a case.

Sources stand in that file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import polars as pl

from pullstats.enrich.tables import read_table

_NOTHING: Final = pl.lit(None, pl.String)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One way of writing platforms.

    Attributes:
        os_patterns: patterns for the operating system, asked in order; the word is in a group.
        arch_patterns: the same for the architecture.
        os_words: GOOS-like name of each word, in lower case.
        arch_words: GOARCH-like name of each word, in lower case.
    """

    os_patterns: tuple[str, ...]
    arch_patterns: tuple[str, ...]
    os_words: dict[str, str]
    arch_words: dict[str, str]


@cache
def load_vocabularies() -> dict[str, Vocabulary]:
    """Read `rules/platforms.toml`: the vocabularies by name."""
    tables = read_table("platforms.toml")
    shared = tables["words"]
    return {name: _vocabulary(table, shared) for name, table in tables.items() if name != "words"}


def _vocabulary(table: dict[str, Any], shared: dict[str, dict[str, str]]) -> Vocabulary:
    own = table.get("words", {})
    return Vocabulary(
        os_patterns=tuple(table[key] for key in ("os", "os_else") if key in table),
        arch_patterns=tuple(table[key] for key in ("arch", "arch_else") if key in table),
        os_words=shared["os"] | own.get("os", {}),
        arch_words=shared["arch"] | own.get("arch", {}),
    )


def read_platform(text: pl.Expr, vocabulary: str) -> tuple[pl.Expr, pl.Expr]:
    """Read the platform that a text states.

    Args:
        text: a name or a part of one; may be null.
        vocabulary: which of `load_vocabularies()` it is written in.

    Returns:
        Operating system and architecture as String expressions, null where the text does not say.
    """
    words = load_vocabularies()[vocabulary]
    return _look_up(text, words.os_patterns, words.os_words), _look_up(text, words.arch_patterns, words.arch_words)


def _look_up(text: pl.Expr, patterns: tuple[str, ...], words: dict[str, str]) -> pl.Expr:
    if not patterns:
        return _NOTHING
    found = pl.coalesce(text.str.extract(pattern, group) for pattern in patterns for group in range(1, pattern.count("(?P<") + 1))
    return found.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.String)
