"""Where a store's parts lie, how a store is told from any other folder, and how one is made."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Final

from pullstats.errors import StoreError
from pullstats.store.lock import LOCK_NAME
from pullstats.store.modes import make_file, make_store

STORE_VERSION: Final = 2
"""Raised when the layout changes so that an older pullstats would read it wrongly; `migrate` brings older stores up to it."""

MARKER_NAME: Final = "pullstats-store.json"
SETTINGS_NAME: Final = "pullstats.toml"
_LONGEST: Final = 1 << 16
"""Bytes of a marker that are looked at; ours has fifty."""


def find_store(path: Path, *, create: bool) -> None:
    """Make sure that a folder is a store that this version can read.

    Args:
        path: folder of the store.
        create: make one if the folder is missing, empty or holds only settings.

    Raises:
        StoreError: it is missing, something else, newer than this version, or cannot be made.
    """
    try:
        marker = _read_marker(path)
        if marker is None and create:
            _write_marker(path)
            return
    except OSError as error:
        raise StoreError(f"cannot open the store {path}: {error.strerror or error}") from error
    if marker is None:
        raise StoreError(f"no store at {path}; the first `pullstats ingest` makes one, or name another with --store")
    if marker > STORE_VERSION:
        raise StoreError(f"the store {path} has layout version {marker}, this pullstats knows {STORE_VERSION}; upgrade pullstats")


def is_store(path: Path) -> bool:
    """Tell whether a folder says that it is a store."""
    try:
        return (path / MARKER_NAME).exists()
    except OSError:
        return False


def raise_marker(path: Path) -> None:
    """Say that only this version and newer ones may read a store; a marker that says so is left alone."""
    if _read_marker(path) != STORE_VERSION:
        _write_marker(path)


def _read_marker(path: Path) -> int | None:
    """Layout version of the store, None if there is nothing yet; anything else raises."""
    try:
        text = _read_text(path / MARKER_NAME)
    except (FileNotFoundError, NotADirectoryError):
        if path.exists() and not path.is_dir():
            raise StoreError(f"{path} is not a store but a file; name a folder with --store") from None
        if _holds_other_things(path):
            raise StoreError(f"{path} is not a pullstats store ({MARKER_NAME} is missing); name another folder with --store") from None
        return None
    try:
        version = json.loads(text)["layout_version"]
        if type(version) is int and version > 0:
            return version
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise StoreError(f"{path / MARKER_NAME} is damaged; it should be a file that reads {_marker_text().strip()}")


def _read_text(path: Path) -> str:
    """Read the marker; what is no file, no text or far too long reads as nothing."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        is_file = stat.S_ISREG(os.fstat(handle).st_mode)
        return os.read(handle, _LONGEST).decode("utf-8", "replace") if is_file else ""
    finally:
        os.close(handle)


def _holds_other_things(path: Path) -> bool:
    ours = {SETTINGS_NAME, LOCK_NAME}
    return path.is_dir() and any(entry.name not in ours and not entry.name.startswith(f".{MARKER_NAME}") for entry in path.iterdir())


def _write_marker(path: Path) -> None:
    make_store(path)
    for left in path.glob(f".{MARKER_NAME}.*"):  # by runs that were killed here
        left.unlink(missing_ok=True)
    draft = path / f".{MARKER_NAME}.{os.getpid()}"
    make_file(draft, path)
    draft.write_text(_marker_text(), encoding="utf-8")
    draft.replace(path / MARKER_NAME)


def _marker_text() -> str:
    return json.dumps({"format": "pullstats-store", "layout_version": STORE_VERSION}) + "\n"
