"""What several questions of one state of a store find alike, found once: classes, and who asked."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Findings:
    """Keeps what was found; of questions that read the same events alone."""

    _kept: dict[Hashable, Any] = field(default_factory=dict)

    def find(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give what is kept under a key, made now if it is not yet.

        Args:
            key: all that it depends on besides the events.
            make: makes it.
        """
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found
