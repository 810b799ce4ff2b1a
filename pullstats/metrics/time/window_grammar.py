"""Windows as people write them: what `--window` and `--as-of` take.

    30d   last-month   2024-Q2   2024-04-01..2024-04-16   since v1.4.0
    every tuesday this year      weekdays 90d      09:00-17:00 30d and weekends

Parts stand side by side or are joined with `and`; all of them must hold. Days, weeks, months and
years are local to a zone and honour its changes of the clock: a day may have 23 or 25 hours.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final

from pullstats.errors import UsageError
from pullstats.metrics.caret import point_at
from pullstats.metrics.time.calendars import Calendar
from pullstats.metrics.time.phrase import Phrase
from pullstats.metrics.time.phrases import TO, read_days, read_phrase
from pullstats.metrics.time.release_spans import find_length, span_beside
from pullstats.metrics.time.weekdays import KINDS_OF_DAYS, is_weekday, name_days
from pullstats.metrics.time.windows import DAY_MINUTES, TICK, Window, midnight

GRAMMAR: Final = (
    "all, today, yesterday, 30d, 12h, 4w, last 7 days, past month, this-week, last-week, this-month, last-month, this-quarter, last-quarter, "
    "this-year, last-year, last tuesday, 2025, 2025-Q2, Q2 2025, 2025-04, may 2025, 2025-04-16, 16 april 2025, 2025-04-01..2025-04-16, "
    "2025-05 to 2025-07, every tuesday, every tuesday and thursday, weekdays, weekends, 09:00-17:00, since v1.4.0, 14d after v1.4.0, 7d before v1.4.0, until 2025-04-16; several, all of "
    "which must hold, side by side or with 'and'"
)
_WORD: Final = re.compile(r"[^\s,]+")
_HOURS: Final = re.compile(r"^([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)$")


def parse_window(text: str, calendar: Calendar) -> Window:
    """Read a window.

    Args:
        text: see `GRAMMAR`; the end of a range is inclusive by day.
        calendar: what day it is, and where.

    Raises:
        UsageError: it is no window; the message has a caret under the place and lists the grammar.

    Example:
        >>> from datetime import UTC, datetime
        >>> from zoneinfo import ZoneInfo
        >>> berlin = Calendar(ZoneInfo("Europe/Berlin"), datetime(2024, 4, 16, 12, tzinfo=UTC))
        >>> window = parse_window("march 2024", berlin)
        >>> window.start.isoformat(), window.end.isoformat()
        ('2024-02-29T23:00:00+00:00', '2024-03-31T22:00:00+00:00')
    """
    reader = _WindowParser(text, calendar)
    while reader.words:
        reader.read_part()
    if not reader.is_read:
        raise reader.fail(0, "a window is missing")
    if calendar.is_complete and not reader.is_hourly:
        reader.end_before(calendar.today)
    return Window(reader.start, reader.end, " ".join(text.split()), calendar.zone.key, reader.weekdays, tuple(reader.hours), reader.is_relative)


def parse_as_of(text: str, calendar: Calendar) -> datetime:
    """Read a day to count back from: its last instant; of a month, quarter or year, that of its last day.

    Args:
        text: as typed.
        calendar: what day it is, and where.

    Returns:
        The instant, UTC.

    Raises:
        UsageError: it is no date.
    """
    words = text.lower().split()
    try:
        found = read_phrase(words, calendar.days)
    except (ValueError, OverflowError):
        found = None
    if found is None or found[1] < len(words) or found[0].is_relative or words[0] in _TOGETHER or ".." in text:
        raise UsageError(f"--as-of '{text}' is no date; write 2025-04-16, newest or now")
    return midnight(found[0].days[1] + timedelta(days=1), calendar.zone) - TICK


class _WindowParser:
    """Reads the parts of a window one after the other, each narrowing it."""

    def __init__(self, text: str, calendar: Calendar) -> None:
        self.text = re.sub(r"\s*\.\.\s*", "..", text)
        self.words = [(match[0], match.start()) for match in _WORD.finditer(self.text)]
        self.start: datetime | None = None
        self.end: datetime | None = None
        self.weekdays: frozenset[int] | None = None
        self.hours: list[tuple[int, int]] = []
        self.is_read = False
        self.is_hourly = False
        self.is_relative = False
        self._calendar = calendar

    def fail(self, position: int, reason: str) -> UsageError:
        """Build the error with a caret under the place."""
        return UsageError(f"{reason}; write one of {GRAMMAR}\n{point_at(self.text, position)}")

    def end_before(self, day: date) -> None:
        """Leave a day and what follows it out."""
        end = midnight(day, self._calendar.zone)
        self.end = end if self.end is None else min(self.end, end)

    def read_part(self) -> None:
        word, position = self.words[0]
        lowered = word.lower()
        if lowered == "and" and self.is_read and len(self.words) > 1:
            self.words.pop(0)
            return
        is_first, self.is_read = not self.is_read, True
        if lowered == "every":
            self.words.pop(0)
            self._read_every(position)
        elif is_first and len(self.words) == 1 and is_weekday(lowered.rstrip(".")):
            self._read_latest(lowered)
        elif name_days(lowered) is not None:
            self._narrow_days(self._read_days())
        elif match := _HOURS.match(lowered):
            self.words.pop(0)
            start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4]) if match[3] else DAY_MINUTES
            if start == end:
                raise self.fail(position, f"'{word}' ends when it begins")
            self.hours.append((start, end))
        elif lowered in _BOUNDS:
            self.words.pop(0)
            self._read_bound(lowered, position)
        elif lowered == "all":
            self.words.pop(0)
        elif (length := find_length([one for one, _ in self.words])) is not None:
            self._read_around(length, position)
        else:
            self._read_span(word, position)

    def _read_every(self, position: int) -> None:
        if not self.words:
            raise self.fail(position, "'every' needs a day of the week")
        word, position = self.words[0]
        if word.lower() == "day":
            self.words.pop(0)
            self._narrow_days(frozenset(range(1, 8)))
            return
        if name_days(word.lower()) is None:
            raise self.fail(position, f"'{word}' is no day of the week")
        self._narrow_days(self._read_days())

    def _read_days(self) -> frozenset[int]:
        """Read one day of the week after the other; a list of them is their union."""
        first = self.words.pop(0)[0].lower()
        days = name_days(first) or frozenset()
        if len(self.words) > 1 and self.words[0][0].lower() in TO and (to := f"{first}-{self.words[1][0].lower()}"):
            days = name_days(to) or days
            del self.words[: 2 if name_days(to) else 0]
        while first not in KINDS_OF_DAYS and self.words:
            place = 1 if self.words[0][0].lower() in {"and", "or", "&", "+"} else 0
            following = self.words[place][0].lower() if len(self.words) > place else ""
            more = name_days(following)
            if more is None or following in KINDS_OF_DAYS:
                break
            days |= more
            del self.words[: place + 1]
        return days

    def _narrow_days(self, days: frozenset[int]) -> None:
        self.weekdays = days if self.weekdays is None else self.weekdays & days

    def _read_latest(self, word: str) -> None:
        """Read a day of the week that stands alone: the latest, today included."""
        self.words.pop(0)
        found = read_phrase(["this", word], self._calendar.days)
        assert found is not None
        self._narrow_phrase(found[0])

    def _read_bound(self, bound: str, position: int) -> None:
        """Read what follows `since`, `after`, `until` or `before`."""
        if not self.words:
            raise self.fail(position, f"'{bound}' needs {'a version or a day' if bound == 'since' else 'a day'}")
        word, position = self.words[0]
        zone, find = self._calendar.zone, self._calendar.find_release
        end = next((place for place, (one, _) in enumerate(self.words) if one.lower() in TO), None)
        found = self._read_phrase(position, end)
        if found is None and is_weekday(word):
            found = read_phrase(["this", word.lower()], self._calendar.days)
            found = (found[0], 1) if found else None
        if found is not None and found[0].length is None:
            del self.words[: found[1]]
            self.is_relative |= found[0].is_relative
            first, last = found[0].days
            edge = midnight(first if bound in {"since", "before"} else last + timedelta(days=1), zone)
            self._narrow(*((edge, None) if bound in {"since", "after"} else (None, edge)))
            return
        moment = find(word) if find and bound == "since" else None
        if moment is None:
            raise self.fail(position, f"'{word}' is no day" + (", and no version that --releases or the store knows" if bound == "since" else ""))
        self.words.pop(0)
        self._narrow(moment, None)

    def _read_around(self, length: timedelta, position: int) -> None:
        """Read a span that begins or ends with a release: `14d after v1.4.0`."""
        side = self.words[1][0].lower()
        word, position = self.words[2] if len(self.words) > 2 else ("", position)
        moment = self._calendar.find_release(word) if word and self._calendar.find_release else None
        if moment is None:
            raise self.fail(position, f"'{word}' is no version that --releases or the store knows" if word else f"'{side}' needs a version")
        del self.words[:3]
        self._narrow(*span_beside(moment, length, side))
        self.is_hourly = True

    def _read_phrase(self, position: int, end: int | None = None) -> tuple[Phrase, int] | None:
        words = [word.lower() for word, _ in self.words[:end]]
        if not words:
            return None
        try:
            found = read_phrase(words, self._calendar.days)
            dotted = read_days(words[0], self._calendar.days) if found is None and ".." in words[0] else None
        except (ValueError, OverflowError):
            raise self.fail(position, f"'{self.words[0][0]}' is no window") from None
        return (dotted, 1) if dotted is not None else found

    def _read_span(self, word: str, position: int) -> None:
        found = self._read_phrase(position)
        if found is None:
            raise self.fail(position, f"'{word}' is no window")
        phrase, used = found
        if phrase.length is None and phrase.days[1] < phrase.days[0] and (".." in word or used > 1) and not phrase.is_relative:
            raise self.fail(position, f"'{' '.join(one for one, _ in self.words[:used])}' ends before it starts")
        del self.words[:used]
        try:
            self._narrow_phrase(phrase)
        except (ValueError, OverflowError):
            raise self.fail(position, f"'{word}' is no window") from None

    def _narrow_phrase(self, phrase: Phrase) -> None:
        calendar = self._calendar
        self.is_relative |= phrase.is_relative
        if phrase.length is not None:
            self.is_hourly = True
            self._narrow(calendar.now - phrase.length, calendar.now + TICK)
            return
        first, last = phrase.days
        self._narrow(midnight(first, calendar.zone), midnight(last + timedelta(days=1), calendar.zone))

    def _narrow(self, start: datetime | None, end: datetime | None) -> None:
        if start is not None:
            self.start = start if self.start is None else max(self.start, start)
        if end is not None:
            self.end = end if self.end is None else min(self.end, end)


_BOUNDS: Final = frozenset({"since", "after", "until", "till", "before"})
_TOGETHER: Final = frozenset({"from", "between"})
