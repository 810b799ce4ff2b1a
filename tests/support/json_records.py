"""Records that JSON documents hold, and what a document that grows must give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(alphabet='ab"\\{}[],: \né\u20ac', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='k"{}é', max_size=3), inner, max_size=3),
    max_leaves=8,
)


def event(number: int, **more: Any) -> dict[str, Any]:
    """Make a record that is a request."""
    return {"remote_addr": f"192.0.2.{number}", "time": "2024-03-12T15:22:28Z", "request": f"GET /{number} HTTP/1.1", "status": 200, **more}


def assert_grows(whole: str, folder: Path, take_in: Callable[..., IngestSummary]) -> None:
    """Read a document of three records that breaks off in the third, then all of it, then nothing new."""
    log, store = folder / "a.json", folder / "store"
    log.write_text(whole[: whole.index("192.0.2.3")])
    assert take_in(log, store=store).total("events") == 2
    log.write_text(whole)
    take_in(log, store=store)
    assert take_in(log, store=store).total("rejected") == 0
    assert open_store(store).scan_events(["source_line"]).collect().height == 3
