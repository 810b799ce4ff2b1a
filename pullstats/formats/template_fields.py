"""Cut a template at its separators into fields, so that lines can be read without a pattern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pullstats.formats.template import Part, Slot
from pullstats.formats.variables import BLANKS, REST


@dataclass(frozen=True, slots=True)
class TemplateField:
    """What stands between two blanks of a template.

    Attributes:
        variable: name of the value, None for a literal.
        prefix: literal in front of the value (`[`).
        suffix: literal behind it (`]`).
        is_quoted: the value stands in double quotes.
    """

    variable: str | None
    prefix: str = ""
    suffix: str = ""
    is_quoted: bool = False


def _words(parts: Sequence[Part], separator: str) -> list[list[Part]]:
    """Cut parts at a separator."""
    words: list[list[Part]] = [[]]
    for part in parts:
        if isinstance(part, Slot):
            words[-1].append(part)
            continue
        first, *others = part.split(separator)
        words[-1].append(first)
        words += [[other] for other in others]
    return [[part for part in word if part != ""] for word in words]


def cut_fields(parts: Sequence[Part], separator: str) -> tuple[TemplateField, ...] | None:
    """Cut a template at its separators; None where that does not give one value a field."""
    literals = "".join(part if isinstance(part, str) else "\x00" for part in parts)
    if not literals or "  " in literals or literals != literals.strip() or "\\" in literals:
        return None
    if separator != " " and isinstance(parts[-1], Slot) and parts[-1].name == REST:
        return None
    fields: list[TemplateField] = []
    for word in _words(parts, separator):
        found = _word_fields(word, is_blank=separator == " ")
        if found is None:
            return None
        fields += found
    return tuple(fields)


def _word_fields(word: Sequence[Part], *, is_blank: bool) -> list[TemplateField] | None:
    """Make fields of what stands between two separators: one, or two of a time and its zone."""
    slots = [index for index, part in enumerate(word) if isinstance(part, Slot)]
    text = "".join(part for part in word if isinstance(part, str))
    if len(slots) > 1 or (not slots and is_blank and '"' in text):
        return None
    if not slots:
        return [TemplateField(None, prefix=text)]
    slot = word[slots[0]]
    assert isinstance(slot, Slot)
    prefix = "".join(part for part in word[: slots[0]] if isinstance(part, str))
    suffix = "".join(part for part in word[slots[0] + 1 :] if isinstance(part, str))
    if is_blank and prefix == suffix == '"':
        return [TemplateField(slot.name, is_quoted=True)]
    if is_blank and slot.name == "time_local" and '"' not in text:
        return [TemplateField("time_local", prefix=prefix), TemplateField("time_zone", suffix=suffix)]
    is_wide = slot.bare is not None or (slot.pattern in BLANKS and slot.name != "remote_user")
    return None if is_blank and ('"' in text or is_wide) else [TemplateField(slot.name, prefix, suffix)]
