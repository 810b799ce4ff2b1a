"""What a log is looked for by: a keyed hash of its first line, and of the name that a user gave it."""

from __future__ import annotations

import hashlib
from typing import Final

FIRST_LINE: Final = 4096
"""Bytes of the first line under which a log is looked for: it grows, they stay."""
FIRST_PIECE: Final = 16
"""Bytes for which the same is said of a first line that has no end yet."""


def first_line(head: bytes) -> bytes:
    """Give the bytes under which a log is looked for: of its first line, as far as `FIRST_LINE`; of one without its end, `FIRST_PIECE`."""
    start = head[:FIRST_LINE]
    line, end, _ = start.partition(b"\n")
    return line if end or len(start) == FIRST_LINE else line[:FIRST_PIECE]


def stem(head: bytes, key: bytes) -> str:
    """Hash the first line of a log to the beginning of the ids that logs with this line have."""
    return hashlib.blake2b(first_line(head), key=key, digest_size=16, person=b"log-first").hexdigest()


def stems(head: bytes, key: bytes) -> list[str]:
    """Give the stem of a log, and the one that it had as long as its first line, such as an array's, had no end."""
    return list(dict.fromkeys([stem(head, key), stem(first_line(head)[:FIRST_PIECE], key)]))


def name_mark(name: str, key: bytes) -> int:
    """Hash the name a user gave a source; never 0."""
    return to_number(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), key=key, digest_size=8, person=b"log-name")) | 1


def to_number(digest: hashlib.blake2b) -> int:
    """Give a digest as a number that a store can keep: 62 bits of it."""
    return int.from_bytes(digest.digest()) >> 2
