"""Put an answer where it belongs: on the screen, or into a file in one piece."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Final

from pullstats.errors import UserError
from pullstats.escaping import plain_text
from pullstats.render.drafts import draft

_SCREEN: Final = "standard output"
_MAX_LINKS: Final = 40
"""Links that may lead from one to the next, as the kernel counts them."""


def write_output(content: str | bytes, path: Path | None) -> None:
    """Write to standard output, or replace a file in one step.

    Args:
        content: text is written as UTF-8.
        path: the file; None for standard output.

    Raises:
        UserError: the file cannot be written; what was there is still there.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    with opened(path) as stream:
        stream.write(data)


@contextmanager
def opened(path: Path | None) -> Iterator[IO[bytes]]:
    """Open standard output, or what replaces a file in one step once all of it is written.

    Raises:
        UserError: it cannot be written; what was there is still there.
    """
    if path is None:
        with writing(_SCREEN):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        return
    shown = plain_text(str(path))
    with writing(f"'{shown}'"):
        inherited = _inherited(path)
        if inherited is None and path.is_dir():
            raise UserError(f"'{shown}' is a folder; name a file with -o")
        if inherited is None and not _is_stream(path):
            with writing(f"'{shown}' (what was there is unchanged)"), _draft(path) as stream:
                yield stream
            return
        sys.stdout.flush()
        with _through(path, inherited) as stream:
            yield stream


@contextmanager
def writing(shown: str) -> Iterator[None]:
    """Say in one sentence why something cannot be written.

    Raises:
        BrokenPipeError: nobody reads standard output any more, which is no fault.
        UserError: anything else.
    """
    try:
        yield
    except BrokenPipeError as error:
        if shown == _SCREEN:
            raise
        raise UserError(f"cannot write {shown}: nobody reads it any more") from error
    except OSError as error:
        reason = "no space left on the disk" if error.errno == errno.ENOSPC else error.strerror
        raise UserError(f"cannot write {shown}: {reason}") from error
    except (RuntimeError, ValueError) as error:  # links in a circle, a NUL byte
        raise UserError(f"cannot write {shown}: it is no name of a file") from error


def _inherited(path: Path) -> int | None:
    """Tell which open file of this process a path is another name of, as `/dev/stdout` and `/dev/fd/63` are; None if of none."""
    for _ in range(_MAX_LINKS):
        if path.name.isdecimal() and path.parent.resolve() in (Path(f"/proc/{os.getpid()}/fd"), Path("/dev/fd")):
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


def _is_stream(path: Path) -> bool:
    """Tell a pipe or a device: it is written to, and never replaced."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _through(path: Path, inherited: int | None) -> IO[bytes]:
    """Open what is written through: behind what is in it already, where it is open."""
    return path.open("wb") if inherited is None else os.fdopen(os.dup(inherited), "wb")


def _draft(path: Path) -> AbstractContextManager[IO[bytes]]:
    """Write beside the target and move into place only what is whole and on the disk."""
    return draft(path.resolve(), find_mode(path))


def find_mode(path: Path) -> int:
    """Give the permissions of a file that takes another's place, or of a new one."""
    return path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
