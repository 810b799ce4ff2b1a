"""The key that makes the hashes: 32 random bytes, kept apart from the store.

Without it nobody can test a guess at an address against a store; with it anybody can. Deleting
it cuts the link for good. Beside it lies the identity key, by which logs are known again: it is
made of the first key, tells nothing about it, hashes no address, and stays when the key changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
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
        identity: 32 bytes by which logs are known; None for those that follow from `secret`.
        path: the file it came from, None if from none.
        is_new: it was made just now.
    """

    secret: bytes
    identity: bytes | None = None
    path: Path | None = None
    is_new: bool = False

    @property
    def epoch(self) -> int:
        """A number that tells this key from any other, and nothing about it."""
        return int.from_bytes(hashlib.blake2b(b"", key=self.secret, digest_size=4, person=b"epoch").digest()) >> 1

    @property
    def check(self) -> int:
        """A longer number that tells this key from any other (62 bits)."""
        return _check(self.secret)

    @property
    def log_secret(self) -> bytes:
        """The key of the digests by which logs are known."""
        return self.identity or _derive_identity(self.secret)

    @property
    def log_check(self) -> int:
        """A number that tells the identity key from any other (62 bits)."""
        return _check(self.log_secret)


def load_key(path: Path | None = None, *, create: bool = True) -> HashKey:
    """Load the key and the identity key beside it, making them on first use.

    Args:
        path: the key file; None for `PULLSTATS_KEY_FILE`, else `$XDG_CONFIG_HOME/pullstats/key`.
        create: make what is missing.

    Raises:
        InputError: a file cannot be read or made, holds no key, or others may read it.
    """
    path = path or default_path()
    is_new = create and not key_exists(path)
    if is_new:
        with _explained(path):
            _write_key(path, secrets.token_bytes(KEY_LENGTH))
    secret = _read_key(path)
    return HashKey(secret, _load_identity(identity_path(path), secret, create=create), path, is_new)


def identity_path(path: Path) -> Path:
    """Give the place of the identity key: one for all keys of a folder, so that a new key changes nothing."""
    return path.with_name("pullstats-identity.key")


def _load_identity(path: Path, secret: bytes, *, create: bool) -> bytes:
    """Read the identity key; one that is missing follows from the key, whether it can be kept or not."""
    if key_exists(path):
        return _read_key(path)
    derived = _derive_identity(secret)
    if create:
        with contextlib.suppress(OSError):
            _write_key(path, derived)
    return derived


def _derive_identity(secret: bytes) -> bytes:
    return hashlib.blake2b(b"", key=secret, digest_size=KEY_LENGTH, person=b"log-identity").digest()


def _check(secret: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(b"", key=secret, digest_size=8, person=b"key-check").digest()) >> 2


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot use the key file '{path}': {error.strerror}; name another with --key-file") from error


def key_exists(path: Path) -> bool:
    """Tell whether there is a key file."""
    with _explained(path):
        return path.exists()


def _read_key(path: Path) -> bytes:
    with _explained(path):
        mode = path.stat().st_mode
        content = read_small(path, _LARGEST)
    if stat.S_IMODE(mode) & 0o077:
        raise InputError(f"the key file '{path}' can be read by other users; run: chmod 600 '{path}'")
    return _parse(content, path)


def default_path() -> Path:
    """Give the place of the user's key."""
    if named := os.environ.get("PULLSTATS_KEY_FILE"):
        return Path(named)
    config = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(config) / "pullstats" / "key"


def _write_key(path: Path, secret: bytes) -> None:
    """Write a key in one piece; of two processes that try, the first wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
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
    raise InputError(f"the key file '{path}' holds no key: it needs 32 bytes or 64 hexadecimal digits; restore it or name another with --key-file")
