"""Local times become instants: zones that names none, hours that come twice or never, dates without a year."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.clock import Clock
from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store
from pullstats.timestamps import parse_times
from support.command import pullstats

BERLIN = ZoneInfo("Europe/Berlin")


@given(
    local=st.datetimes(min_value=datetime.fromisoformat("1996-01-01"), max_value=datetime.fromisoformat("2030-01-01")),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York"]),
)
def test_every_local_time_is_read_as_python_reads_it(local: datetime, zone: str) -> None:
    """Fold 0: of two instants the first; in a gap, the offset that held before."""
    found = Clock(zone).to_utc(pl.Series([local], dtype=pl.Datetime("us"))).item()
    assert found == local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_hours_that_come_twice_or_never_are_counted() -> None:
    texts = pl.Series(["2024-10-27 01:59:59", "2024-10-27 02:30:00", "2024-03-31 02:30:00", "2024-03-31 03:30:00", None])
    clock = Clock("Europe/Berlin")
    found = parse_times(texts, clock)
    assert [time and time.isoformat()[11:16] for time in found] == ["23:59", "00:30", "01:30", "01:30", None]
    assert clock.sum_odd() == {"ambiguous": 1, "missing": 1}


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-07-01 12:00:00", "2024-07-01T10:00:00+00:00"),
        ("2024-07-01T12:00:00.250", "2024-07-01T10:00:00.250000+00:00"),
        ("2024-07-01T12:00:00Z", "2024-07-01T12:00:00+00:00"),
        ("2024-07-01T12:00:00-0330", "2024-07-01T15:30:00+00:00"),
        ("01/Jul/2024:12:00:00", "2024-07-01T10:00:00+00:00"),
        ("01/Jul/2024:12:00:00.655", "2024-07-01T10:00:00.655000+00:00"),
        ("01/Jul/2024:12:00:00 +0330", "2024-07-01T08:30:00+00:00"),
        ("1719828000", "2024-07-01T10:00:00+00:00"),
        ("1719828000.25", "2024-07-01T10:00:00.250000+00:00"),
        ("1719828000250", "2024-07-01T10:00:00.250000+00:00"),
        ("1719828000250000", "2024-07-01T10:00:00.250000+00:00"),
        ("1719828000250000999", "2024-07-01T10:00:00.250000+00:00"),
    ],
)
def test_only_times_without_a_zone_are_local(text: str, instant: str) -> None:
    for padding in ([], ["12/Jul/2024:12:00:00 +0000"], ["1719828000", "2024-07-01 12:00:00Z"]):
        found = parse_times(pl.Series([*padding, text]), Clock("Europe/Berlin"))
        assert found[-1].isoformat() == instant


@given(
    written=st.datetimes(min_value=datetime.fromisoformat("2001-01-01"), max_value=datetime.fromisoformat("2026-01-01")),
    # A date up to a day after the log was written is taken for this year's: clocks differ.
    back=st.timedeltas(timedelta(0), timedelta(days=364) - timedelta(seconds=1)),
)
def test_a_date_without_a_year_is_the_last_before_the_log_was_written(written: datetime, back: timedelta) -> None:
    event = (written - back).replace(microsecond=0, tzinfo=UTC)
    text = f"{event:%b} {event.day:2d} {event:%H:%M:%S}"
    assert Clock("UTC", written.replace(tzinfo=UTC)).add_year(pl.Series([text])).item() == event


def test_tz_in_reads_a_log_in_its_own_zone(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    """HAProxy writes local times without a zone; lines with one keep theirs."""
    line = '10.0.1.2:33317 [{time}] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {{}} "GET /index.html HTTP/1.1"'
    times = ["27/Oct/2024:01:30:00.655", "27/Oct/2024:02:30:00.000", "27/Oct/2024:03:30:00.000", "31/Mar/2024:02:30:00.000"]
    path = tmp_path / "haproxy.log"
    path.write_text("".join(line.format(time=time) + "\n" for time in times))
    summary = take_in(path, tz_in="Europe/Berlin")
    assert summary.sources[0].format == "haproxy"
    assert [note.split(": ", 1)[1][:34] for note in summary.notes if "local times" in note] == [
        "1 local times came twice in Europe",
        "1 local times do not exist in Euro",
    ]
    found = open_store(tmp_path / "store").scan_events(["timestamp", "source_line"]).collect().sort("source_line")
    hours = [datetime.strptime(time[:17], "%d/%b/%Y:%H:%M").replace(tzinfo=BERLIN).astimezone(UTC).hour for time in times]
    assert [time.hour for time in found["timestamp"]] == hours


def test_an_unknown_zone_is_one_sentence(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text('1.2.3.4 - - [20/Jul/2009:22:59:29 +0000] "GET /a HTTP/1.0" 404 46210 "-" "x"\n')
    assert "did you mean 'Europe/Berlin'?" in pullstats("ingest", log, "--store", tmp_path / "s", "--tz-in", "Europe/Berln", code=2).err
    assert not (tmp_path / "s").exists()
