"""The worked cases of the counting rules, as `counts show` prints them and the tests ingest them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path

from pullstats.metrics.counting.rule import CountingRule

_FILE = Path(__file__).parent / "cases.toml"
_CLOCK = re.compile(r"^(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\+(?P<every>\d+)s×(?P<times>\d+))?$")


@dataclass(frozen=True, slots=True)
class Case:
    """A sequence of requests, and what rules make of it.

    Attributes:
        shows: the situation in words.
        requests: time, address, client, method, path, status, and how many seconds it took where that is logged. A time may
            be that of a first request of many: 00:00:00+300s×8640 is one every 300 s, 8,640 in all.
        expected: for each of what is counted, the count by the name of the rule, or by its name and version.
    """

    shows: str
    requests: tuple[str, ...]
    expected: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, counted: str, rule: CountingRule) -> int | None:
        """Give what a rule counts here, None where the case does not say; downloads it always says.

        Args:
            counted: which of `COUNTED`.
            rule: whose answer is asked for.
        """
        named = self.expected.get(counted, {})
        return named.get(rule.label, named.get(rule.name, 0 if counted == "downloads" else None))

    def names(self, rule: CountingRule) -> bool:
        """Tell whether the case says what a rule makes of it."""
        return any({rule.name, rule.label} & {*counts} for counts in self.expected.values())

    def spell_out(self) -> Iterator[tuple[timedelta, str]]:
        """Give each request by itself: when, since midnight, and the rest of it."""
        for request in self.requests:
            clock, _, rest = request.partition(" ")
            found = _CLOCK.match(clock)
            assert found is not None, request
            first = timedelta(hours=int(found["hour"]), minutes=int(found["minute"]), seconds=int(found["second"]))
            for number in range(int(found["times"] or 1)):
                yield first + number * timedelta(seconds=int(found["every"] or 0)), rest


@cache
def load_cases() -> tuple[Case, ...]:
    """Read all cases."""
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))["case"]
    kept = ("shows", "requests")
    return tuple(
        Case(entry["shows"], tuple(entry["requests"]), {name: counts for name, counts in entry.items() if name not in kept}) for entry in entries
    )
