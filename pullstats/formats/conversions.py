"""What is made of a value that is not as its variable has it: other units, other forms of time, several values in one.

A reader gives text; a conversion makes raw columns of it, for a whole column at once.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

import polars as pl

from pullstats.errors import UsageError
from pullstats.escaping import Escaping
from pullstats.formats.log_format import Reader
from pullstats.formats.outlines import Outline
from pullstats.formats.strftime import check_form, parse_form
from pullstats.formats.variables import FROM_UTC

TIME_UNITS: Final = ("s", "ms", "us", "ns")
_TO_MICROS: Final = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
_DIGITS: Final = {"s": 6, "ms": 3, "us": 0}
"""Digits of a fraction down to a microsecond."""
_EXACT: Final = r"^\s*(?P<whole>[0-9]{1,19})(?:[.,](?P<fraction>[0-9]*))?\s*$"


@dataclass(frozen=True, slots=True)
class Conversion:
    """How raw columns come from the texts of some others.

    Attributes:
        columns: texts; several are joined by a blank.
        kind: what they are.
        form: a unit, or a form of `strftime`; of a query its first character; of parts their pattern.
        parts: of several values in one, the raw columns that the pattern's groups give.
    """

    columns: tuple[str, ...]
    kind: Literal["time", "query", "parts"]
    form: str
    parts: tuple[str, ...] = ()

    @property
    def gives(self) -> tuple[str, ...]:
        """The raw columns it makes."""
        return {"time": FROM_UTC, "query": ("args",), "parts": self.parts}[self.kind]


def check_time_form(form: str) -> None:
    """Refuse what is neither a unit of time nor a form of `strftime`.

    Raises:
        UsageError: it is neither.
    """
    if "%" in form:
        check_form(form)
    elif form not in TIME_UNITS:
        raise UsageError(f"no unit of time '{form}'; use {', '.join(TIME_UNITS)}, iso, or a strftime form such as %d/%m/%Y %H:%M:%S")


def convert(raw: pl.DataFrame, conversions: Sequence[Conversion]) -> pl.DataFrame:
    """Make raw columns of others; the texts stay, as nothing else may show what a line said."""
    for item in conversions:
        present = [name for name in item.columns if name in raw.columns]
        if not present:
            continue
        text = raw[present[0]] if len(present) == 1 else raw.select(pl.concat_str(present, separator=" ")).to_series()
        raw = raw.with_columns(_make(text.cast(pl.String), item).get_columns())
    return raw


def _make(text: pl.Series, item: Conversion) -> pl.DataFrame:
    if item.kind == "parts":
        return text.to_frame("text").select(pl.col("text").str.extract_groups(item.form).alias("groups")).unnest("groups")
    if item.kind == "query":
        return text.to_frame("text").select(pl.col("text").str.strip_prefix(item.form).alias("args"))
    if "%" in item.form:
        return parse_form(text, item.form)
    return text.to_frame("text").select(_instant(item.form).alias("time_utc"))


def _instant(unit: str) -> pl.Expr:
    """Read a number of seconds or parts of them since 1970, to the microsecond."""
    groups = pl.col("text").str.extract_groups(_EXACT)
    whole, fraction = groups.struct.field("whole").cast(pl.Int64, strict=False), groups.struct.field("fraction")
    rough = (pl.col("text").cast(pl.Float64, strict=False) * _TO_MICROS[unit]).round()
    digits = _DIGITS.get(unit, 0)
    part = fraction.str.pad_end(digits, "0").str.slice(0, digits).cast(pl.Int64, strict=False).fill_null(0) if digits else pl.lit(0, pl.Int64)
    # A number that is too large for its unit must not wrap around into one that is plausible.
    exact = whole // 1_000 if unit == "ns" else pl.when(whole < 10 ** (19 - digits) // 10).then(whole * 10**digits + part)
    micros = pl.coalesce(exact, pl.when(rough.abs() < 2**53).then(rough).cast(pl.Int64, strict=False))
    return micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


class ConvertingReader:
    """Reads lines as another reader does, and converts what it gives."""

    def __init__(self, inner: Reader, conversions: Sequence[Conversion]) -> None:
        """Prepare.

        Args:
            inner: takes lines apart.
            conversions: made of its columns, in order.
        """
        self.inner = inner
        self.escaping: Escaping = inner.escaping
        self.has_fast = inner.has_fast
        self._conversions = tuple(conversions)

    @property
    def outlines(self) -> tuple[Outline, ...]:
        """See `Reader`."""
        return self.inner.outlines

    def over(self, inner: Reader) -> Self:
        """Give the same conversions over another reader."""
        found = copy.copy(self)
        found.inner = inner
        return found

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines; see `Reader`."""
        raw = self.inner.read_fast(data)
        return None if raw is None else convert(raw, self._conversions)

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one; see `Reader`."""
        return convert(self.inner.read_safe(lines), self._conversions)
