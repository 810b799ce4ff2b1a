"""Values of Parquet columns, whole columns at a time, as JSON."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

_CELL: Final = (1 << 20) + 64
"""Bytes that are kept of a value: more than a line may have."""
_ESCAPES: Final = {
    **{chr(code): f"\\u{code:04x}" for code in range(0x20)},
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\x7f": "\\u007f",
}
_TIME: Final = "%Y-%m-%dT%H:%M:%S%.6f"
_EXACT: Final = float(1 << 53)


def plain_type(kind: Any, depth: int) -> Any:
    """Give the type under which values are handed over: texts as bytes, which may be any; None for what cannot be written."""
    import pyarrow as pa  # noqa: PLC0415 - see above

    types = pa.types
    kind = _bare_type(kind)
    if is_text(kind):
        return pa.large_binary()
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_null(kind) or types.is_date(kind):
        return kind
    if types.is_floating(kind):
        return pa.float64()
    if types.is_decimal(kind):
        return pa.string()
    if types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz and "UTC")
    if types.is_time(kind):
        return pa.time64("ns")
    if types.is_duration(kind):
        return pa.int64()
    return _nested_type(kind, depth - 1) if depth else None


def _bare_type(kind: Any) -> Any:
    """Give the type of the values themselves."""
    import pyarrow as pa  # noqa: PLC0415 - see above

    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_list(kind: Any) -> bool:
    import pyarrow as pa  # noqa: PLC0415 - see above

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def is_text(kind: Any) -> bool:
    """Tell whether values of a type are handed over as bytes, which are texts."""
    import pyarrow as pa  # noqa: PLC0415 - see above

    types = pa.types
    is_string = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    is_binary = types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind) or types.is_binary_view(kind)
    return bool(is_string or is_binary)


def _nested_type(kind: Any, depth: int) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - see above

    types = pa.types
    if types.is_map(kind):
        key, value = plain_type(kind.key_type, depth), plain_type(kind.item_type, depth)
        return None if key is None or value is None else pa.large_list(pa.struct([("key", key), ("value", value)]))
    if _is_list(kind):
        value = plain_type(kind.value_type, depth)
        return None if value is None else pa.large_list(value)
    if types.is_struct(kind):
        names = [kind.field(place).name for place in range(kind.num_fields)]
        inner = [plain_type(kind.field(place).type, depth) for place in range(kind.num_fields)]
        is_whole = names and len(set(names)) == len(names) and None not in inner
        return pa.struct(list(zip(names, inner, strict=True))) if is_whole else None
    return None


def quote_name(text: str) -> str:
    """Write the name of a column as a key of an object."""
    return '"' + "".join(_ESCAPES.get(sign, sign) for sign in text) + '"'


def in_braces(parts: list[pl.Expr]) -> pl.Expr:
    """Join `,"name":value` of what is not null to an object."""
    return pl.concat_str(pl.lit("{"), pl.concat_str(parts, ignore_nulls=True).str.strip_prefix(","), pl.lit("}"))


def to_json(value: pl.Expr, kind: Any) -> pl.Expr:
    """Write values, handed over under their plain type, as JSON; null stays null."""
    import pyarrow as pa  # noqa: PLC0415 - see above

    types = pa.types
    kind = _bare_type(kind)
    if types.is_map(kind):
        pair = pl.element().struct
        entry = pl.concat_str(to_json(pair.field("key"), kind.key_type), pl.lit(":"), to_json(pair.field("value"), kind.item_type))
        return _in_list(value, entry, "{", "}")
    if _is_list(kind):
        return _in_list(value, to_json(pl.element(), kind.value_type).fill_null("null"), "[", "]")
    if types.is_struct(kind):
        fields = [kind.field(place) for place in range(kind.num_fields)]
        parts = [pl.concat_str(pl.lit(f",{quote_name(field.name)}:"), to_json(value.struct.field(field.name), field.type)) for field in fields]
        return pl.when(value.is_not_null()).then(in_braces(parts))
    return _json_leaf(value, kind)


def _in_list(value: pl.Expr, item: pl.Expr, opening: str, closing: str) -> pl.Expr:
    return pl.concat_str(pl.lit(opening), value.list.eval(item).list.join(",", ignore_nulls=True), pl.lit(closing))


def _json_leaf(value: pl.Expr, kind: Any) -> pl.Expr:
    import pyarrow as pa  # noqa: PLC0415 - see above

    types = pa.types
    if types.is_null(kind):
        return pl.lit(None, pl.String)
    if types.is_boolean(kind):
        return pl.when(value).then(pl.lit("true")).when(~value).then(pl.lit("false"))
    if types.is_floating(kind):
        return _json_float(value)
    if types.is_timestamp(kind):
        return _in_quotes(value.dt.replace_time_zone(None).dt.to_string(_TIME + ("Z" if kind.tz else "")))
    if types.is_date(kind):
        return _in_quotes(value.cast(pl.Date).dt.to_string("%Y-%m-%d"))
    if types.is_time(kind):
        return _in_quotes(value.dt.to_string("%H:%M:%S%.6f"))
    if types.is_duration(kind):
        return _in_quotes(pl.concat_str(value.cast(pl.String), pl.lit(kind.unit)))
    if is_text(kind):
        return _in_quotes(_escape(_decode(value)))
    return _in_quotes(value) if types.is_decimal(kind) else value.cast(pl.String)


def _in_quotes(text: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit('"'), text, pl.lit('"'))


def _escape(text: pl.Expr) -> pl.Expr:
    return text.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))


def _decode(value: pl.Expr) -> pl.Expr:
    r"""Take bytes for UTF-8; those that are none are written as `\xhh`."""
    return value.bin.head(_CELL).map_batches(_decode_batch, return_dtype=pl.String)


def _decode_batch(values: pl.Series) -> pl.Series:
    try:
        return values.cast(pl.String)
    except pl.exceptions.ComputeError:
        texts = [None if value is None else value.decode("utf-8", "backslashreplace") for value in values]
        return pl.Series(values.name, texts, pl.String)


def _json_float(value: pl.Expr) -> pl.Expr:
    """Write whole numbers without a fraction, as times and statuses are that a library took for floats."""
    whole = value.cast(pl.Int64, strict=False)
    is_whole = (value == value.round()) & (value.abs() < _EXACT)
    return pl.when(is_whole).then(whole.cast(pl.String)).when(value.is_finite()).then(value.cast(pl.String))
