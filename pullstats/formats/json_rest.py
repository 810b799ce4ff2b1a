"""What a JSON log carries beyond what is read of it, for `--keep-attributes`.

What lies under a key that is known to say something of a request is not among it, whichever of its keys was read; nothing and
`-` are left out. Only somebody who asks for it pays for it: each object is parsed once more.
"""

from __future__ import annotations

import json
from typing import Any, Final

import polars as pl

from pullstats.formats.json_keys import KNOWN, KeyTree
from pullstats.formats.notices import parse_object

REST: Final = "rest_of_object"
"""Raw column of what is left of an object, as JSON."""
LONGEST: Final = 8 << 10
"""Characters of it that are kept; of a longer one, nothing."""
_EXACT: Final = 10**7
"""Numbers from here on become texts: they may spell an address, which is taken out later."""


def collect_rest(lines: pl.Series, tree: KeyTree) -> pl.Series:
    """Give what objects hold beyond known keys, as JSON; null where a line is none, or holds nothing more.

    Args:
        lines: an object a line.
        tree: the keys that are known.
    """
    return pl.Series(REST, [_write_rest(line, tree) for line in lines], pl.String)


def _write_rest(line: str, tree: KeyTree) -> str | None:
    item = parse_object(line)
    # What the user's own keys say goes, and what is known to: users and credentials among it, whether they are read here or not.
    rest = _leave_known(_leave_known(item, tree), KNOWN.tree) if item else {}
    if not rest:
        return None
    text = json.dumps(rest, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= LONGEST else None


def _leave_known(item: dict[str, Any], tree: KeyTree) -> dict[str, Any]:
    rest: dict[str, Any] = {}
    for key, value in item.items():
        below = tree.get(key)
        if key in tree and not (below and isinstance(value, dict)):
            continue
        kept = _leave_known(value, below) if below and isinstance(value, dict) else _plain(value)
        if kept not in (None, "", "-", {}, []):
            rest[key] = kept
    return rest


def _plain(value: Any) -> Any:
    """Write large numbers, and what JSON has no number for, as texts."""
    if isinstance(value, dict):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_plain(below) for below in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number and not abs(value) < _EXACT else value
