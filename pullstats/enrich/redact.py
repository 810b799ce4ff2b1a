"""Take secrets and addresses out of texts before anything is kept.

What is a secret is data: `rules/secrets.toml`. Address shape alone is no reason inside agents and
paths, which hold four-part versions; there only the event's own address goes. In rejected lines,
of which nothing is known, every address goes.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

import polars as pl

REDACTED: Final = "REDACTED"
ADDRESS: Final = "ADDRESS"

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_H: Final = r"[0-9A-Fa-f]{1,4}"
_IPV6: Final = rf"(?:{_H}:){{7}}{_H}|(?:{_H}:){{1,7}}(?::{_H}){{1,6}}|(?:{_H}:){{1,7}}:|::{_H}(?::{_H}){{0,6}}"
_SHAPE: Final = rf"(?:::[Ff]{{4}}:)?{_IPV4}|{_IPV6}"
_SUSPECT: Final = r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|:[0-9A-Fa-f]{0,4}:"
"""What every address holds; cheap to look for."""
_USERINFO: Final = r"(?i)(?P<scheme>[a-z][a-z0-9+.-]{1,12}://)[^/@\s?#]*@"
_USERINFO_ENCODED: Final = r"(?i)(?P<scheme>[a-z][a-z0-9+.-]{1,12}%3a%2f%2f)[^/@\s?#%]*(?:%3a[^/@\s?#%]*)?(?:@|%40)"


@cache
def _rules() -> dict[str, list[str]]:
    return tomllib.loads(files("pullstats.enrich.rules").joinpath("secrets.toml").read_text(encoding="utf-8"))


@cache
def _parameter_pattern() -> str:
    """Match a secret parameter with its value, at the start of a query or behind `?`, `&` or `;`."""
    names = "|".join(re.escape(name).replace(r"\*", "[^=&;]*?") for name in _rules()["parameters"])
    return rf"(?i)(?P<name>(?:^|[?&;\s]|%26|%3f)(?:{names}))(?:=|%3d)[^&;#\s\"]*"


@cache
def _shape_pattern() -> str:
    return "|".join(f"(?:{shape})" for shape in _rules()["shapes"])


def redact_query(text: pl.Expr) -> pl.Expr:
    """Replace the values of secret parameters in a query string, and secrets by shape."""
    parameters = text.str.replace_all(_parameter_pattern(), f"${{name}}={REDACTED}")
    return _redact_shapes(pl.when(text.str.contains("=", literal=True) | text.str.contains("(?i)%3d")).then(parameters).otherwise(text))


def redact_url(text: pl.Expr) -> pl.Expr:
    """Replace user and password, secret parameters and secrets by shape in a URL."""
    plain = text.str.replace_all(_USERINFO, f"${{scheme}}{REDACTED}@").str.replace_all(_USERINFO_ENCODED, f"${{scheme}}{REDACTED}%40")
    return redact_query(pl.when(text.str.contains("@", literal=True) | text.str.contains("%40", literal=True)).then(plain).otherwise(text))


def redact_path(text: pl.Expr) -> pl.Expr:
    """Replace what a path may carry of a URL, and secrets by shape."""
    return redact_url(text)


def redact_text(text: pl.Expr) -> pl.Expr:
    """Replace secrets in free text such as a user agent."""
    return redact_url(text)


def _redact_shapes(text: pl.Expr) -> pl.Expr:
    is_suspect = text.str.contains_any(_rules()["hints"], ascii_case_insensitive=True)
    return pl.when(is_suspect).then(text.str.replace_all(_shape_pattern(), REDACTED)).otherwise(text)


def redact_addresses(text: pl.Expr) -> pl.Expr:
    """Replace every token that looks like an address."""
    return text.str.replace_all(_SHAPE, ADDRESS)


def redact_own_addresses(texts: pl.Series, addresses: pl.Series) -> pl.Series:
    """Replace each event's client address, and the hops before it, wherever they stand in a text of that event.

    Args:
        texts: few: the events in which such an address occurs at all.
        addresses: the event's addresses as logged, in one text.
    """
    return pl.Series(texts.name, [_without(text, own) for text, own in zip(texts, addresses, strict=True)], pl.String)


def _without(text: str | None, own: str | None) -> str | None:
    for address in sorted(re.findall(r"[0-9A-Fa-f.:%]{3,}", own or ""), key=len, reverse=True):
        text = text.replace(address, ADDRESS) if text else text
    return text


def redact_reject(rejects: pl.DataFrame, column: str) -> pl.DataFrame:
    """Take secrets and all addresses out of the text of rejected lines."""
    return rejects.with_columns(redact_addresses(redact_text(pl.col(column))).alias(column))


def address_tokens(texts: pl.Series) -> set[str]:
    """List what looks like an address in distinct texts."""
    suspects = pl.DataFrame({"text": texts}).lazy().filter(pl.col("text").str.contains(_SUSPECT))
    found = suspects.select(pl.col("text").str.extract_all(_SHAPE))
    return set(found.select(pl.col("text").explode()).unique().collect().to_series().drop_nulls())
