"""What words mean as days: the values that phrases are read into, and arithmetic of months."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from pullstats.errors import UsageError

YEAR_MONTHS: Final = 12


class AmbiguousWindowError(UsageError):
    """A window that may mean two things."""


@dataclass(frozen=True, slots=True)
class Today:
    """What days are read against.

    Attributes:
        today: the local day of now.
        last: the last day that is wanted: today, or the day before.
        week_start: name of the first day of a week.
    """

    today: date
    last: date
    week_start: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """What some words mean.

    Attributes:
        first: the first day; None for hours.
        last: the last day.
        length: how long before now it begins, for hours and minutes.
        is_relative: whether it depends on what day it is.
        has_year: whether it says its year; else another may be meant.
    """

    first: date | None = None
    last: date | None = None
    length: timedelta | None = None
    is_relative: bool = False
    has_year: bool = True

    @property
    def days(self) -> tuple[date, date]:
        """First and last day."""
        assert self.first is not None
        assert self.last is not None
        return self.first, self.last


def add_months(day: date, months: int) -> date:
    """Go on by months; the day of the month is the last there is."""
    number = day.year * YEAR_MONTHS + day.month - 1 + months
    year, month = number // YEAR_MONTHS, number % YEAR_MONTHS + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def before_months(day: date, months: int) -> date:
    """Go back so many whole months from a day."""
    return add_months(day, -months)
