"""One gateway's requests in seven formats are the same events."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote_to_bytes

import polars as pl
import pytest

from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store
from support.effort import some
from support.places import CAPTURE

FORMATS = {"combined": None, "ext": "ext", "json": "json_all", "pipes": "pipes", "epoch": "epoch", "ltsv": "ltsv", "vhost": "vhost"}
COLUMNS = ["http_request_method", "http_response_status_code", "url_path", "user_agent_original", "http_response_body_size", "timestamp"]
# Bytes of `epoch` count headers too; `pipes` logs the path nginx works with, cleaned and rewritten.
DIFFERS = {"epoch": {"http_response_body_size"}, "pipes": {"url_path", "http_request_method"}}

TakeIn = Callable[..., IngestSummary]


def read(take_in: TakeIn, store: Path, gateway: str, kind: str) -> pl.DataFrame:
    name = FORMATS[kind]
    log_format = f"@{CAPTURE / 'log_formats.conf'}:{name}" if name else None
    summary = take_in(next((CAPTURE / gateway).glob(f"access.{kind}.log*")), store=store, log_format=log_format)
    assert summary.total("rejected") == 0
    events = open_store(store).scan_events([*COLUMNS, "source_line"]).collect().sort("source_line")
    return events.with_columns(
        pl.col("timestamp").dt.truncate("1s"),
        url_path=pl.Series(
            [unquote_to_bytes(path).decode("utf-8", "backslashreplace") if path else None for path in events["url_path"]], dtype=pl.String
        ),
    )


@pytest.mark.parametrize("gateway", some(["auth", "raw", "redirect", "edge"], 2))
def test_every_format_gives_the_same_events(gateway: str, take_in: TakeIn, tmp_path: Path) -> None:
    base = read(take_in, tmp_path / "combined", gateway, "combined")
    assert base.height == json.loads((CAPTURE / "TRUTH.json").read_text())["total_lines"][gateway]
    for kind in some(FORMATS, 2):
        other = read(take_in, tmp_path / f"store-{kind}", gateway, kind)
        for column in set(COLUMNS) - DIFFERS.get(kind, set()):
            odd = [(line, a, b) for line, (a, b) in enumerate(zip(base[column], other[column], strict=True), 1) if a != b]
            assert not odd, (gateway, kind, column, odd[:5])


def test_clients_of_the_recording_are_named(take_in: TakeIn, tmp_path: Path) -> None:
    """The recording's own list says how many requests each client sent; agents that were imitated on purpose are left out."""
    for gateway in ("edge", "raw", "redirect", "auth"):
        take_in(CAPTURE / gateway / "access.combined.log", store=tmp_path / "store")
    found = Counter(open_store(tmp_path / "store").scan_events(["user_agent_name"]).collect()["user_agent_name"])
    truth = json.loads((CAPTURE / "TRUTH.json").read_text())["requests_by_client"]
    for name, expected in {"uv": truth["uv"], "cargo": truth["cargo"], "apt": truth["apt"], "containerd": truth["containerd"]}.items():
        assert found[name] == expected, name
    assert found["pip"] == truth["pip 22.3.1"] + truth["pip 24.0"]
