"""Local times to instants: times that name no zone, and dates that name no year.

A local time may be no instant, or two. Where clocks are put back, an hour comes twice: the first
of the two is taken. Where they are put forward, an hour is missing: a time in it is read by the
offset that held before, as if nobody had touched the clock yet. Both are counted.

Source: the IANA time zone database; PEP 495 (fold 0).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import polars as pl

from pullstats.errors import UsageError, unknown_name

_LONGEST_GAP: Final = "3h"
AMBIGUOUS: Final = "ambiguous"
MISSING: Final = "missing"

_YEARS_BACK: Final = 4
"""Years to look back for a date: the 29th of February comes every four."""


@cache
def find_zone(name: str) -> ZoneInfo:
    """Look a time zone up.

    Raises:
        UsageError: there is none of that name, with the nearest one.
    """
    # Listing all zones takes 60 ms, a tenth of a short report.
    if name != "UTC" and name not in available_timezones():
        near = unknown_name("time zone", name, available_timezones())
        raise near if "did you mean" in str(near) else UsageError(f"no time zone '{name}'; use an IANA name such as Europe/Berlin, or UTC")
    return ZoneInfo(name)


def write_time(moment: datetime, zone: str) -> str:
    """Write an instant as clocks of a zone show it, to the minute, with the zone's name.

    Example:
        >>> write_time(datetime(2025, 6, 1, 23, 59, tzinfo=UTC), "Asia/Kolkata")
        '2025-06-02 05:29 Asia/Kolkata'
    """
    return f"{moment.astimezone(find_zone(zone)):%Y-%m-%d %H:%M} {zone}"


@dataclass(slots=True)
class Clock:
    """Reads the local times of one log, and counts those that are odd.

    Attributes:
        zone: IANA name of the zone of times that name none.
        written: when the log was last written to, UTC: no event is later.
        odd: what was counted of local times that are two instants, or none; see `sum_odd`.
    """

    zone: str = "UTC"
    written: datetime = field(default_factory=lambda: datetime.now(UTC))
    odd: list[tuple[str, int]] = field(default_factory=list)

    def to_utc(self, naive: pl.Series) -> pl.Series:
        """Read local times of this clock's zone.

        Args:
            naive: local times without a zone.

        Returns:
            Instants in UTC; null stays null.
        """
        if self.zone == "UTC":
            return naive.dt.replace_time_zone("UTC")
        first = naive.dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")
        latest = naive.dt.replace_time_zone(self.zone, ambiguous="latest", non_existent="null")
        self._count(AMBIGUOUS, int((first != latest).sum()))
        gap = first.is_null() & naive.is_not_null()
        self._count(MISSING, int(gap.sum()))
        instants = first.dt.convert_time_zone("UTC")
        if not gap.any():
            return instants
        before = naive.filter(gap).dt.offset_by(f"-{_LONGEST_GAP}").dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")
        return instants.scatter(gap.arg_true(), before.dt.convert_time_zone("UTC").dt.offset_by(_LONGEST_GAP))

    def _count(self, kind: str, count: int) -> None:
        if count:
            self.odd.append((kind, count))  # from several threads, which an addition is not made for

    def sum_odd(self) -> Counter[str]:
        """Sum up the local times that were `ambiguous` or `missing`."""
        total: Counter[str] = Counter()
        for kind, count in self.odd:
            total[kind] += count
        return total

    def add_year(self, texts: pl.Series) -> pl.Series:
        """Read `Mar 24 14:02:50`: the latest such time that is not after the log was written.

        Args:
            texts: local times of this clock's zone.

        Returns:
            Instants in UTC; null where a text is no such time.
        """
        latest = self.written.timestamp() + 86_400
        found = pl.Series(texts.name, [None] * texts.len(), pl.Datetime("us", "UTC"))
        squeezed = texts.str.replace_all(r"\s+", " ")
        for back in range(_YEARS_BACK + 1):
            missing = found.is_null()
            if not missing.any():
                break
            naive = (f"{self.written.year - back} " + squeezed).str.to_datetime("%Y %b %e %H:%M:%S", strict=False, time_unit="us")
            instants = self.to_utc(naive.set(~missing, None))
            instants = instants.set((instants.dt.epoch("s") > latest).fill_null(value=False), None)
            found = found.zip_with(~missing, instants)
        return found
