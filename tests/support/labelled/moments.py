"""When clients come: loops that sleep, timers with a random delay, cron in local time, and people at work.

Sources: systemd.timer(5) (OnCalendar, RandomizedDelaySec, FixedRandomDelay), crontab(5), Kubernetes' CronJob.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86400.0
WEEK: Final = 7 * DAY

Span = tuple[float, float]
"""First and last moment, in seconds since 1970."""


def log_uniform(chance: random.Random, low: float, high: float) -> float:
    """Draw where each factor is as likely as any other."""
    return math.exp(chance.uniform(math.log(low), math.log(high)))


def sleep_loop(chance: random.Random, span: Span, period: float, *, lag: float = 1.0, spread: float = 0.0, restarts: float = 0.0) -> list[float]:
    """Run, sleep, run again: the phase drifts by what a run takes, and is new after a restart.

    Args:
        chance: draws.
        span: from when to when.
        period: seconds of sleep.
        lag: seconds that a run takes, at the median.
        spread: share of the period by which a sleep is at most longer or shorter, where the client draws it.
        restarts: how often a week the host restarts.
    """
    moment = span[0] + chance.uniform(0, period)
    times = []
    while moment < span[1]:
        times.append(moment)
        moment += period * (1 + chance.uniform(-spread, spread)) + _lag(chance, lag)
        if restarts and chance.random() < restarts * period / WEEK:
            moment += chance.uniform(0, 2 * period)
    return times


def timer(chance: random.Random, span: Span, period: float, *, delay: float = 0.0, fixed: bool = False) -> list[float]:
    """Fire on a grid, each time after a random delay, or after one that the machine keeps (FixedRandomDelay)."""
    phase = chance.uniform(0, period)
    kept = chance.uniform(0, delay)
    steps = range(math.ceil((span[0] - phase) / period), math.floor((span[1] - delay - phase) / period) + 1)
    return sorted(phase + step * period + (kept if fixed else chance.uniform(0, delay)) for step in steps)


def cron_every(chance: random.Random, span: Span, minutes: int, *, lag: float = 2.0) -> list[float]:
    """Fire at round minutes of the hour; what starts then takes a moment before it asks."""
    period = minutes * MINUTE
    at = chance.randrange(minutes) * MINUTE if minutes >= 60 or chance.random() < 0.3 else 0.0
    first = math.ceil((span[0] - at) / period)
    last = math.floor((span[1] - at) / period)
    return sorted(at + step * period + _lag(chance, lag) for step in range(first, last + 1))


def cron_daily(chance: random.Random, span: Span, zone: str, hours: Iterable[int], *, lag: float = 2.0, delay: float = 0.0) -> list[float]:
    """Fire at the same local times every day, whatever the clock does in spring and autumn."""
    minute = chance.randrange(60)
    times = []
    for day in days_of(span):
        for hour in hours:
            local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))
            moment = local.timestamp() + _lag(chance, lag) + chance.uniform(0, delay)
            if span[0] <= moment < span[1]:
                times.append(moment)
    return sorted(times)


def _lag(chance: random.Random, median: float) -> float:
    return chance.lognormvariate(math.log(median), 0.5) if median else 0.0


def miss(chance: random.Random, times: list[float], share: float) -> list[float]:
    """Leave out a share of the times: half of them singly, half in a row, as when a host is down."""
    kept = [time for time in times if chance.random() >= share / 2]
    while len(kept) > len(times) * (1 - share) + 1:
        at = chance.randrange(len(kept))
        del kept[at : at + chance.randint(1, max(1, len(times) // 20))]
    return kept


def days_of(span: Span) -> Iterator[date]:
    """Give the dates that a span touches, and one on either side."""
    day = datetime.fromtimestamp(span[0], UTC).date() - timedelta(days=1)
    while day <= datetime.fromtimestamp(span[1], UTC).date() + timedelta(days=1):
        yield day
        day += timedelta(days=1)


def working_days(chance: random.Random, span: Span, zone: str, *, weekend: float = 0.05, absent: float = 0.2) -> Iterator[float]:
    """Give the local midnights, as moments, of the days on which somebody works."""
    for day in days_of(span):
        if chance.random() >= (1 - weekend if day.weekday() > 4 else absent):
            yield datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp()


def at_work(chance: random.Random, span: Span, zone: str, per_day: float, *, begin: float = 9, end: float = 18, **days: float) -> list[float]:
    """Come at odd times of the working hours: about so many times a day, in clusters, as work goes."""
    times = []
    for midnight in working_days(chance, span, zone, **days):
        morning = begin + chance.gauss(0, 0.5)
        for _ in range(_poisson(chance, per_day)):
            times.append(midnight + chance.uniform(morning, end + chance.gauss(0, 0.7)) * HOUR)
            while chance.random() < 0.35:
                times.append(times[-1] + log_uniform(chance, 40, 2400))
    return sorted(time for time in times if span[0] <= time < span[1])


def _poisson(chance: random.Random, mean: float) -> int:
    count, left = 0, chance.expovariate(1.0)
    while left < mean:
        count += 1
        left += chance.expovariate(1.0)
    return count


def at_random(chance: random.Random, span: Span, mean_gap: float) -> list[float]:
    """Come without any rhythm: a Poisson process."""
    times, moment = [], span[0] + chance.expovariate(1 / mean_gap)
    while moment < span[1]:
        times.append(moment)
        moment += chance.expovariate(1 / mean_gap)
    return times
