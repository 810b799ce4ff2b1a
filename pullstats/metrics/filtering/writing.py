"""Filters as `--where` takes them, written of parts."""

from __future__ import annotations

from collections.abc import Sequence


def write_filter(name: str, values: Sequence[str]) -> str:
    r"""Write a filter that keeps some values of a dimension, whatever stands in them.

    Args:
        name: of the dimension.
        values: one at least.

    Example:
        >>> write_filter("package", ["a", 'b"'])
        'package in ("a", "b\\"")'
    """
    listed = ", ".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return f"{name} in ({listed})"


def join_filters(where: str | None, other: str) -> str:
    """Join two filters, both of which must hold; the first may be none.

    Args:
        where: a filter in words, or none.
        other: another.
    """
    return f"({where}) and ({other})" if where else other
