"""The shape of a JSON line, and how lines of one shape are read: by the signs between their quotes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pullstats.formats.json_keys import NEST

ESCAPED_QUOTE: Final = '\\"'
_BACKSLASHES: Final = r"^(?:[^\\]|\\\\)*$"
_WHOLE: Final = "(?:0|-?[1-9][0-9]{0,17})"
_SHORT: Final = 16
"""Characters of a decimal up to which its digits are those of the number that it is read as."""
_NUMBER: Final = r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)"
_DECIMAL: Final = r"^-?(?:0|[1-9][0-9]{0,14})\.[0-9]+$"
_ZERO: Final = r"^-?0\.0*$"


class OtherShapeError(Exception):
    """The line holds what is not read by its shape."""


@dataclass(slots=True)
class Between:
    """What stands between two quotes of a line: signs, and numbers among them.

    Attributes:
        texts: the signs; between each two of them stands a number.
        keys: names of the numbers, None for one that is not wanted.
    """

    texts: list[str]
    keys: list[str | None]


@dataclass(slots=True)
class Shape:
    """The shape of a line.

    Attributes:
        width: pieces that it has, cut at quotes.
        keys: texts that stand in quotes on every line, by place.
        between: what stands outside of quotes, by place.
        texts: places of all values in quotes.
        values: places of the texts of each wanted value, the first alone or all of a list.
    """

    width: int
    keys: dict[int, str] = field(default_factory=dict)
    between: dict[int, Between] = field(default_factory=dict)
    texts: list[int] = field(default_factory=list)
    values: dict[str, list[int]] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """How many objects a wanted value lies in, at the most."""
        names = [*self.values, *(key for piece in self.between.values() for key in piece.keys if key is not None)]
        return max(name.count(NEST) for name in names)

    def read(self, pieces: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
        """Read lines that have as many quotes: their wanted values by key, and which of them have this shape.

        Args:
            pieces: what stands between the quotes of all lines, `width` for each.
        """
        fits = [self._take(pieces, place) == text for place, text in self.keys.items()]
        texts: dict[int, pl.Series] = {}
        for place in self.texts:
            texts[place], check = _unescape(self._take(pieces, place))
            fits += [] if check is None else [check]
        columns = []
        for name, places in self.values.items():
            joined = (
                texts[places[0]] if len(places) == 1 else pl.select(pl.concat_str([texts[place] for place in places], separator=", ")).to_series()
            )
            columns.append(joined.alias(name))
        for place, piece in self.between.items():
            numbers, check = _read_between(self._take(pieces, place), piece)
            columns += numbers
            fits.append(check)
        return pl.DataFrame(columns), pl.select(pl.all_horizontal(fits)).to_series()

    def _take(self, pieces: pl.Series, place: int) -> pl.Series:
        return pieces.gather_every(self.width, place)


def _unescape(texts: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """Write texts without their escapes, and tell which hold no other than that of the backslash itself; None if they hold none at all."""
    places = texts.str.contains("\\", literal=True).arg_true()
    if not places.len():
        return texts, None
    escaped = texts.gather(places)
    others = places.filter(~escaped.str.contains(_BACKSLASHES))
    check = pl.Series([True]).new_from_index(0, texts.len())
    plain = escaped.str.replace_all("\\\\", "\\", literal=True)
    return texts.scatter(places, plain), check.scatter(others, False) if others.len() else None


def _read_between(column: pl.Series, piece: Between) -> tuple[list[pl.Series], pl.Series]:
    """Read the numbers between quotes, and tell which lines have the signs of the shape there."""
    if not piece.keys:
        return [], column == piece.texts[0]
    if len(piece.keys) == 1:
        before, after = piece.texts
        whole = column.str.contains(f"^{re.escape(before)}{_WHOLE}{re.escape(after)}$")
        if whole.all():
            name = piece.keys[0]
            return ([] if name is None else [_cut(column, before, after).cast(pl.Int64).alias(name)]), whole
    pattern = "".join(f"{re.escape(text)}({_NUMBER})" for text in piece.texts[:-1]) + re.escape(piece.texts[-1])
    found = column.to_frame("piece").select(pl.col("piece").str.extract_groups(f"^{pattern}$").struct.unnest())
    found.columns = [str(place) for place in range(len(piece.keys))]
    check = found["0"].is_not_null()
    numbers = []
    for place, name in enumerate(piece.keys):
        if name is not None:
            values, is_plain = _plain(found[str(place)])
            numbers.append(values.alias(name))
            check &= is_plain
    return numbers, check


def _cut(column: pl.Series, before: str, after: str) -> pl.Series:
    inner = column.str.slice(len(before))
    return inner.str.head(-len(after)) if after else inner


def _plain(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Write numbers as the parser does, null as nothing; and tell which of them are not spelled in another way than that."""
    values = texts.replace("null", None)
    is_whole = texts.str.contains(f"^(?:{_WHOLE}|true|false|null)$")
    if is_whole.all():
        return values, is_whole
    decimal = texts.str.contains(_DECIMAL) & ~texts.str.contains(_ZERO)
    is_short = decimal & (texts.str.len_bytes() <= _SHORT)
    is_exact = decimal & (texts.cast(pl.Float64, strict=False).cast(pl.String) == texts)
    cut = texts.str.strip_chars_end("0").str.strip_suffix(".")
    return values.zip_with(~is_short, cut), (is_whole | is_short | is_exact).fill_null(value=False)
