r"""Times as `strftime` writes them: what they look like in a line, and how they are read.

A form such as `%d/%b/%Y %H:%M:%S` becomes a pattern whose groups are the parts of a time; whole
columns are taken apart by it at once. Names of months are English, as the C locale writes them.
Besides the letters of C: `%3f`, `%6f`, `%9f`, `%f`, `%.f` and `%L` are fractions of a second.

Sources: C11 7.27.3.5 and POSIX strftime; docs.rs/chrono (fractions); Ruby (`%L`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import polars as pl

from pullstats.errors import UsageError

_DIRECTIVE: Final = re.compile(r"%[-_0^#EO]?(?P<letter>\.[369]?f|[369]f|:?z|[A-Za-z%])")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WHOLE: Final = {
    "c": "%a %b %e %H:%M:%S %Y",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "h": "%b",
    "r": "%I:%M:%S %p",
    "R": "%H:%M",
    "T": "%H:%M:%S",
    "v": "%e-%b-%Y",
    "x": "%m/%d/%y",
    "X": "%H:%M:%S",
}
"""Letters that stand for others, in the C locale."""

_FRACTION: Final = "(?P<fraction>[0-9]{%s})"
_PATTERNS: Final = {
    "a": r"[^\s\d,]{2,9}",
    "A": r"[^\s\d,]{3,12}",
    "b": r"(?P<name>[A-Za-z]{3})",
    "B": r"(?P<name>[A-Za-z]{3})[a-z]*",
    "C": r"[0-9]{2}",
    "d": r"(?P<day>[ 0-9]?[0-9])",
    "e": r"(?P<day>[ 0-9]?[0-9])",
    "f": _FRACTION % "1,9",
    ".f": r"(?:[.,](?P<fraction>[0-9]{1,9}))?",
    "g": r"[0-9]{2}",
    "G": r"[0-9]{4}",
    "H": r"(?P<hour>[ 0-9]?[0-9])",
    "I": r"(?P<half>[ 0-9]?[0-9])",
    "j": r"(?P<ordinal>[ 0-9]{0,2}[0-9])",
    "k": r"(?P<hour>[ 0-9]?[0-9])",
    "l": r"(?P<half>[ 0-9]?[0-9])",
    "L": _FRACTION % "3",
    "m": r"(?P<month>[ 0-9]?[0-9])",
    "M": r"(?P<minute>[ 0-9]?[0-9])",
    "n": r"\s",
    "N": _FRACTION % "1,9",
    "p": r"(?P<noon>[AaPp])\.?[Mm]\.?",
    "P": r"(?P<noon>[AaPp])\.?[Mm]\.?",
    "s": r"(?P<epoch>[0-9]{1,11})",
    "S": r"(?P<second>[ 0-9]?[0-9])",
    "t": r"\t",
    "u": r"[1-7]",
    "U": r"[0-9]{2}",
    "V": r"[0-9]{2}",
    "w": r"[0-6]",
    "W": r"[0-9]{2}",
    "y": r"(?P<short>[0-9]{2})",
    "Y": r"(?P<year>[0-9]{4})",
    "z": r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})",
    ":z": r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})",
    "Z": r"(?P<named>[A-Za-z]{1,6}|[+-][0-9]{2,4})",
    "%": "%",
}
for _digits in "369":
    _PATTERNS[f"{_digits}f"] = _FRACTION % _digits
    _PATTERNS[f".{_digits}f"] = rf"\.{_FRACTION % _digits}"

_NUMBERS: Final = ("day", "month", "hour", "half", "minute", "second", "year", "short", "ordinal", "epoch")
_UTC_NAMES: Final = ("GMT", "UTC", "UT", "Z", "gmt", "utc")
_DATE_NEEDS: Final = (
    ("epoch",),
    ("year", "month", "day"),
    ("year", "name", "day"),
    ("year", "ordinal"),
    ("short", "month", "day"),
    ("short", "name", "day"),
)


@lru_cache(maxsize=256)
def form_pattern(form: str, *, is_named: bool) -> str:
    """Write the pattern of the texts a form gives.

    Args:
        form: the form.
        is_named: with groups for the parts; else without any group.

    Raises:
        UsageError: a letter is not known.
    """
    seen: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        letter = match["letter"]
        if letter in _WHOLE:
            return "".join(pieces(_WHOLE[letter]))
        if letter not in _PATTERNS:
            raise UsageError(f"no strftime letter '{match[0]}' in the time form '{form}'; see docs/formats.md for those that are known")
        return re.sub(r"\(\?P<(\w+)>", name, _PATTERNS[letter])

    def name(match: re.Match[str]) -> str:
        if not is_named or match[1] in seen:
            return "(?:"
        seen.add(match[1])
        return match[0]

    def pieces(text: str) -> list[str]:
        found, position = [], 0
        for match in _DIRECTIVE.finditer(text):
            found += [_literal(text[position : match.start()]), replace(match)]
            position = match.end()
        return [*found, _literal(text[position:])]

    return "".join(pieces(form))


def _literal(text: str) -> str:
    return re.sub(r"(?:\\ | )+", r"\\s+", re.escape(text))


def check_form(form: str) -> None:
    """Refuse a form that gives no date.

    Raises:
        UsageError: a letter is not known, or a date cannot be told.
    """
    groups = set(re.findall(r"\(\?P<(\w+)>", form_pattern(form, is_named=True)))
    if not any(groups.issuperset(needs) for needs in _DATE_NEEDS):
        raise UsageError(f"the time form '{form}' gives no date; it needs a year, a month and a day, or %s")


def parse_form(texts: pl.Series, form: str) -> pl.DataFrame:
    """Read texts of a form.

    Args:
        texts: times; null stays null.
        form: the form.

    Returns:
        `time_utc`: instants (UTC, µs) of texts that name their zone; `time_naive`: local times of
        those that do not. Null where a text does not fit.
    """
    pattern = form_pattern(form, is_named=True)
    groups = texts.to_frame("text").select(pl.col("text").str.extract_groups(rf"^\s*{pattern}\s*$").alias("groups")).unnest("groups")
    parts = groups.with_columns(pl.col(name).str.strip_chars().cast(pl.Int64, strict=False) for name in _NUMBERS if name in groups.columns)
    present = parts.columns
    micros = pl.col("fraction").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64).fill_null(0) if "fraction" in present else pl.lit(0, pl.Int64)
    nothing = pl.lit(None, pl.Datetime("us"))
    if "epoch" in present:
        instant = (pl.col("epoch") * 1_000_000 + micros).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        return parts.select(instant.alias("time_utc"), nothing.alias("time_naive"))
    hour, minute, second = _hour(present), _part(present, "minute"), _part(present, "second")
    is_time = hour.is_between(0, 23) & minute.is_between(0, 59) & second.is_between(0, 60)
    clock = pl.duration(hours=hour, minutes=minute, seconds=second.clip(upper_bound=59), microseconds=micros)
    local = pl.when(is_time).then(_date(present).cast(pl.Datetime("us")) + clock)
    offset, is_known = _offset(present)
    read = parts.select(local.alias("local"), offset.alias("offset"), is_known.alias("is_known"))
    instant = (pl.col("local") - pl.duration(minutes="offset")).dt.replace_time_zone("UTC")
    return read.select(pl.when("is_known").then(instant).alias("time_utc"), pl.when(~pl.col("is_known")).then("local").alias("time_naive"))


def _part(present: list[str], name: str) -> pl.Expr:
    return pl.col(name) if name in present else pl.lit(0, pl.Int64)


def _hour(present: list[str]) -> pl.Expr:
    if "hour" in present or "half" not in present:
        return _part(present, "hour")
    is_after = pl.col("noon").str.to_lowercase() == "p" if "noon" in present else pl.lit(value=False)
    return pl.col("half") % 12 + pl.when(is_after).then(12).otherwise(0)


def _date(present: list[str]) -> pl.Expr:
    """Put the date together; a year of two digits is of 1969 to 2068, as POSIX says."""
    short = pl.col("short") + pl.when(pl.col("short") < 69).then(2000).otherwise(1900) if "short" in present else pl.lit(None, pl.Int64)
    year = pl.coalesce(pl.col("year"), short) if "year" in present else short
    if "ordinal" in present and not {"month", "name"} & set(present):
        ordinal = pl.col("ordinal")
        start = pl.date(year, 1, 1)
        return pl.when(ordinal.is_between(1, 366)).then(start + pl.duration(days=ordinal - 1))
    named = pl.col("name").str.to_lowercase().str.slice(0, 3) if "name" in present else pl.lit(None, pl.String)
    months = {name: index for index, name in enumerate(_MONTHS, 1)}
    month = pl.col("month") if "month" in present else named.replace_strict(months, default=None, return_dtype=pl.Int64)
    text = pl.concat_str(year.cast(pl.String), month.cast(pl.String).str.zfill(2), _part(present, "day").cast(pl.String).str.zfill(2), separator="-")
    return text.str.to_date("%Y-%m-%d", strict=False)  # the 31st of February is no error, but no date


def _offset(present: list[str]) -> tuple[pl.Expr, pl.Expr]:
    """Give the zone's offset in minutes, and whether the text names one."""
    if "zone" in present:
        digits = pl.col("zone").str.replace(":", "", literal=True)
        sign = pl.when(digits.str.starts_with("-")).then(-1).otherwise(1)
        minutes = sign * (digits.str.slice(1, 2).cast(pl.Int64, strict=False) * 60 + digits.str.slice(3, 2).cast(pl.Int64, strict=False))
        return minutes.fill_null(0), pl.col("zone").is_not_null()
    if "named" in present:
        return pl.lit(0, pl.Int64), pl.col("named").is_in(_UTC_NAMES).fill_null(value=False)
    return pl.lit(0, pl.Int64), pl.lit(value=False)
