"""Cut bytes into lines at a tokeniser's speed, where they are clean."""

from __future__ import annotations

import polars as pl


def cut_clean(data: bytes) -> pl.Series | None:
    """Cut whole lines of UTF-8 at tokeniser's speed; None if there is a blank, an unfinished or an odd one among them."""
    try:
        frame = pl.read_csv(data, separator="\x01", quote_char=None, has_header=False, schema={"line": pl.String}, raise_if_empty=False)
    except pl.exceptions.PolarsError:
        return None
    lines = frame["line"]
    total = (lines.str.len_bytes().sum() or 0) + lines.len()
    return lines if not lines.null_count() and total == len(data) else None


def split_lines(data: bytes) -> pl.Series:
    r"""Cut bytes into lines of text; bytes that are no UTF-8 become the text `\xhh`."""
    lines = cut_clean(data) if data.endswith(b"\n") else None
    if lines is not None:
        return lines
    rows = data.decode("utf-8", "backslashreplace").split("\n")
    if not rows[-1]:
        rows.pop()
    return pl.Series("line", rows, pl.String)
