"""The `[map]` tables of a configuration: for all logs, for a source, for a kind of log.

    [map]                    [map.source."web*"]      [map.format.csv]
    time = "at:ms"           time = "began"           time = "1:ms"

One of them counts, alone: the source's if the run has a `--source` that it fits, else the kind's, else the one for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pullstats.errors import InputError, UserError, unknown_name


@dataclass(frozen=True, slots=True)
class ConfiguredMaps:
    """What a configuration says of keys, as `--map` takes it.

    Attributes:
        general: of all logs; None if nothing.
        sources: by the name of a source, or a pattern of names.
        kinds: by kind of log.
    """

    general: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)

    def choose(self, source: str | None) -> tuple[str | None, Mapping[str, str]]:
        """Give the map for all logs of a run, and those for kinds of them: of the patterns that fit, the longest counts."""
        fitting = [name for name in self.sources if source is not None and fnmatchcase(source, name)]
        if fitting:
            return self.sources[max(fitting, key=lambda name: (name == source, len(name), name))], {}
        return self.general, self.kinds


def read_maps(table: Mapping[str, Any], path: Path) -> ConfiguredMaps:
    """Read the `[map]` of a configuration.

    Raises:
        InputError: it is not written so, or one of its maps cannot serve.
    """
    from pullstats.formats.field_map import KINDS  # noqa: PLC0415 - start-up is for those who have such a table

    sources, kinds = (_tables(table.get(name, {}), f"map.{name}", path) for name in ("source", "format"))
    unknown = next((kind for kind in kinds if kind not in KINDS), None)
    if unknown is not None:
        noun = f"kind of log in [map.format] of '{path}'"
        raise unknown_name(noun, unknown, KINDS)
    own = {name: value for name, value in table.items() if name not in ("source", "format")}
    return ConfiguredMaps(
        _text(own, "map", path) if own else None,
        {name: _text(items, f'map.source."{name}"', path) for name, items in sources.items()},
        {name: _text(items, f"map.format.{name}", path) for name, items in kinds.items()},
    )


def _tables(value: Any, name: str, path: Path) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(items, dict) for items in value.values()):
        example = '[map.source."web*"]' if name == "map.source" else "[map.format.csv]"
        raise InputError(f"[{name}] of '{path}' must hold tables, as in {example}")
    return value


def _text(items: Mapping[str, Any], name: str, path: Path) -> str:
    """Write a table as `--map` takes it, and hold it to what a map must be."""
    from pullstats.formats.field_map import parse_map  # noqa: PLC0415 - see above

    if not all(isinstance(value, str) for value in items.values()):
        raise InputError(f'[{name}] of \'{path}\' must be a table of field = "key", as in status = "HTTP-StatusCode"')
    text = ",".join(f"{field}={key}" for field, key in items.items())
    try:
        parse_map(text)
    except UserError as error:
        raise InputError(f"[{name}] of '{path}': {error}") from error
    return text
