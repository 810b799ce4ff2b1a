"""What the columns of a flat log mean: its names, matched with the keys that are known and those that a user named.

A column may be called what a key of a JSON log is called, in letters of any case (`UA` alone is Akamai's); a dot in a key
is then a dot in the name. Where no column has a name, a number is one's place, from 1 on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from pullstats.formats.half_read import refuse_half_read
from pullstats.formats.json_keys import KNOWN_PATHS, KeyTable
from pullstats.formats.json_values import pick_values
from pullstats.formats.json_vendors import SIGNS
from pullstats.formats.variables import TIMES

Keys = Mapping[str, Sequence[str]]
"""Names of columns by variable, the most telling first."""

_OF_OBJECTS: Final = ("registry_method", "direction", "said", "node_method", "logstash_method")
"""What tells programs' messages in JSON apart; a table of requests may well have columns of these names."""

LABEL_NAMES: Final[Keys] = {variable: [".".join(path) for path in paths] for variable, paths in KNOWN_PATHS.items()}
"""The names under which labels are known."""

KNOWN_NAMES: Final[Keys] = {variable: names for variable, names in LABEL_NAMES.items() if variable not in _OF_OBJECTS}
"""The names under which columns are known."""

NOTHING: Final = ("\\N", "NULL", "null", "None", "none", "NaN", "nan", "(null)", "<null>", "N/A", "n/a")
"""What programs write into a table where there is no value (MySQL, Hive, pandas, spreadsheets)."""
_TARGET: Final = frozenset({"request", "request_uri", "uri", "bare_path"})
_DURATIONS: Final = frozenset({"request_time", "request_time_ms", "duration_us", "duration_ns"})
_TIMED: Final = frozenset(TIMES)


class ColumnKeys:
    """Which columns say what."""

    def __init__(self, keys: Keys, said: Keys | None = None, *, has_places: bool = True) -> None:
        """Know the names.

        Args:
            keys: names that are known.
            said: names that a user gave for this very log; of these variables no other name counts.
            has_places: a name stands for one column of all lines, so that a number can do so, too.
        """
        self._has_places = has_places
        self.said: Final = said or {}
        self._known = keys
        self._keys = {**keys, **self.said}

    def also(self, variable: str, name: str) -> ColumnKeys:
        """Know one more name, unless a user named what it says."""
        is_said = any(variable in _DURATIONS and other in _DURATIONS for other in self.said)
        return self if is_said else ColumnKeys({**self._known, variable: [name]}, self.said, has_places=self._has_places)

    def table_of(self, columns: Sequence[str]) -> KeyTable:
        """Choose among the names those that a log has."""
        exact = frozenset(columns)
        folded = {name.casefold(): name for name in reversed(columns)}
        found: dict[str, list[tuple[str]]] = {}
        for variable, names in self._keys.items():
            others = {} if variable in SIGNS else folded  # what tells a vendor by its spelling is that spelling alone
            present = (name if name in exact else others.get(name.casefold()) or self._at(name, columns, variable) for name in names)
            there = [(name,) for name in dict.fromkeys(present) if name]
            if there:
                found[variable] = there
        return KeyTable(found, is_own=bool(self.said), said=self.said)

    def _at(self, name: str, columns: Sequence[str], variable: str) -> str | None:
        """Take a user's number for the place of a column that has a name."""
        is_place = self._has_places and variable in self.said and name.isascii() and name.isdigit() and 0 < int(name) <= len(columns)
        return columns[int(name) - 1] if is_place else None

    def names_request(self, columns: Sequence[str]) -> bool:
        """Tell whether columns of these names are a request's: as a user said, or by a time, a target and who asked or what came of it."""
        found = self.table_of(columns).keys.keys()
        if self.said:
            return not found.isdisjoint(self.said)
        return not found.isdisjoint(_TIMED) and not found.isdisjoint(_TARGET) and not found.isdisjoint(("status", "remote_addr"))


def read_values(cells: pl.DataFrame, table: KeyTable) -> pl.DataFrame:
    """Turn columns of text into raw columns named by variables, and `reason` where a row is no request.

    Args:
        cells: texts, columns named as the log names them.
        table: what these names mean.
    """
    wanted = [name for name in cells.columns if name in table.names]
    said = cells.select(pl.when(~pl.col(name).is_in(NOTHING)).then(pl.col(name)).alias(name) for name in wanted)
    raw = pick_values(said, table)
    return raw if table.is_own else refuse_half_read(raw, lambda place: cells.row(place, named=True))
