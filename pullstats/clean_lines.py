"""Cut bytes into lines at a tokeniser's speed, where they are clean."""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.tokenisers import read_columns

_LINE: Final = pl.Schema({"line": pl.String()})


def cut_clean(data: bytes) -> pl.Series | None:
    """Cut whole lines of UTF-8 at tokeniser's speed; None if there is a blank, an unfinished or an odd one among them."""
    frame = read_columns(data, _LINE, "\x01")
    if frame is None:
        return None
    lines = frame["line"]
    lengths = lines.str.len_bytes()
    total = (lengths.sum() or 0) + lines.len()
    return lines if (not lines.len() or lengths.min()) and total == len(data) else None


def split_lines(data: bytes) -> tuple[pl.Series, pl.Series]:
    r"""Cut bytes into lines of text, and their lengths in bytes, newlines included.

    Bytes that are no UTF-8 become the text `\xhh`.
    """
    lines = cut_clean(data) if data.endswith(b"\n") else None
    if lines is not None:
        return lines, lines.str.len_bytes().cast(pl.Int64) + 1
    rows, lengths = cut_rows(data)
    return pl.Series("line", [row.decode("utf-8", "backslashreplace") for row in rows], pl.String), lengths


def join_lines(lines: pl.Series) -> bytes:
    """Write lines of text as bytes, a newline behind each; null is an empty line."""
    if lines.is_empty():
        return b""
    ended = pl.concat([lines.fill_null("").alias("line"), pl.Series("line", [""])])
    return bytes(ended.str.join("\n").cast(pl.Binary).item())


def cut_rows(data: bytes) -> tuple[list[bytes], pl.Series]:
    """Cut bytes into lines, and their lengths, newlines included; the last line may lack its newline."""
    rows = data.split(b"\n")
    is_cut = bool(rows[-1])
    if not is_cut:
        rows.pop()
    lengths = pl.Series("length", [len(row) + 1 for row in rows], pl.Int64)
    if is_cut:
        lengths[-1] = lengths[-1] - 1
    return rows, lengths
