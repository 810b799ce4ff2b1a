"""Read the small files that options name, within bounds: configurations, rules, keys, tables.

Such an option may be given anything: a device that never ends, a pipe that nobody writes to, a
folder. Each is an `OSError` like those of the system, so that a caller has one case to tell.
"""

from __future__ import annotations

import csv
import errno
import json
import os
import stat
from pathlib import Path
from typing import Final

LIMIT: Final = 64 << 20
"""Bytes that a small file may hold: cloud providers publish lists of up to some 10 MB."""


def read_small(path: Path, limit: int = LIMIT) -> bytes:
    """Read a whole file, or a pipe that is being written to; `/dev/null` is empty.

    Args:
        path: the file.
        limit: bytes that it may hold.

    Raises:
        OSError: it cannot be read, is no file, or is larger; `strerror` says so.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except ValueError as error:
        raise OSError(errno.EINVAL, "its name holds a NUL byte") from error
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        os.close(descriptor)
        raise OSError(errno.EISDIR, "it is a folder", str(path))
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_ISFIFO(status.st_mode):
            os.set_blocking(descriptor, True)  # its writer may be slower than we are
        elif not stat.S_ISREG(status.st_mode) and status.st_rdev != Path(os.devnull).stat().st_rdev:
            raise OSError(errno.EINVAL, "it is a device and no file", str(path))
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit >> 20} MiB" if limit >= 1 << 20 else f"it is larger than {limit} bytes", str(path))
    if stat.S_ISFIFO(status.st_mode) and not content:
        raise OSError(errno.EPIPE, "it is a pipe that nobody writes to", str(path))
    return content


def read_small_text(path: Path, limit: int = LIMIT) -> str:
    """Read a whole file as UTF-8, a byte order mark left out; see `read_small`.

    Raises:
        OSError: as `read_small`.
        UnicodeDecodeError: it is no text.
    """
    return read_small(path, limit).decode("utf-8-sig")


def tell_unreadable(error: Exception) -> str:
    r"""Say in our own words why a small file could not be read, and where, if that is known.

    Args:
        error: what reading it, as text, as JSON or as CSV, raised.

    Example:
        >>> tell_unreadable(IsADirectoryError(21, "Is a directory", "rules.toml"))
        'Is a directory'
        >>> tell_unreadable(UnicodeDecodeError("utf-8", b"one\ntw\xff", 6, 7, "invalid start byte"))
        'line 2 holds bytes that are no UTF-8; save it as UTF-8'
    """
    if isinstance(error, OSError):
        return error.strerror or "the system does not say why"
    if isinstance(error, UnicodeDecodeError):
        line = error.object.count(b"\n", 0, error.start) + 1
        return f"line {line:,} holds bytes that are no UTF-8; save it as UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno:,}, column {error.colno:,}, is no JSON"
    if isinstance(error, csv.Error):
        return "it is no CSV: a quote is not closed, or a cell is longer than any name"
    if isinstance(error, RecursionError):
        return "its brackets are nested too deep"
    return "it holds a number of more digits than are read"
