"""What vendors write comes out as their pages say it, the fast way and the safe way alike."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.clock import Clock
from pullstats.formats import FORMATS, Detection, Parsed, detect_format, named_format, parse_lines
from pullstats.formats.lines import Times, split_text
from pullstats.formats.parsed import READING_SCHEMA
from pullstats.formats.shaping import shape_reading
from pullstats.formats.text_lines import TextReader, find_joint
from support.case_files import load_cases
from support.effort import examples

LOGS = [(f"{name}-{place}", log) for name, case in load_cases("vendors", {"logs"}) for place, log in enumerate(case["logs"])]
KEYS = {"format", "shows", "log", "ignored", "rejected", "events", "others"}


def detect(log: dict[str, Any]) -> Detection:
    return detect_format(log["log"].encode(), list(FORMATS.values()))


def frame_of(parsed: Parsed) -> pl.DataFrame:
    frames = [reading.frame for reading in parsed.readings]
    return pl.concat(frames).sort("source_offset") if frames else READING_SCHEMA.to_frame()


def spoken(row: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Give what a row says of the wanted columns, times as a case writes them."""
    return {key: row[key].isoformat() if isinstance(row[key], datetime) else row[key] for key in wanted}


@pytest.mark.parametrize("log", [log for _, log in LOGS], ids=[name for name, _ in LOGS])
def test_lines_say_what_the_vendor_means(log: dict[str, Any]) -> None:
    assert not set(log) - KEYS
    best = detect(log).best
    assert best is not None
    assert best.name == log["format"]
    parsed = parse_lines(log["log"].encode(), 0, 1, detect(log).formats)
    events = list(frame_of(parsed).iter_rows(named=True))
    assert [spoken(event, wanted) for event, wanted in zip(events, log["events"], strict=True)] == [
        {key: None if value == "null" else value for key, value in wanted.items()} for wanted in log["events"]
    ]
    assert parsed.ignored == log.get("ignored", 0)
    assert sum(part.height for part in parsed.rejects) == log.get("rejected", 0)


@pytest.mark.parametrize("log", [log for _, log in LOGS], ids=[name for name, _ in LOGS])
def test_the_fast_way_reads_what_the_safe_way_reads(log: dict[str, Any]) -> None:
    reader = named_format(log["format"]).reader
    data = log["log"].encode()
    raw = reader.read_fast(data) if reader.has_fast else None
    if raw is None:
        return
    lines, _ = split_text(data)
    safe = reader.read_safe(lines)
    kept = safe["reason"].is_null()
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    shaped = [
        shape_reading(frame.filter(kept).with_columns(source_line=number, source_offset=number), Times(Clock()).clock)
        for frame in (raw.drop("reason", strict=False), safe.drop("reason"))
    ]
    assert shaped[0].equals(shaped[1])


@pytest.mark.parametrize("name", ["gcs-usage", "cloudfront-realtime"])
@examples(60)
@given(values=st.lists(st.text(alphabet='a1/",\t -', max_size=5), min_size=20, max_size=30))
def test_lines_cut_at_one_literal_are_read_as_by_the_pattern(name: str, values: list[str]) -> None:
    reader = FORMATS[name].reader
    assert isinstance(reader, TextReader)
    joint = find_joint(reader.compiled)
    assert joint is not None
    lines = pl.Series([FORMATS[name].sample, joint.edge + joint.text.join(values[: len(joint.names)]) + joint.edge])
    cut, matched = joint.split(lines), reader.read_safe(lines)
    assert joint.split(lines[:1]) is not None
    assert cut is None or cut.drop("line_length").equals(matched.drop("reason"))
