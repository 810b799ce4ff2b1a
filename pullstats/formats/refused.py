"""What may be shown of a line that no format reads: users, credentials and clients are hidden where a format knows where they stand."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from pullstats.clients import ADDRESS
from pullstats.formats.log_format import MISFIT
from pullstats.formats.parsed import LOOKED_AT_OF_REJECT
from pullstats.formats.sense import PEERS

USER: Final = "USER"
CLIENT: Final = "CLIENT"
"""What is shown for what stands where a client should be; addresses go with all others of a rejected line."""
_REDACTED: Final = "REDACTED"
_UNPLACED: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[^\s"\[\]()]{4,}')
"""What stands in quotes, and words outside of them."""
_HARMLESS: Final = re.compile(
    r'"(?:[A-Z]{3,10} \S+(?: HTTP/[0-9.]+)?|-?)"|/\S*|[A-Z]{3,10}|HTTP/[0-9.]+|[0-9]{1,4}[-/][0-9A-Za-z]{2,3}[-/][0-9T:.Z+-]+|[0-9.:+,-]+'
)
"""Requests, methods, paths, times, addresses and numbers."""
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"?')
_SHOWN_CLIENT: Final = rf"^(?:{ADDRESS}|-|)$"
"""Nobody, or an address: all of these are hidden in rejected lines anyway."""
_TELLING: Final = 3
"""Characters up to which the beginning of a value says nothing of it."""


def hide_people(lines: pl.DataFrame, raw: pl.DataFrame, refused: pl.Series, late: pl.Series) -> pl.Series:
    """Take users and credentials out of refused lines that fit a format: there it is known where they stand.

    Users of lines that fit but for their time alone: where the client is none, what stands for a user may be anything.
    """
    texts = _hide_clients(lines["shown"], raw, refused)
    for name, placeholder, rows in (("http_authorization", _REDACTED, refused), ("remote_user", USER, late)):
        if name in raw.columns and (hits := rows & raw[name].is_not_null()).any():
            pairs = zip(texts.filter(hits), raw[name].filter(hits), strict=True)
            hidden = [_hide(text, value, placeholder) if value and value != "-" else text for text, value in pairs]
            texts = texts.scatter(hits.arg_true(), pl.Series(hidden, dtype=pl.String))
    if "http_authorization" not in raw.columns or not (lost := (raw["reason"] == MISFIT).fill_null(value=False)).any():
        return texts
    return texts.scatter(lost.arg_true(), pl.Series([_UNPLACED.sub(_hide_unplaced, text) for text in texts.filter(lost)], dtype=pl.String))


def _hide_clients(texts: pl.Series, raw: pl.DataFrame, refused: pl.Series) -> pl.Series:
    """Put a placeholder for what stands for the client of refused lines, where it is no address: it may be anything."""
    for name in PEERS:
        if name not in raw.columns:
            continue
        values = raw[name].cast(pl.String)
        hits = (refused & ~values.str.contains(_SHOWN_CLIENT)).fill_null(value=False)
        if hits.any():
            hidden = [_hide_client(text, value) for text, value in zip(texts.filter(hits), values.filter(hits), strict=True)]
            texts = texts.scatter(hits.arg_true(), pl.Series(hidden, dtype=pl.String))
    return texts


def _hide_client(text: str, value: str) -> str:
    """Hide a client wherever it stands as a whole word; of one that the line has escaped, or in pieces, all strings that may be it."""
    text = _hide_cut(text, value, CLIENT)
    kept = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", CLIENT, text) if len(value) <= len(text) else text
    if kept != text:
        return kept
    parts = {part for part in value.split(", ") if part}
    return _QUOTED.sub(lambda match: f'"{CLIENT}"' if "\\" in match[0] or match[0].strip('"') in parts else match[0], text)


def _hide_unplaced(match: re.Match[str]) -> str:
    """Hide what may be a credential in a line that does not fit a format which logs them: nobody knows where in it they stand."""
    text = match[0]
    if _HARMLESS.fullmatch(text):
        return text
    return f'"{_REDACTED}"' if text[0] == '"' else _REDACTED


def _hide(text: str, value: str, placeholder: str) -> str:
    """Put a placeholder for a value, and for as much of it as stands at the end of a text that was cut."""
    return _hide_cut(text, value, placeholder).replace(value, placeholder)


def _hide_cut(text: str, value: str, placeholder: str) -> str:
    """Put a placeholder for as much of a value as stands at the end of a text that was cut."""
    if len(text) < LOOKED_AT_OF_REJECT:
        return text
    kept = next((length for length in range(min(len(value), len(text)), _TELLING, -1) if text.endswith(value[:length])), 0)
    return text[: len(text) - kept] + placeholder if kept else text
