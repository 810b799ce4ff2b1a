"""Made-up polls and pulls of images, and what behaviour says of who made them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pullstats.metrics.questions.behaviour import Behaviour
from support.crowd import Row, ask, manifest, request

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday."""
METRICS = ("origins", "downloads", "requests")


def poll(who: int, moments: list[datetime], tag: str = "latest", **other: Any) -> list[Row]:
    """Ask for a tag at some moments, and take it at the first."""
    first = [manifest(moments[0] + timedelta(seconds=1), who, "GET", f"sha256:{part}", **other) for part in ("index", "platform")] if moments else []
    return [*(manifest(moment, who, "HEAD", tag, **other) for moment in moments), *first]


def every(seconds: float, count: int, start: datetime = START) -> list[datetime]:
    """Give so many moments at one distance."""
    return [start + timedelta(seconds=seconds * number) for number in range(count)]


def judge_all(rows: list[Row], **options: Any) -> list[dict[str, Any]]:
    """Give what `behaviour` says of each origin."""
    report = ask(Behaviour, rows, metrics=METRICS, **options)
    assert report.flat is not None
    return report.flat[0].to_dicts()


def judge(rows: list[Row], **options: Any) -> dict[str, dict[str, Any]]:
    """Give what `behaviour` says of each origin, by its client."""
    return {row["client"]: row for row in judge_all(rows, **options)}


def judge_one(rows: list[Row], **options: Any) -> dict[str, Any]:
    """Give what is said of the only origin."""
    (row,) = judge_all(rows, **options)
    return row


def pull(moment: datetime, who: int, tag: str, layers: int = 3, **other: Any) -> list[Row]:
    """Take an image with its layers, as docker does."""
    asked = [manifest(moment, who, "HEAD", tag, **other)]
    asked += [manifest(moment + timedelta(milliseconds=300), who, "GET", f"sha256:{tag}", **other)]
    blob = {"ecosystem": "oci", "package": "acme/app", "reference": None, "kind": None, "action": "blob", "path": "/v2/acme/app/blobs/sha256:b"}
    return asked + [request(moment + timedelta(seconds=1 + layer), who, **{"client": "docker"} | blob | other) for layer in range(layers)]
