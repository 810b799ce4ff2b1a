"""What was seen, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from pullstats.metrics.offences.rules import Kind
from pullstats.metrics.offences.waste import KIND

EVIDENCE: Final = "evidence"
_LONGEST: Final = 120


def add_evidence(rows: pl.DataFrame, kinds: Mapping[str, Kind]) -> pl.DataFrame:
    """Add a sentence to each row of a tally that tells what was seen.

    Args:
        rows: as `Tally` holds them.
        kinds: those that are looked for, by name.

    Returns:
        The rows with a column `EVIDENCE`.
    """
    texts = [tell_evidence(row, kinds[row[KIND]]) for row in rows.to_dicts()]
    return rows.with_columns(pl.Series(EVIDENCE, texts, pl.String))


def tell_evidence(row: Mapping[str, Any], kind: Kind) -> str:
    """Tell what was seen of one kind: 312 GETs of manifests that it had, and no layer after them; mostly orchard/api (310), by skopeo 1.9.3."""
    days_word = "day" if row["days"] == 1 else "days"
    told_by = tell_builds(row["by_class"], row["requests"])
    return kind.evidence.format(**row, days_word=days_word, told_by=told_by, mostly=f"; {name_thing(row)}, by {name_client(row)}")


def tell_builds(by_class: int, requests: int) -> str:
    """Say how builds are known as such: of so many `requests`, `by_class` by how their origins ask, the others as they say themselves."""
    if not by_class:
        return "CI as the clients say"
    return "CI by how they ask (class ci)" if by_class == requests else f"CI as the clients say, but for {by_class:,} by how they ask (class ci)"


def name_thing(row: Mapping[str, Any]) -> str:
    """Name what was asked for most, and how often where there was more."""
    thing = shorten(row["package"] or row["path"] or "what has no name")
    return thing if row["top"] == row["requests"] else f"mostly {thing} ({row['top']:,})"


def name_client(row: Mapping[str, Any]) -> str:
    """Name a client with its version."""
    return shorten(" ".join(filter(None, (row["client"] or "an unknown client", row["client_version"]))))


def shorten(text: str, most: int = _LONGEST) -> str:
    """Cut a text that a client chose to a length that can be read."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def join_words(words: Sequence[str]) -> str:
    """Join words to a list: a, b and c."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1] if words else "")))
