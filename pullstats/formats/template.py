"""What a language of log formats makes of a text: literals, and places where values stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pullstats.formats.conversions import Conversion
from pullstats.formats.variables import KEPT, bare_pattern

TARGET: Final = ("request", "request_uri", "uri")
"""Variables that say what was asked for."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of a template where a value stands.

    Attributes:
        name: raw column of the value; a name that is not kept is read past.
        label: as its language spells it.
        bare: pattern of the value where no quotes bound it; None for that of the variable.
    """

    name: str
    label: str
    bare: str | None = None

    @property
    def is_kept(self) -> bool:
        """The value is needed: it is a variable's, or is made into one."""
        return self.name in KEPT or self.bare is not None

    @property
    def pattern(self) -> str:
        """Pattern of the value where no quotes bound it."""
        return bare_pattern(self.name) if self.bare is None else self.bare


Part = str | Slot
"""A literal or a slot."""


@dataclass(frozen=True, slots=True)
class Template:
    """What a language makes of a text.

    Attributes:
        text: as given.
        parts: literals and slots in turn.
        conversions: what is made of the values of slots.
    """

    text: str
    parts: tuple[Part, ...]
    conversions: tuple[Conversion, ...] = ()

    @property
    def slots(self) -> list[Slot]:
        """The slots, in order."""
        return [part for part in self.parts if isinstance(part, Slot)]

    @property
    def literals(self) -> list[str]:
        """What stands between the slots, in order."""
        return [part for part in self.parts if isinstance(part, str)]

    @property
    def says(self) -> frozenset[str]:
        """Variables that lines in it give."""
        return frozenset({slot.name for slot in self.slots} | {variable for item in self.conversions for variable in item.gives})
