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
USER: Final = "USER"

KEPT_BEFORE: Final = 2_000
"""Characters of a rejected line that are looked at."""
KEPT_OF_REJECT: Final = 500
"""Characters of a rejected line that are kept."""
_CUT_END: Final = 200
"""Characters at the end of a line that was cut which may be half a secret."""

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


def secret_hints() -> list[str]:
    """Give literals one of which a text must hold, in any case, to have anything taken out."""
    return ["=", "@", "%40", "%3d", *_rules()["hints"]]


@cache
def _parameter_pattern() -> str:
    """Match a secret parameter with its value, at the start of a text or behind what parts parameters, words and folders."""
    names = "|".join(re.escape(name).replace(r"\*", "[^=&;/\\s]*?") for name in _rules()["parameters"])
    return rf"(?i)(?P<name>(?:^|[^0-9A-Za-z_%-]|%[0-9a-f]{{2}})(?:{names}))(?:=|%3d)[^&;#\s\"]*"


@cache
def _cut_pattern() -> str:
    """Match what may be the beginning of a secret, up to the end of a text."""
    hints = "|".join(re.escape(hint) for hint in _rules()["hints"])
    return rf"(?i)(?:(?:{hints})[^\s\"|]*(?: [^\s\"|]*)?|[a-z][a-z0-9+.-]{{1,12}}://[^/@\s?#\"]*)$"


@cache
def _shape_pattern() -> str:
    return "|".join(f"(?:{shape})" for shape in _rules()["shapes"])


def redact_text(text: pl.Expr) -> pl.Expr:
    """Replace user and password of URLs, the values of secret parameters, and secrets by shape, wherever they stand in a text."""
    plain = text.str.replace_all(_USERINFO, f"${{scheme}}{REDACTED}@").str.replace_all(_USERINFO_ENCODED, f"${{scheme}}{REDACTED}%40")
    text = pl.when(text.str.contains("@", literal=True) | text.str.contains("%40", literal=True)).then(plain).otherwise(text)
    parameters = text.str.replace_all(_parameter_pattern(), f"${{name}}={REDACTED}")
    return _redact_shapes(pl.when(text.str.contains("=", literal=True) | text.str.contains("(?i)%3d")).then(parameters).otherwise(text))


def redact_domain(text: pl.Expr) -> pl.Expr:
    """Replace secrets by shape in a host name, which is in lower case."""
    text = redact_text(text)
    is_suspect = text.str.contains_any(_rules()["hints"])
    return pl.when(is_suspect).then(text.str.replace_all(f"(?i:{_shape_pattern()})", REDACTED)).otherwise(text)


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
    """Take secrets, user names and all addresses out of the text of rejected lines, then cut it.

    Cut last, so that no secret is cut in two and no longer known for one; and one that the log itself
    cut, at the end of the line, goes by its beginning.
    """
    text = redact_text(pl.col(column)).str.replace(_cut_pattern(), REDACTED)
    for pattern in _rules()["users"]:
        text = text.str.replace_all(pattern, f"${{before}}{USER}${{after}}")
    whole = redact_addresses(text)
    is_cut = pl.col(column).str.len_chars() >= KEPT_BEFORE
    return rejects.with_columns(pl.when(is_cut).then(whole.str.head(-_CUT_END)).otherwise(whole).str.slice(0, KEPT_OF_REJECT).alias(column))


def address_tokens(texts: pl.Series) -> set[str]:
    """List what looks like an address in distinct texts."""
    suspects = pl.DataFrame({"text": texts}).lazy().filter(pl.col("text").str.contains(_SUSPECT))
    found = suspects.select(pl.col("text").str.extract_all(_SHAPE))
    return set(found.select(pl.col("text").explode()).unique().collect().to_series().drop_nulls())
