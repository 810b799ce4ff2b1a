"""How hard the tests try: a short sample in `make test`, the whole and many times as much in `make soak`."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import product
from typing import Any, Final, TypeVar

from hypothesis import settings

SOAK: Final = int(os.environ.get("PULLSTATS_SOAK", "0"))
"""How many times a soak tries all there is to try; 0 in `make test`."""
_SHARE: Final = 10
"""A usual run tries one example of so many."""
_LEAST: Final = 5
_ITEMS: Final = 5
"""A usual run tries one item of a table of so many."""

Item = TypeVar("Item")


def count_examples(count: int) -> int:
    """Give how many of so many examples are tried now."""
    return count * SOAK if SOAK else min(count, max(count // _SHARE, _LEAST))


def examples(count: int) -> settings:
    """Let a property be tried on so many examples in a soak, on a tenth of them in `make test`."""
    return settings(max_examples=count_examples(count))


def some(items: Iterable[Item], of: int = _ITEMS, *, first: int = 0) -> list[Item]:
    """Give every item in a soak, and one of so many in `make test`: the same ones in every run."""
    return list(items) if SOAK else list(items)[first::of]


def of_each(items: Mapping[str, Item], kind: Callable[[Item], Hashable]) -> list[str]:
    """Name every item in a soak, and in `make test` the first of each kind."""
    names = {kind(item): name for name, item in reversed(list(items.items()))}
    return list(items) if SOAK else [name for name in items if name in set(names.values())]


def across(*axes: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Give all combinations in a soak; in `make test` as many as the longest axis has values, so that each value of each axis is among them."""
    values = [list(axis) for axis in axes]
    longest = max(map(len, values))
    return (
        list(product(*values)) if SOAK else [tuple(axis[(turn + place) % len(axis)] for place, axis in enumerate(values)) for turn in range(longest)]
    )
