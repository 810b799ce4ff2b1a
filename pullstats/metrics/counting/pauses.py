"""When a request began and ended, and so how long the pause to the next one was.

Most servers write a line when a request ends, with how long it took beside it; some write when it
began. Where no log of a question tells how long requests took, both are the time that was logged.

To add one: the name of a format that logs when a request began, with its source.

Sources: nginx writes its line when a request ends (ngx_http_log_module), so do distribution's and
Artifactory's request logs, CloudFront ("finished responding"), ALB ("generated a response"), IIS and Caddy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.metrics.islands import IS_NEW, cap_islands, starts_island

LOGS_BEGINNINGS: Final = {
    "haproxy": "https://docs.haproxy.org/2.8/configuration.html#8.2.3, accept_date",
    "envoy": "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage, START_TIME",
    "istio": "https://istio.io/latest/docs/tasks/observability/logs/access-log/, START_TIME",
    "traefik": "https://doc.traefik.io/traefik/observability/access-logs/, StartUTC",
    "traefik-1": "https://doc.traefik.io/traefik/observability/access-logs/, StartUTC",
    "traefik-json": "https://doc.traefik.io/traefik/observability/access-logs/, StartUTC",
    "aws-elb": "https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html, received the request",
    "aws-s3": "https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html, received",
    "cloudflare": "https://developers.cloudflare.com/logs/reference/log-fields/zone/http_requests/, EdgeStartTimestamp",
    "ltsv": "http://ltsv.org/, time: when the request was received",
}
"""Formats whose time is that of a request's beginning, and who says so."""

DURATION: Final = "http_request_duration_us"
TIMES: Final = (DURATION, "log_format")
"""Columns that tell how long a request took, and which end of it was logged."""
_LONGEST: Final = timedelta(days=1)
"""What is said to have taken longer is not believed."""
_TOOK: Final = pl.when(pl.col(DURATION).is_between(0, _LONGEST // timedelta(microseconds=1))).then(pl.duration(microseconds=pl.col(DURATION)))
_IS_BEGINNING: Final = pl.col("log_format").is_in(list(LOGS_BEGINNINGS)).fill_null(value=False)
_TIME: Final = pl.col("timestamp")

BEGAN, ENDED = "began", "ended"
TIMED: Final = {
    BEGAN: pl.when(_IS_BEGINNING).then(_TIME).otherwise(_TIME - _TOOK.fill_null(timedelta())),
    ENDED: pl.when(_IS_BEGINNING).then(_TIME + _TOOK.fill_null(timedelta())).otherwise(_TIME),
}
"""Facts of a request whose duration is logged."""
IS_UNTIMED: Final = pl.col(DURATION).is_null()


def find_longest(events: pl.LazyFrame) -> timedelta | None:
    """Tell how long the longest request took; None where no log says it.

    Args:
        events: with `DURATION`.
    """
    found: timedelta | None = events.select(_TOOK.max()).collect(engine="streaming").item()
    return found


@dataclass(frozen=True, slots=True)
class PauseClock:
    """How pauses are measured in the order of an owner's requests.

    Attributes:
        is_timed: whether a log tells how long requests took; else the time that was logged stands for both ends.
    """

    is_timed: bool

    @property
    def facts(self) -> Mapping[str, pl.Expr]:
        """What a fold reads of a request for it."""
        return TIMED if self.is_timed else {}

    @property
    def began(self) -> str:
        """Column of the instant a request began."""
        return BEGAN if self.is_timed else "timestamp"

    @property
    def ended(self) -> str:
        """Column of the instant a request ended, or one of the same owner before it that took longer."""
        return ENDED if self.is_timed else "timestamp"

    def settle(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Let a pause begin when the last of an owner's requests so far has ended: a long one may outlast those that follow.

        Args:
            rows: in the order of their owners, with `IS_NEW` and, where requests are timed, `ENDED`.

        Returns:
            The rows, `ENDED` being the latest of the owner's so far.
        """
        return rows.with_columns(pl.col(ENDED).cum_max().over(pl.col(IS_NEW).cum_sum())) if self.is_timed else rows

    def starts_island(self, gap: timedelta) -> pl.Expr:
        """Mark the rows that begin more than `gap` after all before them ended."""
        return starts_island(gap, self.began, self.ended)

    def first_ahead(self, instant: pl.Expr) -> pl.Expr:
        """Give the earliest instant of the rows from each on that have one, of the same `owner` where requests overlap."""
        if not self.is_timed:
            return instant.backward_fill()
        return instant.reverse().cum_min().forward_fill().reverse().over("owner")

    def cap(self, rows: pl.LazyFrame, start: str, longest: timedelta) -> pl.LazyFrame:
        """Cut the islands whose rows began over more than `longest`.

        Args:
            rows: in the order of their owners.
            start: column that is true of the first row of each island; more rows become such.
            longest: from the beginning of an island's first row to that of its last.
        """
        return cap_islands(rows, start, longest, self.began)
