r"""Hand bytes to polars' tokenisers in such a way that it cannot guess at them.

polars looks at the first bytes of what it is given: where they are those of gzip (1f 8b), zlib
(`x` with 01, 5e, 9c or da) or zstd (28 b5 2f fd), it decompresses, and fails. A client that sends
`Host: x^y` would stop its log there for good. So what is handed over begins with a byte that no
compression begins with, a newline that is read as nothing, unless it begins in a way that is known
to be none's: with an address, or with a JSON object.

Nothing else calls `pl.read_csv` or `pl.read_ndjson` on what a stranger can write.

Sources: polars-io `SupportedCompression::check`; RFC 1950 (2.2), RFC 1952 (2.3.1), RFC 8878 (3.1.1).
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

HARMLESS: Final = re.compile(rb'[0-9][0-9.]|\{"')
"""How nearly all blocks begin; a block that does is not copied."""


def read_columns(data: bytes, schema: pl.Schema, separator: str, *, quote: str | None = None) -> pl.DataFrame | None:
    """Cut lines into columns of text; None where they are no such table, or no UTF-8.

    Args:
        data: whole lines; a byte order mark at their beginning is lost.
        schema: the columns, all text.
        separator: what stands between them.
        quote: what stands around a value that may hold a separator; None if nothing does.
    """
    has_harmless_start = HARMLESS.match(data) is not None
    try:
        return pl.read_csv(
            data if has_harmless_start else b"\n" + data,
            skip_lines=0 if has_harmless_start else 1,
            separator=separator,
            quote_char=quote,
            has_header=False,
            schema=schema,
            empty_string_is_null=False,
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError:
        return None


def read_objects(data: bytes, schema: pl.Schema) -> pl.DataFrame | None:
    """Read JSON objects, one a line; None where one is none, or a value does not fit its type.

    Args:
        data: lines; blank ones are passed over.
        schema: the keys to read, and what lies under each.
    """
    try:
        return pl.read_ndjson(data if HARMLESS.match(data) else b"\n" + data, schema=schema)
    except pl.exceptions.PolarsError:
        return None
