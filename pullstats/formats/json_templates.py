r"""JSON that a server writes by a template: `{"t":"$time_iso8601","c":{"ip":"$remote_addr"},"s":$status}`.

The template is JSON once every bare directive stands in quotes. What it holds where tells the keys
of the log's lines; a value of several directives is taken apart by a pattern of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from pullstats.formats.conversions import Conversion, ConvertingReader
from pullstats.formats.json_keys import KeyTable, Path
from pullstats.formats.json_lines import JsonReader
from pullstats.formats.languages import Language, finish, split_parts, take_best
from pullstats.formats.line_patterns import pattern_pieces
from pullstats.formats.log_format import Reader
from pullstats.formats.template import Part, Slot, Template
from pullstats.formats.variables import FREE

_MAX_DEPTH: Final = 20


def parse_json_template(text: str, language: Language) -> Any:
    """Read a template as JSON; None if it is none even then, which a line of it will not be either."""
    try:
        return json.loads(_quote_bare(text, language.directive), strict=False)
    except (ValueError, RecursionError):
        return None


def _quote_bare(text: str, directive: re.Pattern[str]) -> str:
    """Put quotes around what stands bare."""
    pieces: list[str] = []
    position, is_inside = 0, False
    while position < len(text):
        found = directive.match(text, position)
        if found:
            label = json.dumps(found[0])
            pieces.append(label[1:-1] if is_inside else label)
            position = found.end()
            continue
        step = 2 if is_inside and text[position] == "\\" else 1
        is_inside ^= text[position] == '"'
        pieces.append(text[position : position + step])
        position += step
    return "".join(pieces)


def compile_json_template(text: str, parsed: dict[str, Any], language: Language) -> tuple[Template, Reader]:
    """Compile a template that is a JSON object.

    Args:
        text: as given.
        parsed: as `parse_json_template` gives it.
        language: what its values are written in.

    Returns:
        What it says, and a reader of its lines.
    """
    leaves = list(_leaves(parsed, ()))
    forms: dict[str, str] = {}
    split: list[tuple[Path, list[Part]]] = []
    for path, value in leaves:
        parts, times = split_parts(value, language, len(forms))
        forms |= times
        split.append((path, parts))
    flat = take_best([part for _, parts in split for part in parts], language.best)
    keys: dict[str, list[Path]] = {}
    composed: list[Conversion] = []
    for path, parts in split:
        mine, flat = flat[: len(parts)], flat[len(parts) :]
        slots = [part for part in mine if isinstance(part, Slot) and part.is_kept]
        if len(mine) == 1 and slots:
            keys.setdefault(slots[0].name, []).append(path)
        elif slots:
            name = f"value_{len(composed)}"
            keys[name] = [path]
            composed.append(Conversion((name,), "parts", _leaf_pattern(mine), tuple(slot.name for slot in slots)))
    template = finish(text, [part for _, parts in split for part in parts], forms)
    reader = JsonReader(KeyTable(keys, is_own=True))
    conversions = (*composed, *template.conversions)
    return template, ConvertingReader(reader, conversions) if conversions else reader


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict) and len(path) < _MAX_DEPTH:
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    elif isinstance(value, list) and len(value) == 1:
        yield from _leaves(value[0], path)  # a list of one value is read as that value
    elif isinstance(value, str):
        yield path, value


def _leaf_pattern(parts: list[Part]) -> str:
    """Write the pattern of a value; what is last in it may hold anything."""
    last = parts[-1]
    if isinstance(last, Slot) and last.bare is None:
        parts = [*parts[:-1], Slot(last.name, last.label, FREE) if last.is_kept else last]
    return f"^{''.join(piece.pattern for piece in pattern_pieces(Template('', tuple(parts))))}\\s*$"
