"""What a user agent says."""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

AGENT_SCHEMA: Final = pl.Schema(
    {
        "user_agent_name": pl.String(),
        "user_agent_version": pl.String(),
        "user_agent_kind": pl.String(),
        "os_name": pl.String(),
        "host_arch": pl.String(),
        "runtime_name": pl.String(),
        "runtime_version": pl.String(),
        "is_ci": pl.Boolean(),
        "environment": pl.String(),
        "os_distro": pl.String(),
        "libc_name": pl.String(),
        "host_os_name": pl.String(),
    },
)
UNKNOWN: Final = "unknown"


class Agent(NamedTuple):
    """What an agent says; the fields of `AGENT_SCHEMA`."""

    name: str = UNKNOWN
    version: str | None = None
    kind: str = UNKNOWN
    os: str | None = None
    arch: str | None = None
    runtime: str | None = None
    runtime_version: str | None = None
    is_ci: bool | None = None
    environment: str | None = None
    distro: str | None = None
    libc: str | None = None
    host_os: str | None = None
