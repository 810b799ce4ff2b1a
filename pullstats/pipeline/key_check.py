"""Hold the key against those a store was written with: with another one, everybody would count again as somebody else.

A store keeps a check value of every key it was written with, and of the identity key by which it knows
logs, in the transactions of the commits that used them: `key:0`, `key:0:since` (microseconds since 1970), ….
Stores of 0.1 kept none; their events tell the number of the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from pullstats.enrich import HashKey, default_path, identity_path, key_exists, load_key
from pullstats.errors import InputError, StoreError
from pullstats.store import Store

_HASHES: Final = "key"
_IDENTITY: Final = "identity"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CheckedKey:
    """A key that may be used on a store.

    Attributes:
        key: the key.
        transactions: what the store has to remember of it, empty if it does already.
        unknowable_before: logs that were read before this can no longer be known again, for they were
            known by an identity key that is lost; None where there is none.
        notes: what the user must know.
    """

    key: HashKey
    transactions: Mapping[str, int]
    unknowable_before: datetime | None
    notes: tuple[str, ...] = ()

    def check_again(self, store: Store) -> None:
        """Make sure, once the store is locked, that nobody else began to use a key meanwhile.

        Raises:
            StoreError: somebody did.
        """
        known = store.transactions()
        if any(name in known for name in self.transactions):
            raise StoreError(f"another process began to write to the store {store.path} with its key at the same time; run again")


def check_key(store: Store | None, path: Path | None, *, is_new_epoch: bool = False) -> CheckedKey:
    """Load the key for writing to a store, making it where the store knows none.

    Args:
        store: the store, None if it will be made.
        path: the key file, None for the usual one.
        is_new_epoch: another key than before is meant.

    Raises:
        InputError: the store was written with another key, or there is no key file though the store was written with one.
    """
    known = store.transactions() if store is not None else {}
    used = _uses(known, _HASHES)
    epochs = _epochs(store) if store is not None and not used else set()
    is_first = not used and not epochs
    place = path or default_path()
    if not is_first and not is_new_epoch and not key_exists(place):
        raise InputError(f"{_told(used, epochs)}, and there is no key at '{place}'; {_REMEDY}")
    key = load_key(path, create=is_first or is_new_epoch)
    is_same = key.check == used[-1][0] if used else key.epoch in epochs
    if not is_first and not is_same and not is_new_epoch:
        number = _number(key.check) if used else f"{key.epoch:08x}"
        raise InputError(f"{_told(used, epochs)}, and '{key.path}' holds another one, {number}; {_REMEDY}")
    if is_new_epoch and is_same:
        raise InputError(
            f"--new-key-epoch, but '{key.path}' holds the key this store is written with; move it away and a new one is made, "
            f"or name another with --key-file ('{identity_path(key.path).name if key.path else ''}' stays where it is)"
        )
    return _note_uses(key, known, is_noted=bool(used) and is_same)


def _note_uses(key: HashKey, known: Mapping[str, int], *, is_noted: bool) -> CheckedKey:
    """Say what a store has to remember of a key that may be used on it.

    Args:
        key: the key.
        known: the store's transactions.
        is_noted: the store knows of it already.
    """
    used, logs = _uses(known, _HASHES), _uses(known, _IDENTITY)
    now = datetime.now(UTC)
    is_known_identity = bool(logs) and logs[-1][0] == key.log_check
    transactions = ({} if is_noted else _use(_HASHES, len(used), key.check, now)) | (
        {} if is_known_identity else _use(_IDENTITY, len(logs), key.log_check, now)
    )
    changed = len(logs) + (not is_known_identity) > 1
    return CheckedKey(
        key,
        transactions,
        (logs[-1][1] if is_known_identity else now) if changed else None,
        tuple(_notes(key, is_lost=changed and not is_known_identity)),
    )


def _notes(key: HashKey, *, is_lost: bool) -> list[str]:
    notes = []
    if key.is_new and key.path is not None:
        notes.append(
            f"made the key of the hashes at {key.path}: back it up together with {identity_path(key.path).name} beside it; "
            "without them nobody is known again and no log either"
        )
    if is_lost:
        notes.append("the identity key is another one than before: logs that were read before cannot be known again; restore it if you have it")
    return notes


_REMEDY: Final = (
    "name that key with --key-file or PULLSTATS_KEY_FILE, or run as the user whose it is; to count from now on with another key, "
    "and everybody as somebody new, say --new-key-epoch"
)


def _told(used: list[tuple[int, datetime]], epochs: set[int]) -> str:
    if used:
        return f"this store is written with the key {_number(used[-1][0])}, in use since {used[-1][1]:%Y-%m-%d %H:%M} UTC"
    return f"this store is written with the key {', '.join(f'{epoch:08x}' for epoch in sorted(epochs))}"


def _number(check: int) -> str:
    """Name a key by the beginning of its check value."""
    return f"{check:016x}"[:8]


def _uses(known: Mapping[str, int], kind: str) -> list[tuple[int, datetime]]:
    """List check values, and since when each was used."""
    found: list[tuple[int, datetime]] = []
    while (value := known.get(f"{kind}:{len(found)}")) is not None:
        found.append((value, _EPOCH + timedelta(microseconds=known.get(f"{kind}:{len(found)}:since", 0))))
    return found


def _use(kind: str, number: int, check: int, now: datetime) -> dict[str, int]:
    return {f"{kind}:{number}": check, f"{kind}:{number}:since": (now - _EPOCH) // timedelta(microseconds=1)}


def _epochs(store: Store) -> set[int]:
    """Numbers of the keys that the events of a store of 0.1 were hashed with."""
    return set(store.scan_events(["key_epoch"]).select(pl.col("key_epoch").unique()).collect(engine="streaming")["key_epoch"].drop_nulls())
