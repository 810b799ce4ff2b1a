"""Wrap a generated log as CloudWatch hands logs out, so that the same lines can be measured inside their envelopes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENTS = 2_000
START = datetime(2025, 6, 1, tzinfo=UTC)


def wrap_log(log: Path, target: Path, shape: str) -> None:
    """Write `export` (a time in front of every line) or `firehose` (envelopes with nothing between them)."""
    with log.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as wrapped:
        if shape == "export":
            for number, line in enumerate(lines):
                stamp = (START + timedelta(milliseconds=number)).isoformat(timespec="milliseconds")
                wrapped.write(f"{stamp[:23]}Z {line}")
            return
        for envelope in envelopes(lines):
            wrapped.write(envelope)


def envelopes(lines: Iterator[str]) -> Iterator[str]:
    """Write subscription envelopes of `EVENTS` lines each."""
    number = 0
    while batch := list(islice(lines, EVENTS)):
        stamp = int(START.timestamp() * 1000)
        events = [
            {"id": f"{number + place:056d}", "timestamp": stamp + number + place, "message": line.rstrip("\n")} for place, line in enumerate(batch)
        ]
        number += len(batch)
        envelope = {
            "messageType": "DATA_MESSAGE",
            "owner": "123456789012",
            "logGroup": "/gateway/nginx",
            "logStream": f"gateway-{number // EVENTS % 7}",
            "subscriptionFilters": ["all"],
            "logEvents": events,
        }
        yield json.dumps(envelope, separators=(",", ":"))
