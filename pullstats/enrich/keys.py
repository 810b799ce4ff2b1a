"""The key that makes the hashes: 32 random bytes, kept apart from the store.

Without it nobody can test a guess at an address against a store; with it anybody can. Deleting
it cuts the link for good.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pullstats.errors import InputError
from pullstats.small_files import read_small

KEY_LENGTH: Final = 32
_LARGEST: Final = 64 << 10


@dataclass(frozen=True, slots=True, repr=False)
class HashKey:
    """A key and the epoch it stands for: the number stored beside every hash. Hashes of two epochs cannot be compared.

    Attributes:
        secret: 32 bytes.
    """

    secret: bytes

    @property
    def epoch(self) -> int:
        """A number that tells this key from any other, and nothing about it."""
        return int.from_bytes(hashlib.blake2b(b"", key=self.secret, digest_size=4, person=b"epoch").digest()) >> 1


def load_key(path: Path | None = None) -> HashKey:
    """Load the key, making it on first use.

    Args:
        path: the key file; None for `PULLSTATS_KEY_FILE`, else `$XDG_CONFIG_HOME/pullstats/key`.

    Raises:
        InputError: the file cannot be read or made, holds no key, or others may read it.
    """
    path = path or _default_path()
    try:
        if not path.exists():
            _make_key(path)
        mode = path.stat().st_mode
        content = read_small(path, _LARGEST)
    except OSError as error:
        message = f"cannot use the key file '{path}': {error.strerror}; name another with --key-file"
        raise InputError(message) from error
    if stat.S_IMODE(mode) & 0o077:
        message = f"the key file '{path}' can be read by other users; run: chmod 600 '{path}'"
        raise InputError(message)
    return HashKey(_parse(content, path))


def _default_path() -> Path:
    if named := os.environ.get("PULLSTATS_KEY_FILE"):
        return Path(named)
    config = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(config) / "pullstats" / "key"


def _make_key(path: Path) -> None:
    """Write a new key in one piece; of two processes that try, the first wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_LENGTH))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _parse(content: bytes, path: Path) -> bytes:
    if len(content) == KEY_LENGTH:
        return content
    with contextlib.suppress(ValueError):
        decoded = bytes.fromhex(content.decode("ascii", "replace").strip())
        if len(decoded) == KEY_LENGTH:
            return decoded
    message = f"the key file '{path}' holds no key: it needs 32 bytes or 64 hexadecimal digits; restore it or name another with --key-file"
    raise InputError(message)
