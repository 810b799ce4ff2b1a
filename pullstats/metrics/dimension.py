"""What a dimension is: how events are grouped and compared by it, and how its values are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import polars as pl

from pullstats.errors import UsageError, unknown_name
from pullstats.ids import ID_DIGITS, begins_with

ValueType = Literal["text", "number", "boolean"]
UNKNOWN: Final = "unknown"
"""What stands in tables where a value is missing."""
LEAST_ID: Final = 6
"""Digits of an id that name it in a filter, where no other begins so."""
_ID: Final = re.compile(f"[0-9a-f]{{{LEAST_ID},{2 * ID_DIGITS}}}")


@dataclass(frozen=True, slots=True)
class Dimension:
    """A way to group events.

    Attributes:
        name: as `--by` takes it.
        expr: from a time zone to the value of each event.
        help: what its values are.
        type: how `--where` reads a value.
        values: all values it can have, in the order in which they sort; empty where there is no telling.
        aliases: other spellings of these, lower case.
        is_ordered: rows come in the order of the values, not of a metric.
        has_unknown: `unknown` is itself a value, for what nobody knows.
        told_by: where its values come from, where a store may well have none.
        hash_of: what its values are keyed hashes of, where they are.
    """

    name: str
    expr: Callable[[str], pl.Expr]
    help: str
    type: ValueType = "text"
    values: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    is_ordered: bool = False
    has_unknown: bool = False
    told_by: str = ""
    hash_of: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Event columns that its values are made of."""
        return tuple(dict.fromkeys(self.expr("UTC").meta.root_names()))

    @property
    def key(self) -> str:
        """Name in JSON and CSV."""
        return re.sub("[-.]", "_", self.name)

    def begins_with(self, digits: str) -> pl.Expr:
        """Tell which events have an id that begins with some digits; null where they have none."""
        return begins_with(pl.col(self.columns[0]), digits)

    def name_value(self, text: str) -> str:
        """Give a value as events have it: of those known beforehand also by another spelling, of an id its first digits.

        Raises:
            UsageError: it can have no such value, with the nearest one.
        """
        if self.hash_of:
            if not _ID.fullmatch(text.strip().lower()):
                raise UsageError(
                    f"{self.hash_of} are kept only as keyed hashes, so none can be asked for by itself; write {LEAST_ID} or more digits "
                    f"of an id, as --by {self.name} lists them"
                )
            return text.strip().lower()[:ID_DIGITS]
        if not self.values or text in self.values:
            return text
        lowered = text.strip().lower()
        found = self.aliases.get(lowered) or next((value for value in self.values if value.lower() == lowered), None)
        if found is None:
            near = unknown_name(self.name, lowered, [*self.values, *self.aliases])
            raise near if "did you mean" in str(near) else unknown_name(self.name, lowered, self.values)
        return found
