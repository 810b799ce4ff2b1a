"""Every error pullstats raises on purpose.

    PullstatsError
    ├── UserError            exit 2: the user can act on it
    │   ├── UsageError       a flag, name or expression that is not understood
    │   ├── InputError       a file, log format or database that cannot be read
    │   │   └── VanishedError    a log that was there when it was looked for, and no longer is when it is opened
    │   └── StoreError       a store that is missing, locked, foreign or full
    │       └── DamagedStoreError   one whose transaction log does not hold what was written
    └── InternalError        exit 1: a bug of ours

A message is one sentence that names what is wrong, the value seen, where, and what to do.
Bad log lines never raise: they are rejected, kept and counted.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PullstatsError(Exception):
    """Root of all errors raised on purpose; `str(error)` is ready to print."""


class UserError(PullstatsError):
    """Something the user can act on (exit 2)."""


class UsageError(UserError):
    """A flag, name or expression that is not understood."""


class InputError(UserError):
    """A log file, log format, key or database that cannot be read."""


class VanishedError(InputError):
    """A log that was found and is gone, or is no file any more: as where a rotation or a clean-up runs at the same time."""


class StoreError(UserError):
    """A store that is missing, locked by another process, foreign, damaged or on a full disk."""


class DamagedStoreError(StoreError):
    """A store whose transaction log is not as it was written; `pullstats verify --repair` may mend it."""


class InternalError(PullstatsError):
    """A bug of ours (exit 1)."""


def unknown_name(noun: str, value: str, allowed: Iterable[str]) -> UsageError:
    """Build the error for a name that is not in a table, with the nearest allowed one.

    Example: `no dimension 'contry'; did you mean 'country'?`
    """
    return UsageError(f"no {noun} '{value}'; {suggest(value, allowed)}")


def suggest(value: str, allowed: Iterable[str], cutoff: float = 0.6) -> str:
    """Name the allowed name that is nearest to one that is not in a table, or all of them if none is near.

    Args:
        value: the name that was given.
        allowed: the names that there are.
        cutoff: how alike two names must be, from 0 to 1, as `difflib` measures it.

    Example:
        >>> suggest("contry", ["city", "country"]), suggest("x", ["city", "country"])
        ("did you mean 'country'?", 'known: city, country')
    """
    names = sorted(allowed)
    near = difflib.get_close_matches(value, names, n=1, cutoff=cutoff)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names)}"
