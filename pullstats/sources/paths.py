"""Turn the PATH arguments of `ingest` into the list of files to read."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pullstats.errors import InputError, VanishedError
from pullstats.escaping import plain_text

STDIN = "-"
DELTA_LOG: Final = "_delta_log"
_BOOKKEEPING: Final = re.compile(r"_(?:SUCCESS|committed_|started_)")
"""What Spark leaves beside what it wrote."""
GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.ENODEV})
"""What the system says of a name under which no file lies: vanished, replaced by a folder, a link in a circle."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One log to read.

    Attributes:
        path: where it is; None for standard input.
        is_named: the user named this very file, so a problem with it is an error and not a note.
    """

    path: Path | None
    is_named: bool

    @property
    def name(self) -> str:
        """Name to show: the path as given, bytes of it that are no UTF-8 escaped; or `-`."""
        return STDIN if self.path is None else plain_text(str(self.path))


@dataclass(slots=True)
class Found:
    """What lies under some arguments.

    Attributes:
        files: the logs, each once (links and repetitions of one file are one), folders in name order.
        notes: what was passed over, and why.
        failures: those of the notes that tell of what may hold logs and could not be looked at.
    """

    files: list[SourceFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def pass_over(self, path: Path | str, error: OSError) -> None:
        """Say of a path that the system would not show it: a note if nothing is there, else a failure."""
        self.note(path, error.strerror or str(error), is_failure=error.errno not in GONE)

    def note(self, path: Path | str, reason: str, *, is_failure: bool = False) -> None:
        """Say why a path was passed over."""
        text = f"{plain_text(str(path))}: {reason}; passed over"
        self.notes.append(text)
        if is_failure:
            self.failures.append(text)


def expand_paths(arguments: Sequence[str], exclude: Path | None = None) -> Found:
    """Expand files, folders (recursive), globs and `-`.

    Args:
        arguments: what the user typed.
        exclude: a folder never to descend into (the store).

    Raises:
        InputError: an argument names nothing that exists, or something that cannot be read.
    """
    found = Found()
    seen: set[tuple[int, int]] = set()
    for argument in arguments:
        for file, identity in _expand(argument, exclude, found):
            if identity is not None and identity in seen:
                found.notes.append(f"{file.name}: the same file was given before; read once")
                continue
            if identity is not None:
                seen.add(identity)
            found.files.append(file)
    return found


Known = tuple[SourceFile, tuple[int, int] | None]
"""A file, and what the system knows it by."""


def _expand(argument: str, exclude: Path | None, found: Found) -> Iterator[Known]:
    if argument == STDIN:
        yield SourceFile(None, is_named=True), None
        return
    path = Path(argument)
    try:
        status = path.stat()
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ENAMETOOLONG} or not glob.has_magic(argument):
            raise _not_there(argument, error) from error
        yield from _expand_glob(argument, exclude, found)
        return
    except ValueError as error:
        raise InputError(f"'{argument}' holds a NUL byte and is no name of a file") from error
    if stat.S_ISDIR(status.st_mode):
        yield from _walk(path, exclude, found)
    else:
        yield _named_file(path, status)


def _not_there(argument: str, error: OSError) -> InputError:
    shown = plain_text(argument)
    if error.errno == errno.ENOENT:
        return InputError(f"no such file or folder: '{shown}'; give a log file, a folder, a glob in quotes, or - for standard input")
    return InputError(f"cannot read '{shown}': {error.strerror}")


def _named_file(path: Path, status: os.stat_result) -> Known:
    refuse_endless(status, plain_text(str(path)))
    if not os.access(path, os.R_OK):
        raise InputError(f"cannot read '{plain_text(str(path))}': permission denied; run as a user who may read it")
    return SourceFile(path, is_named=True), (status.st_dev, status.st_ino)


def refuse_endless(status: os.stat_result, name: str) -> None:
    """Refuse what is neither a file nor a stream that someone writes to, such as `/dev/zero`, which never ends.

    Raises:
        InputError: it is a device, a socket or a folder; `/dev/null` and terminals are streams.
    """
    mode = status.st_mode
    is_null = stat.S_ISCHR(mode) and status.st_rdev == _null_device()
    is_terminal = stat.S_ISCHR(mode) and os.major(status.st_rdev) in _TERMINALS
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or is_null or is_terminal):
        raise InputError(f"'{name}' is no file and no stream that can be read as a log")


_TERMINALS: Final = frozenset({4, 5, *range(136, 144)})
"""Major numbers of terminals. Source: kernel.org, Documentation/admin-guide/devices.txt."""


def _null_device() -> int:
    return Path(os.devnull).stat().st_rdev


def _expand_glob(pattern: str, exclude: Path | None, found: Found) -> Iterator[Known]:
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - the pattern may be absolute, which Path.glob refuses
    if not matches:
        raise InputError(f"no file matches '{plain_text(pattern)}'")
    for match in map(Path, matches):
        if os.path.isdir(match):  # noqa: PTH112 - says no where a path cannot be looked at, instead of raising
            yield from _walk(match, exclude, found)
        else:
            yield from _regular(match, found)


def _walk(folder: Path, exclude: Path | None, found: Found) -> Iterator[Known]:
    """Yield the regular files below a folder in name order; hidden ones and the store are left out."""
    excluded = _identity(exclude) if exclude else None
    has_files = has_failed = False

    def fail(error: OSError) -> None:
        nonlocal has_failed
        has_failed = True
        found.pass_over(error.filename, error)

    for parent, folders, names in os.walk(folder, onerror=fail):
        here = Path(parent)
        if DELTA_LOG in folders:
            has_files = True
            folders.clear()
            yield from _delta_files(here, found)
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and (excluded is None or _identity(here / name) != excluded))
        for name in sorted(names):
            if not name.startswith(".") and not _BOOKKEEPING.match(name):
                has_files = True
                yield from _regular(here / name, found)
    if not has_files and not has_failed:
        found.notes.append(f"{plain_text(str(folder))}: no log files in this folder")


def _delta_files(folder: Path, found: Found) -> Iterator[Known]:
    """Yield the files of a Delta table as it is now: those that it has retired may lie there still."""
    from deltalake import DeltaTable  # noqa: PLC0415 - only where there is such a table
    from deltalake.exceptions import DeltaError  # noqa: PLC0415

    try:
        names = sorted(DeltaTable(folder.absolute().as_uri()).file_uris())
    except (DeltaError, OSError, ValueError) as error:
        found.note(folder, f"a Delta table whose log cannot be read ({str(error)[:200]!r})", is_failure=True)
        return
    for name in names:
        yield from _regular(Path(unquote(urlsplit(name).path)) if name.startswith("file:") else Path(name), found)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _regular(path: Path, found: Found) -> Iterator[Known]:
    """Yield a file found by searching, unless it is a pipe, a device or unreadable."""
    try:
        status = path.stat()
    except OSError as error:
        found.pass_over(path, error)
        return
    if not stat.S_ISREG(status.st_mode):
        found.note(path, "not a regular file")
    elif not os.access(path, os.R_OK):
        found.note(path, "permission denied", is_failure=True)
    else:
        yield SourceFile(path, is_named=False), (status.st_dev, status.st_ino)


def open_file(file: SourceFile) -> int:
    """Open a log that lies in a file system for reading; a pipe that nobody writes to is empty, and does not wait for somebody.

    Raises:
        VanishedError: it is no longer there, or no file any more.
        InputError: it cannot be opened.
    """
    assert file.path is not None
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in GONE:
            raise VanishedError(f"'{file.name}' is no longer there: {error.strerror}") from error
        raise InputError(f"cannot open '{file.name}': {error.strerror}") from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode) or not (file.is_named or stat.S_ISREG(mode)):
        os.close(descriptor)
        raise VanishedError(f"'{file.name}' is no longer there: not a regular file any more")
    os.set_blocking(descriptor, True)
    return descriptor
