"""Bring request paths into the one form that the rules read.

Percent-escapes are decoded (`%2f` in npm's scopes, `%3a` in Debian's versions), `//` and `/./`
folded, queries and a repository manager's prefix cut off.

Source: RFC 3986 sections 2.1 and 6.2.2; `rules/prefixes.toml` for the prefixes.
"""

from __future__ import annotations

import urllib.parse
from typing import Any, Final

import polars as pl

from pullstats.enrich.tables import read_table

MAX_PATH: Final = 4096
"""Characters looked at: no protocol needs more, and a pattern's time grows with the text's length."""

_ESCAPES: Final = {f"%{code:02x}": chr(code) for code in range(0x20, 0x7F)}


def canonical_paths(paths: pl.Series) -> pl.DataFrame:
    """Make paths comparable.

    Args:
        paths: as logged; anything.

    Returns:
        `row` (position), `path` (null where it was, empty where it climbs out of its folder),
        `site_hint` (ecosystem that a repository manager's prefix names, else null).
    """
    path = paths.cast(pl.String).rename("path").str.slice(0, MAX_PATH)
    odd = path.to_frame().select(
        query=pl.col("path").str.contains_any(["?", "#"]),
        escape=pl.col("path").str.contains("%", literal=True),
    )
    if odd["query"].any():
        path = _without_query(path)
    if odd["escape"].any():
        path = _decode(path)
    odd = path.to_frame().select(
        folds=pl.col("path").str.contains_any(["//", "/./"]),
        climbs=pl.col("path").str.contains("/../", literal=True),
    )
    if odd["folds"].any():
        path = path.str.replace_all(r"/(?:\.?/)+", "/")
    if odd["climbs"].any():
        # an attack, and no artifact
        path = path.scatter(odd["climbs"].arg_true(), "")
    return _without_prefix(path.to_frame().with_row_index("row"))


def _without_query(path: pl.Series) -> pl.Series:
    """Cut query and fragment off, except a token request's: its scope names the repository."""
    kept = path.str.contains(r"\?(?:.*&)?scope=")
    return path.str.extract(r"^([^?#]*)").zip_with(~kept.fill_null(value=False), path)


def _decode(path: pl.Series) -> pl.Series:
    decoded = path.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()), ascii_case_insensitive=True)
    foreign = path.str.contains(r"%[89a-fA-F][0-9a-fA-F]")
    if not foreign.any():
        return decoded
    texts = [_decode_text(text) for text in path.filter(foreign)]
    return decoded.scatter(foreign.arg_true(), pl.Series(texts, dtype=pl.String))


def _decode_text(text: str) -> str:
    try:
        return urllib.parse.unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def _without_prefix(frame: pl.DataFrame) -> pl.DataFrame:
    table: dict[str, Any] = read_table("prefixes.toml")
    frame = frame.with_columns(site_hint=pl.lit(None, pl.String))
    suspect = frame["path"].str.contains(table["start"]).fill_null(value=False)
    if not suspect.any():
        return frame
    prefixed = frame.filter(suspect)
    for prefix in table["prefix"]:
        groups = pl.col("path").str.extract_groups(prefix["pattern"])
        kind = groups.struct.field("type") if "(?P<type>" in prefix["pattern"] else pl.lit(None, pl.String)
        prefixed = prefixed.with_columns(
            path=pl.coalesce(groups.struct.field("rest"), "path"),
            site_hint=pl.coalesce(kind.replace_strict(table["types"], default=None, return_dtype=pl.String), "site_hint"),
        )
    return pl.concat([frame.filter(~suspect), prefixed]).sort("row")
