"""The writer's lock: one process at a time writes to a store, and who it is can be seen.

The kernel holds the lock (`flock`) and drops it when its owner dies, however it dies, so there is
never a stale lock to break; the text in the file only tells people who has it.

Source: flock(2), https://man7.org/linux/man-pages/man2/flock.2.html
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pullstats.errors import StoreError
from pullstats.store.modes import settle_file

LOCK_NAME: Final = "writer.lock"


@contextmanager
def lock_store(store: Path) -> Iterator[None]:
    """Hold the store's write lock for the length of a `with` block.

    Args:
        store: folder of the store.

    Raises:
        StoreError: another process (or another `with` block of this one) holds the lock,
            or the lock file cannot be written.
    """
    path = store / LOCK_NAME
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise StoreError(f"cannot lock the store: {path}: {error.strerror}") from error
    try:
        settle_file(path, store)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"the store {store} is being written to by {_describe_owner(handle)}; run again when it has ended") from error
        except OSError as error:
            raise StoreError(f"cannot lock the store: {path}: {error.strerror}") from error
        _write_owner(handle)
        try:
            yield
        finally:
            _erase_owner(handle)
    finally:
        os.close(handle)


def is_being_written(store: Path) -> bool:
    """Tell whether a process holds the lock now."""
    try:
        handle = os.open(store / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def _write_owner(handle: int) -> None:
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    _erase_owner(handle)
    try:
        os.pwrite(handle, json.dumps(owner).encode() + b"\n", 0)
    except OSError:
        return  # A full disk must not hide the lock itself; the message then names no owner.


def _erase_owner(handle: int) -> None:
    try:
        os.ftruncate(handle, 0)
    except OSError:
        return


def _describe_owner(handle: int) -> str:
    try:
        owner = json.loads(os.pread(handle, 4096, 0))
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
