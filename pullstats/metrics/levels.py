"""Unique levels: whom one counts once, an origin, its endpoint, its network, its organisation or its user.

To add one: an entry in `UNIQUE_LEVELS` for the metric that counts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pullstats.errors import UsageError, unknown_name
from pullstats.metrics.definitions import METRICS
from pullstats.metrics.metric import Metric
from pullstats.metrics.synonyms import name_dimension, name_metric

UNIQUE_LEVELS: Final[dict[str, str]] = {
    "origin": "origins",
    "endpoint": "endpoints",
    "network": "networks",
    "org": "orgs",
    "user": "users",
}
"""`--unique-by` and the metric that counts it."""
LEVELS: Final = ("network", "endpoint", "origin", "org", "user")
"""All of them, from what is usually least to what is most."""


def level_metric(level: str) -> Metric:
    """Give the metric that counts a level, by its name in `UNIQUE_LEVELS`."""
    return METRICS[UNIQUE_LEVELS[level]]


def find_level(text: str) -> str:
    """Give our name of what somebody calls a unique level, in the singular or as the metric that counts it.

    Args:
        text: as typed; words that are no level stay as they are.
    """
    counted = {name: level for level, name in UNIQUE_LEVELS.items()}
    return text if text in UNIQUE_LEVELS else counted.get(name_metric(text), name_dimension(text))


def find_unique_metric(level: str) -> str:
    """Name the metric that counts a unique level.

    Raises:
        UsageError: there is no such level.
    """
    return UNIQUE_LEVELS[_check_level(find_level(level))]


def find_levels(names: Sequence[str]) -> tuple[str, ...]:
    """Look unique levels up, each once.

    Args:
        names: as they were typed.

    Raises:
        UsageError: there is no such level, or none is named.
    """
    levels = tuple(_check_level(level) for level in dict.fromkeys(map(find_level, names)))
    if not levels:
        raise UsageError(f"--level names none; write some of {', '.join(LEVELS)}, with commas")
    return levels


def _check_level(level: str) -> str:
    if level not in UNIQUE_LEVELS:
        noun = "unique level"
        raise unknown_name(noun, level, UNIQUE_LEVELS)
    return level


def name_level(level: str, count: int) -> str:
    """Write so many (`count`) of a unique level in words: 1 origin, 5 organisations."""
    return level_metric(level).name_count(count)
