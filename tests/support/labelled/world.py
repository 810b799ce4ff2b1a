"""Worlds: where and when the made-up traffic happens, how regular it is, how many there are of each kind.

Each world has its own ranges, so that no threshold fits them all by being one of their constants.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

Range = tuple[float, float]

CROWD: Final = {
    "production": 40,
    "ci": 25,
    "development": 30,
    "mirror": 7,
    "updater": 9,
    "scanner": 7,
    "probe": 7,
    "bot": 7,
    "browser": 12,
    "tryer": 30,
}
"""How many there are of each kind."""


@dataclass(frozen=True)
class World:
    """Parameters of one world.

    Attributes:
        name: what it is called.
        begins: first day, UTC.
        days: how many.
        periods: seconds between polls, drawn where each factor is as likely as any other.
        images: share of polling and building that is about container images; the rest is about packages.
        delay: random delay of timers, as a share of their period.
        sleep: by which share of the period clients that draw their sleep make it longer or shorter, at most.
        missed: share of polls that do not happen.
        restarts: how often a week a host restarts, with a new phase.
        moving: share of polling machines whose address changes.
        shared: share of polling addresses behind which several machines are.
        doubled: share of polling addresses with two periods.
        log_gaps: how often some hours of the log are lost.
        zones: where people work and cron runs.
        packages: how many there are of each ecosystem.
        concentration: exponent of Zipf's law.
        most: about so many requests a machine at most; who would send more began later.
        tokens: whether the registry wants a bearer token.
        one_agent: whether production, CI and development have the same agents.
        one_network: the kind of network that production, CI and development are in, if it is one.
        json: whether the log is JSON.
        plain: whether the log is that of a gateway which sees no more than what names a version: no pings, no blobs, no checksums, and manifests
            by their tag.
        crowd: how many there are of each kind.
    """

    name: str
    begins: datetime
    days: int
    periods: Range
    images: float = 0.7
    delay: Range = (0.0, 0.1)
    sleep: Range = (0.0, 0.15)
    missed: Range = (0.0, 0.05)
    restarts: Range = (0.0, 0.5)
    moving: float = 0.1
    shared: float = 0.15
    doubled: float = 0.1
    log_gaps: int = 0
    zones: tuple[str, ...] = ("Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Australia/Sydney")
    packages: int = 20
    concentration: float = 1.0
    most: int = 1500
    tokens: bool = False
    one_agent: bool = False
    one_network: str | None = None
    json: bool = False
    plain: bool = False
    crowd: dict[str, int] = field(default_factory=lambda: dict(CROWD))

    @property
    def start(self) -> float:
        """First moment, in seconds since 1970."""
        return self.begins.timestamp()

    def smaller(self, share: float, days: int) -> World:
        """Give the same world with fewer people and days, for a quick look; at least three of each kind."""
        crowd = {kind: max(3, round(count * share)) for kind, count in self.crowd.items()}
        return replace(self, crowd=crowd, days=days, most=min(self.most, 250))


WORLDS: Final = (
    World("clusters", datetime(2025, 5, 5, tzinfo=UTC), 28, (30, 1800), images=0.95, log_gaps=1),
    World(
        "python house",
        datetime(2025, 10, 13, tzinfo=UTC),  # Europe turns its clocks on the 26th, America on 2 November
        28,
        (120, 43200),
        images=0.15,
        delay=(0.0, 0.25),
        zones=("Europe/London", "Europe/Berlin", "America/Chicago", "Asia/Tokyo", "America/Sao_Paulo"),
        concentration=0.7,
        json=True,
    ),
    World(
        "slow and old",
        datetime(2025, 3, 3, tzinfo=UTC),  # America turns its clocks on the 9th, Europe on the 30th
        35,
        (1800, 86400),
        images=0.6,
        delay=(0.0, 0.2),
        missed=(0.0, 0.15),
        log_gaps=3,
        concentration=1.3,
    ),
    World(
        "rough",
        datetime(2025, 6, 2, tzinfo=UTC),
        21,
        (60, 14400),
        delay=(0.0, 0.35),
        sleep=(0.0, 0.3),
        missed=(0.05, 0.45),
        restarts=(0.5, 4.0),
        moving=0.3,
        shared=0.25,
        doubled=0.2,
        log_gaps=4,
        tokens=True,
        json=True,
    ),
    World("all alike", datetime(2025, 9, 1, tzinfo=UTC), 21, (60, 21600), missed=(0.0, 0.1), one_agent=True, one_network="cloud", log_gaps=1),
    World(
        "all at home",
        datetime(2025, 2, 3, tzinfo=UTC),
        28,
        (300, 43200),
        images=0.5,
        delay=(0.0, 0.15),
        missed=(0.0, 0.2),
        moving=0.4,
        one_agent=True,
        one_network="isp",
        concentration=1.1,
        tokens=True,
    ),
    World(
        "plain gateway",
        datetime(2025, 7, 7, tzinfo=UTC),
        24,
        (90, 21600),
        images=0.75,
        delay=(0.0, 0.2),
        missed=(0.0, 0.25),
        shared=0.2,
        log_gaps=2,
        zones=("Europe/Madrid", "America/Denver", "Asia/Shanghai", "Africa/Johannesburg", "Asia/Tokyo"),
        plain=True,
    ),
)
