"""Turn the PATH arguments of `ingest` into the list of files to read."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pullstats.errors import InputError

STDIN = "-"


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
        """Name to show: the path as given, or `-`."""
        return STDIN if self.path is None else str(self.path)


def expand_paths(arguments: Sequence[str], exclude: Path | None = None) -> tuple[list[SourceFile], list[str]]:
    """Expand files, folders (recursive), globs and `-`.

    Args:
        arguments: what the user typed.
        exclude: a folder never to descend into (the store).

    Returns:
        The files, each once (links and repetitions of one file are one), folders in name order;
        and a note for each thing that was passed over.

    Raises:
        InputError: an argument names nothing that exists, or something that cannot be read.
    """
    files: list[SourceFile] = []
    notes: list[str] = []
    seen: set[tuple[int, int]] = set()
    for argument in arguments:
        for file in _expand(argument, exclude, notes):
            if file.path is not None:
                status = file.path.stat()
                identity = (status.st_dev, status.st_ino)
                if identity in seen:
                    notes.append(f"{file.name}: the same file was given before; read once")
                    continue
                seen.add(identity)
            files.append(file)
    return files, notes


def _expand(argument: str, exclude: Path | None, notes: list[str]) -> Iterator[SourceFile]:
    if argument == STDIN:
        yield SourceFile(None, is_named=True)
        return
    path = Path(argument)
    if path.is_dir():
        yield from _walk(path, exclude, notes)
    elif path.exists():
        yield _named_file(path)
    elif glob.has_magic(argument):
        yield from _expand_glob(argument, exclude, notes)
    else:
        message = f"no such file or folder: '{argument}'; give a log file, a folder, a glob in quotes, or - for standard input"
        raise InputError(message)


def _named_file(path: Path) -> SourceFile:
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        message = f"'{path}' is not a file that can be read as a log"
        raise InputError(message)
    if not os.access(path, os.R_OK):
        message = f"cannot read '{path}': permission denied; run as a user who may read it"
        raise InputError(message)
    return SourceFile(path, is_named=True)


def _expand_glob(pattern: str, exclude: Path | None, notes: list[str]) -> Iterator[SourceFile]:
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - the pattern may be absolute, which Path.glob refuses
    if not matches:
        message = f"no file matches '{pattern}'"
        raise InputError(message)
    for match in map(Path, matches):
        if match.is_dir():
            yield from _walk(match, exclude, notes)
        else:
            yield from _regular(match, notes)


def _walk(folder: Path, exclude: Path | None, notes: list[str]) -> Iterator[SourceFile]:
    """Yield the regular files below a folder in name order; hidden ones and the store are left out."""
    excluded = exclude.resolve() if exclude else None
    found = False
    for parent, folders, names in os.walk(folder, onerror=lambda error: notes.append(f"{error.filename}: {error.strerror}")):
        here = Path(parent)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and (here / name).resolve() != excluded)
        for name in sorted(names):
            if not name.startswith("."):
                found = True
                yield from _regular(here / name, notes)
    if not found:
        notes.append(f"{folder}: no log files in this folder")


def _regular(path: Path, notes: list[str]) -> Iterator[SourceFile]:
    """Yield a file found by searching, unless it is a pipe, a device or unreadable."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        notes.append(f"{path}: {error.strerror}")
        return
    if not stat.S_ISREG(mode):
        notes.append(f"{path}: not a regular file; passed over")
    elif not os.access(path, os.R_OK):
        notes.append(f"{path}: permission denied; passed over")
    else:
        yield SourceFile(path, is_named=False)
