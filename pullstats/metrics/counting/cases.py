"""The worked cases of the counting rules, as `counts show` prints them and the tests ingest them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pullstats.metrics.counting.rule import CountingRule

_FILE = Path(__file__).parent / "cases.toml"


@dataclass(frozen=True, slots=True)
class Case:
    """A sequence of requests, and what rules make of it.

    Attributes:
        shows: the situation in words.
        requests: time, address, client, method, path, status.
        expected: for each of what is counted, the count by the name of the rule.
    """

    shows: str
    requests: tuple[str, ...]
    expected: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, counted: str, rule: CountingRule) -> int | None:
        """Give what a rule counts here, None where the case does not say; downloads it always says."""
        named = self.expected.get(counted, {})
        return named.get(rule.name, 0 if counted == "downloads" else None)


@cache
def load_cases() -> tuple[Case, ...]:
    """Read all cases."""
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))["case"]
    kept = ("shows", "requests")
    return tuple(
        Case(entry["shows"], tuple(entry["requests"]), {name: counts for name, counts in entry.items() if name not in kept}) for entry in entries
    )
