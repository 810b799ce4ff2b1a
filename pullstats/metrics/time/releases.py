"""When versions came out: from a CSV or the git tags of one's own, else the first time a log asks for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pullstats.metrics.extent import Scan


@dataclass(frozen=True, slots=True)
class Release:
    """A version and when it came out.

    Attributes:
        version: as published, without a leading v.
        moment: when, UTC.
        package: of which package, None for any.
        digest: of its image, None if that is not told.
        source: what says so.
    """

    version: str
    moment: datetime
    package: str | None = None
    digest: str | None = None
    source: str = "list"


def find_release(text: str, releases: Sequence[Release], scan: Scan) -> datetime | None:
    """Tell when a version came out.

    Args:
        text: `1.4.0`, `v1.4.0` or `name@1.4.0`.
        releases: what is known; the earliest that fits counts.
        scan: gives the store's events, for what is not.

    Returns:
        The instant of the release, else of the first request that names the version; None if none does.
    """
    package, _, version = text.rpartition("@")
    bare = version.removeprefix("v")
    known = [
        release.moment for release in releases if release.version.removeprefix("v") == bare and release.package in {None, package or release.package}
    ]
    if known:
        return min(known)
    names = ["timestamp", "package_name", "package_version", "package_version_normalized"]
    is_version = pl.col("package_version").is_in([bare, f"v{bare}"]) | (pl.col("package_version_normalized") == bare)
    events = scan(names, None, None).filter(is_version)
    if package:
        events = events.filter(pl.col("package_name") == package)
    found = events.select(pl.col("timestamp").min()).collect(engine="streaming").item()
    assert found is None or isinstance(found, datetime)
    return found
