"""Who may read a store: what lies in it follows the permissions of its folder.

A new store is its owner's alone (0700); whoever opens its folder (`chmod 750`, `chmod 2770`) opens
what is written from then on. Libraries write some of the files and know only the process's umask,
which threads share: their files are given the right mode when they are there. Until then nobody
gets at them whom the store's folder keeps out.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

OWN: Final = 0o700


def make_store(store: Path) -> None:
    """Make the folder of a store, for its owner alone; one that was given a mode on purpose keeps it."""
    if not store.is_dir():
        store.parent.mkdir(parents=True, exist_ok=True)
        store.mkdir(mode=OWN)
    elif stat.S_IMODE(store.stat().st_mode) != 0o777 & ~_umask():
        return
    _set(store, OWN)


def make_folder(folder: Path, store: Path) -> None:
    """Make a folder inside a store, and those above it."""
    if folder == store or folder.is_dir():
        return
    make_folder(folder.parent, store)
    folder.mkdir(exist_ok=True)
    _set(folder, _bits(store))


def make_file(path: Path, store: Path) -> None:
    """Make an empty file inside a store for something else to fill.

    Raises:
        OSError: it is there already, the disk is full or the folder not writable.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with contextlib.suppress(PermissionError):
            os.fchmod(handle, _bits(store) & 0o666)
    finally:
        os.close(handle)


def settle(folder: Path, store: Path) -> None:
    """Give a folder that a library writes to, and the files in it, the mode they should have."""
    bits = _bits(store)
    _set(folder, bits)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False) and stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode) != bits & 0o666:
                _set(Path(entry.path), bits & 0o666)


def settle_file(path: Path, store: Path) -> None:
    """Give a file of a store the mode it should have."""
    _set(path, _bits(store) & 0o666)


def _bits(store: Path) -> int:
    return OWN | stat.S_IMODE(store.stat().st_mode)


def _set(path: Path, mode: int) -> None:
    with contextlib.suppress(OSError):  # Another user's file in a store that several share; a file system without modes.
        path.chmod(mode)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
