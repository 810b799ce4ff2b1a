"""Visits, checks and transfers in logs that say how long requests took: against the count by hand, however requests overlap."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.events import EVENT_SCHEMA
from pullstats.formats import FORMATS
from pullstats.metrics import Breakdown, Extent, Query
from pullstats.metrics.counting.pauses import LOGS_BEGINNINGS
from pullstats.metrics.islands import cap_islands
from support import oracle
from support.crowd import ask_of
from support.effort import across, examples
from support.pulls import START, Row, make_events, manifest, row

METRICS = ("downloads", "pulls", "attempts", "checks", "invocations")
DIGEST = "sha256:" + "1" * 64
WHEEL = "/packages/f-1.0-py3-none-any.whl"


def package(second: float, method: str, action: str, status: int, origin: int | None) -> Row:
    path = {"metadata": "/simple/f/", "download": WHEEL}[action]
    return row(second, method, path, status, origin, ecosystem="pypi", package="f", action=action)


def listing(second: float, method: str, status: int, origin: int | None) -> Row:
    return row(second, method, "/v2/acme/app/tags/list", status, origin, ecosystem="oci", package="acme/app", action="metadata")


def ask(rows: list[Row], *metrics: str, at: str = "nginx-combined", **options: Any) -> dict[str, Any]:
    """Ask about rows of which some tell how long they took; `at` is the format, which says which end of them was logged."""
    took = [None if one.get("took") is None else one["took"] // timedelta(microseconds=1) for one in rows]
    frame = make_events(rows).with_columns(
        pl.Series("http_request_duration_us", took, EVENT_SCHEMA["http_request_duration_us"]), pl.lit(at).alias("log_format")
    )
    if at in LOGS_BEGINNINGS:
        frame = frame.with_columns(pl.col("timestamp") - pl.duration(microseconds=pl.col("http_request_duration_us").fill_null(0)))

    def scan(columns: Any, start: Any, end: Any) -> pl.LazyFrame:
        lazy = frame.lazy()
        lazy = lazy.filter(pl.col("timestamp") >= start) if start else lazy
        return (lazy.filter(pl.col("timestamp") < end) if end else lazy).select(columns)

    extent = Extent(frame["timestamp"].min(), frame["timestamp"].max())  # type: ignore[arg-type]
    query = Query(**{"metrics": metrics, "window": "all", "limit": 0, **options})
    found: dict[str, Any] = ask_of(Breakdown(query), scan, extent, frame["timestamp"].max()).frame.row(0, named=True)
    return found


STATUSES = st.sampled_from([200, 200, 206, 302, 304, 401, 404])
PAUSES = st.sampled_from([0, 1, 4, 5, 6, 25, 29, 30, 31, 60, 61, 299, 300, 301, 599, 600, 601])
TOOK = st.sampled_from([None, 0, 1, 5, 28, 30, 120, 300, 1200])
WHAT = st.sampled_from(["metadata", "download", "1.0", "1.1", DIGEST, "tags"])
STEPS = st.lists(
    st.tuples(PAUSES, st.sampled_from(["GET", "GET", "HEAD"]), WHAT, STATUSES, TOOK, st.sampled_from([1, 1, 1, None])), min_size=1, max_size=14
)


def make_rows(steps: list[Any]) -> list[Row]:
    rows, second = [], 0.0
    for number, (pause, method, what, status, took, origin) in enumerate(steps):
        second += pause
        if what == "tags":
            one = listing(second, method, status, origin)
        elif what in {"metadata", "download"}:
            one = package(second, method, what, status, origin)
        else:
            one = manifest(second, method, what, status) | {"origin": origin}
        rows.append(one | {"offset": number, "endpoint": origin, "took": None if took is None else timedelta(seconds=took)})
    return rows


@examples(25)
@given(steps=STEPS)
def test_what_overlaps_is_counted_as_by_hand(steps: list[Any]) -> None:
    """Every kind of request in any order, some timed and some not, some of nobody known."""
    rows = make_rows(steps)
    expected = {name: len(oracle.RULES["pullstats@2"][name](rows)) for name in METRICS}
    assert ask(rows, *METRICS, "sessions") == expected | {"sessions": len(oracle.find_sessions(rows))}


def test_version_1_does_not_look_at_how_long_requests_took() -> None:
    rows = make_rows([(0, "GET", "metadata", 200, 1, 1), (400, "GET", "download", 200, 399, 1)])
    assert ask(rows, "invocations", "checks", count_as=("pullstats@1",)) == {"invocations": 2, "checks": 1}
    assert ask(rows, "invocations", "checks") == {"invocations": 1, "checks": 0}


@pytest.mark.parametrize("at", ["nginx-combined", "haproxy"])
def test_either_end_of_a_request_may_be_logged(at: str) -> None:
    """Twenty minutes of one download, then another request at once: one visit, one session, whichever end the log tells."""
    rows = make_rows([(0, "GET", "metadata", 200, 1, 1), (3000, "GET", "download", 200, 2998, 1), (20, "GET", "metadata", 200, 1, 1)])
    assert ask(rows, "invocations", "checks", "sessions", at=at) == {"invocations": 2, "checks": 1, "sessions": 1}


def test_formats_that_log_beginnings_are_known() -> None:
    assert set(LOGS_BEGINNINGS) <= set(FORMATS)
    assert all(source.startswith("http") for source in LOGS_BEGINNINGS.values())


@pytest.mark.parametrize(("every", "spread"), across([30, 60, 299, 300, 301], [(2, 0.0), (14, 0.05), (0, 0.0)]))
def test_polls_count_whatever_their_period(every: int, spread: tuple[int, float]) -> None:
    """Two days of HEADs over midnight, with jitter and missed polls: as many checks as polls, in any window; as many visits."""
    jitter, missed = spread
    chance = random.Random(every)
    numbers = [number for number in range(2 * 86_400 // every) if chance.random() >= missed]
    rows = [manifest(number * every + chance.randint(0, jitter), "HEAD", "latest") | {"offset": number} for number in numbers]
    assert ask(rows, "checks", "invocations") == {"checks": len(rows), "invocations": len(rows)}
    midnight = START.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    day = [one for one in rows if midnight <= one["time"] < midnight + timedelta(days=1)]
    assert ask(rows, "checks", window=f"{midnight:%Y-%m-%d}") == {"checks": len(day)}
    older = ask(rows, "checks", count_as=("pullstats@1",))["checks"]
    assert older == len(oracle.find_checks(rows))
    if every == 300 and not jitter:
        assert older == 1


@examples(30)
@given(st.lists(st.tuples(st.integers(0, 70), st.booleans()), min_size=1, max_size=60), st.integers(0, 120))
def test_runs_are_cut_one_after_the_other(steps: list[tuple[int, bool]], longest: int) -> None:
    second, times, starts = 0, [], []
    for index, (pause, is_start) in enumerate(steps):
        second += pause
        times.append(START + timedelta(seconds=second))
        starts.append(index == 0 or is_start)
    expected, first = [], times[0]
    for time, is_start in zip(times, starts, strict=True):
        is_cut = is_start or time - first > timedelta(seconds=longest)
        first = time if is_cut else first
        expected.append(is_cut)
    for began in ("timestamp", "began"):
        frame = pl.DataFrame({began: times, "is_start": starts}, schema_overrides={began: pl.Datetime("us", "UTC")})
        assert cap_islands(frame.lazy(), "is_start", timedelta(seconds=longest), began).collect()["is_start"].to_list() == expected


def write_crates(path: Path, *, agents: bool) -> Path:
    lines = [
        f'198.51.100.{number} - - [05/Jan/2026:10:00:0{number} +0000] "GET /api/v1/crates/serde/1.0.0/download HTTP/1.1" 200 100'
        + (f' "-" "{agent}"' if agents else "")
        for number, agent in enumerate(("cargo/1.74.1", "curl/8", "-"))
    ]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize(("agents", "expected"), [(True, 1), (False, 3)])
def test_crates_are_counted_by_agent_where_the_log_has_agents(agents: bool, expected: int, take_in: Any, tmp_path: Path) -> None:  # noqa: FBT001
    from pullstats.pipeline.answer import answer

    take_in(write_crates(tmp_path / "access.log", agents=agents))
    assert answer(tmp_path / "store", Breakdown(Query(("downloads",), window="all", count_as=("cratesio",)))).frame.item() == expected
