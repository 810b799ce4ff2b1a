"""A DuckDB that holds nothing but what it is given: it reads no file, no network and no variable of ours, and writes nothing.

What is asked is one SELECT. The settings are locked, so nothing that it says changes them, and of DuckDB's table functions it may call those
alone that make rows of what they are given.

Source: https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview (external access, extensions, locked configuration).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pullstats.errors import UsageError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SETTINGS: Final = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
    "errors_as_json": True,
}
_LOCK: Final = "SET lock_configuration = true"
_PLANNING: Final = "SET disabled_optimizers = 'filter_pushdown,statistics_propagation'"
"""What would hide a column that is only compared, or a table that is empty while it is planned for."""
_EXPLAIN: Final = "EXPLAIN (FORMAT json) "
_TABLE_FUNCTIONS: Final = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree", "repeat", "repeat_row"})
"""Those that make rows of what they are given."""
_ERROR: Final = re.compile(r"\{.*\}", re.DOTALL)
_KIND: Final = re.compile(r"^[A-Z][A-Za-z ]* Error: ")


def load_duckdb() -> ModuleType:
    """Import DuckDB.

    Raises:
        UsageError: it is missing.
    """
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError("pullstats sql needs the package duckdb; run: pip install 'pullstats[sql]'") from error
    return duckdb


@contextmanager
def opened(tz: str, memory: int) -> Iterator[DuckDBPyConnection]:
    """Open a DuckDB of its own, in memory; who fills it locks it before anything is asked (`lock`).

    Args:
        tz: zone in which it writes times.
        memory: bytes that it may take.
    """
    duckdb = load_duckdb()
    with duckdb.connect(":memory:", config={**_SETTINGS, "memory_limit": f"{memory}B"}) as connection:
        connection.execute(f"SET TimeZone = '{tz}'")
        yield connection


def lock(connection: DuckDBPyConnection) -> None:
    """Let no statement change a setting any more."""
    connection.execute(_LOCK)


def find_columns(text: str, schemas: Mapping[str, pl.Schema], tz: str, memory: int) -> dict[str, set[str]]:
    """Tell which columns a SELECT reads, before anything is read: DuckDB plans it over tables of one empty row.

    Args:
        text: what is asked.
        schemas: columns of each table.
        tz: zone in which it is asked.
        memory: bytes that planning may take.

    Returns:
        The columns by table; a table that is not read is left out.

    Raises:
        UsageError: it is not one SELECT, cannot be understood, or calls what it may not.
    """
    with opened(tz, memory) as connection:
        for name, schema in schemas.items():
            connection.register("given", pl.DataFrame([dict.fromkeys(schema)], schema=schema).to_arrow())
            connection.execute(f'CREATE TABLE "{name}" AS FROM given')
            connection.unregister("given")
        connection.execute(_PLANNING)
        lock(connection)
        with told(text):
            _check(connection, text)
        with told(text, before=len(_EXPLAIN)):
            (_, plan) = connection.execute(_EXPLAIN + text).fetchone() or ("", "[]")
    found: dict[str, set[str]] = {}
    for node in _walk(json.loads(plan)):
        table = str(node.get("extra_info", {}).get("Table", "")).rpartition(".")[2]
        if table in schemas:
            read = node["extra_info"].get("Projections", [])
            found.setdefault(table, set()).update(schemas[table].names() if read is None else [read] if isinstance(read, str) else read)
    return {table: columns & {*schemas[table]} for table, columns in found.items()}


def _check(connection: DuckDBPyConnection, text: str) -> None:
    """Refuse what is not one SELECT, and what it may not call.

    Raises:
        UsageError: with what may be asked.
    """
    statements = connection.extract_statements(text)
    if len(statements) != 1 or statements[0].type.name != "SELECT":
        found = "nothing" if not statements else f"{len(statements)} statements" if len(statements) > 1 else statements[0].type.name
        raise UsageError(f"pullstats sql takes one SELECT (or FROM, WITH, DESCRIBE, SUMMARIZE), and this is {found}; nothing is ever written")
    (tree,) = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchone() or ("{}",)
    for node in _walk(json.loads(tree)):
        if node.get("type") == "TABLE_FUNCTION":
            name = str(node.get("function", {}).get("function_name", "")).lower()
            if name not in _TABLE_FUNCTIONS:
                raise UsageError(f"pullstats sql reads the tables of the store alone, so it does not call {name}(); see docs/sql.md")


def _walk(tree: Any) -> Iterator[dict[str, Any]]:
    """Give every object of nested ones."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left += node.values()
        elif isinstance(node, list):
            left += node


@contextmanager
def told(text: str, before: int = 0) -> Iterator[None]:
    """Say in one sentence what DuckDB does not understand, and where.

    Args:
        text: what is asked.
        before: characters that stand before it where it is run.

    Raises:
        UsageError: what is asked cannot be answered.
        FileNotFoundError: a file of the snapshot is gone.
        ComputeError: a file of it cannot be read.
    """
    duckdb = load_duckdb()
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise UsageError("this takes more than --memory allows; allow more, or ask for less at a time") from error
    except duckdb.Error as error:
        _tell(str(error), text, before, error)


def _tell(message: str, text: str, before: int, cause: Exception) -> None:
    if "No such file" in message:
        raise FileNotFoundError(message) from cause
    if "Traceback" in message:  # what we gave it to read raised
        raise pl.exceptions.ComputeError(message) from cause
    found = _ERROR.search(message)
    try:
        known = json.loads(found[0]) if found else {}
    except ValueError:
        known = {}
    said, place = str(known.get("exception_message", _KIND.sub("", message))), known.get("position")
    raise UsageError(f"{_find_place(text, int(place) - before) if place is not None else ''}{_shorten(said, known)}") from cause


def _find_place(text: str, position: int) -> str:
    r"""Name a place by line and column, both from 1.

    Args:
        text: what is asked.
        position: bytes before the place.

    Example:
        >>> _find_place("select 1\nfrom nowhere", 14)
        'line 2, column 6: '
    """
    lines = text.encode("utf-8", "replace")[: max(position, 0)].decode("utf-8", "ignore").split("\n")
    return f"line {len(lines):,}, column {len(lines[-1]) + 1:,}: "


def _shorten(said: str, known: Mapping[str, Any]) -> str:
    """Keep what is of use of a message of several lines."""
    first, *rest = [line.strip() for line in said.split("\n") if line.strip()] or ["it cannot be answered"]
    if known.get("type") == "Table":
        return f"{first.rstrip('!')}; there are events, downloads, origins and sources"
    hint = next((f"; {line}" for line in rest if line.startswith("Candidate bindings")), "")
    return first.rstrip("!") + hint
