"""What vendors write comes out as their pages say it, the fast way and the safe way alike."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import zip_longest
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.clock import Clock
from pullstats.formats import FORMATS, Parsed, detect_format, named_format, parse_lines
from pullstats.formats.joints import find_joint
from pullstats.formats.lines import Times, split_text
from pullstats.formats.parsed import READING_SCHEMA
from pullstats.formats.shaping import shape_reading
from pullstats.formats.text_lines import TextReader
from support.case_files import CaseFile, load_case_files
from support.effort import examples

CASES = load_case_files("vendors", {"log"}, {"format", "ignored", "rejected", "events"})
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.stem)


def frame_of(parsed: Parsed) -> pl.DataFrame:
    frames = [reading.frame for reading in parsed.readings]
    return pl.concat(frames).sort("source_offset") if frames else READING_SCHEMA.to_frame()


NAMED = ("timestamp", "address", "request", "http_response_status_code", "http_response_body_size", "agent")
"""What a new case says of an event."""


def spoken(row: dict[str, Any], wanted: Iterable[str]) -> dict[str, Any]:
    """Give what a row says of the wanted columns, times and what is missing as a case writes them."""
    return {key: "null" if row[key] is None else row[key].isoformat() if isinstance(row[key], datetime) else row[key] for key in wanted}


@EACH
def test_lines_say_what_the_vendor_means(case: CaseFile) -> None:
    data = case.given["log"].encode()
    detection = detect_format(data, list(FORMATS.values()))
    assert detection.best is not None
    parsed = parse_lines(data, 0, 1, detection.formats)
    counts = {"ignored": parsed.ignored, "rejected": sum(part.height for part in parsed.rejects)}
    rows = list(frame_of(parsed).iter_rows(named=True))
    events = [spoken(row, wanted or NAMED) for row, wanted in zip_longest(rows, case.expected.get("events", [])[: len(rows)])]
    case.hold({"format": detection.best.name, **{name: count for name, count in counts.items() if count}, "events": events})


@EACH
def test_the_fast_way_reads_what_the_safe_way_reads(case: CaseFile) -> None:
    reader = named_format(case.expected["format"]).reader
    data = case.given["log"].encode()
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
