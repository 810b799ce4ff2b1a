"""W3C lines with a time and no date: `#Date:` lines before them say the day, in whatever blocks they lie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.cli import run
from pullstats.formats import FORMATS, Detection, Parsed
from pullstats.formats.w3c_days import Since, read_since
from pullstats.pipeline.decoder import LogDecoder
from pullstats.pipeline.plan import IngestSummary
from pullstats.sources import Block
from pullstats.sources.framing import Context
from pullstats.store import open_store
from support.command import pullstats
from support.effort import examples

TIMED = "#Fields: time c-ip cs-method cs-uri-stem sc-status"
DATED = "#Fields: date time c-ip cs-method cs-uri-stem sc-status"
TABBED = "#fields: time c-ip cs-method cs-uri-stem sc-status sc-bytes"
ROW = "192.0.2.7 GET /a-1.0.zip 200"
CLOCKS = ["00:00:00", "00:00:07", "06:30:00", "23:50:00", "23:59:59"]
DATES = {
    "#Date: 2024-03-12 06:30:00": (date(2024, 3, 12), time(6, 30)),
    "#Date:\t2024-02-28\t23:50:00 GMT": (date(2024, 2, 28), time(23, 50)),
    "#date: 2023-12-31 00:00:07": (date(2023, 12, 31), time(0, 0, 7)),
    "#Date: 2024-03-13": (date(2024, 3, 13), time()),
    "#Date: 12-Jan-2024 06:30:00": (date(2024, 1, 12), time(6, 30)),
    "#Date: 2024-02-31 00:00:00": None,
    "#Date: 9999-12-31 23:00:00": None,
    "#Date:": None,
    "#Date: soon": None,
    "#Date: 2024-03-12 6:30:00": None,
    "#Date: 2024-03-12 06:30:00 +0200": None,
    "#Date: 2024-03-15T06:30": (date(2024, 3, 15), time(6, 30)),
}
LINES = [TIMED, DATED, TABBED, *DATES, "#Software: x", f"2024-03-01 06:30:00 {ROW}", *(f"{clock} {ROW}" for clock in CLOCKS)]
LINES += [f"{clock}\t{ROW}\t7".replace(" ", "\t") for clock in CLOCKS]


def read_plainly(lines: list[str]) -> dict[int, datetime]:
    """Give the time of every request, by its line."""
    found: dict[int, datetime] = {}
    fields, said = "", None
    for number, line in enumerate(lines):
        if line.lower().startswith("#fields:"):
            fields = line
        elif line.lower().startswith("#date:"):
            said = DATES[line]
        elif line.startswith("2024-") and fields == DATED:
            found[number] = datetime(2024, 3, 1, 6, 30, tzinfo=UTC)
        elif line[0].isdigit() and said is not None and fields == (TABBED if "\t" in line else TIMED) and not line.startswith("2024-"):
            clock = time.fromisoformat(line[:8])
            found[number] = datetime.combine(said[0] + timedelta(days=clock < said[1]), clock, UTC)
    return found


def read_in_blocks(pieces: list[bytes]) -> list[Parsed]:
    log = LogDecoder(Detection((FORMATS["w3c"], FORMATS["cloudfront"]), 1.0, {"w3c": 1.0}))
    parsed: list[Parsed] = []
    context: Context = ()
    offset = 0
    for piece in pieces:
        parsed.append(log.read(Block(piece, offset, (), context)))
        context = log.framing.context(piece, context)
        offset += len(piece)
    return parsed


@examples(100)
@given(data=st.data(), newline=st.sampled_from(["\n", "\r\n"]))
def test_every_line_has_the_day_of_the_directive_before_it_however_blocks_are_cut(data: st.DataObject, newline: str) -> None:
    # Under one directive all lines stand between tabs, or none: which it is, is told from the first of them.
    parts = data.draw(st.lists(st.tuples(st.booleans(), st.lists(st.sampled_from(LINES), max_size=12)), max_size=5))
    lines: list[str] = []
    for is_tabbed, part in parts:
        lines += [TABBED if is_tabbed else data.draw(st.sampled_from([TIMED, DATED]))]
        lines += [line for line in part if not line.lower().startswith("#fields") and (line.startswith("#") or ("\t" in line) == is_tabbed)]
    lines = data.draw(st.lists(st.sampled_from(list(DATES)), max_size=2)) + lines
    ends = [f"{line}{newline}".encode() for line in lines]
    cuts = sorted(data.draw(st.sets(st.integers(0, len(lines)), max_size=4)) | {0, len(lines)})
    pieces = [b"".join(ends[start:stop]) for start, stop in pairwise(cuts)]
    parsed = read_in_blocks(pieces)
    starts = {sum(map(len, ends[:number])): number for number in range(len(lines))}
    frames = [reading.frame for part in parsed for reading in part.readings]
    found = {starts[offset]: instant for frame in frames for offset, instant in frame.select("source_offset", "timestamp").iter_rows()}
    assert found == read_plainly(lines)
    assert sum(part.lines for part in parsed) == len(lines)


@pytest.mark.parametrize("line", list(DATES))
def test_directives_are_read_as_the_plain_reader_does(line: str) -> None:
    said = DATES[line]
    wanted = None if said is None else Since(said[0].isoformat(), (said[0] + timedelta(days=1)).isoformat(), said[1].isoformat())
    assert read_since(line) == wanted


HEAD = "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n"
LOG = (
    f"{HEAD}#Date: 2024-03-12 23:50:00\r\n{TIMED}\r\n"
    + "".join(f"23:5{minute}:00 {ROW}\r\n" for minute in range(10))
    + f"00:00:07.125 {ROW}\r\n"
    + f"{HEAD}#Date: 2024-03-14 06:00:00\r\n{TIMED}\r\n06:00:01 {ROW}\r\n"
)
TIMES = [
    *(datetime(2024, 3, 12, 23, 50 + minute, tzinfo=UTC) for minute in range(10)),
    datetime(2024, 3, 13, 0, 0, 7, 125_000, tzinfo=UTC),
    datetime(2024, 3, 14, 6, 0, 1, tzinfo=UTC),
]


def times(store: Path) -> list[datetime]:
    events: pl.DataFrame = open_store(store).scan_events(None).collect().sort("source_offset")
    return events["timestamp"].to_list()


@pytest.mark.parametrize("block_size", [120, 1 << 20])
def test_iis_with_a_time_alone(block_size: int, tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    path = tmp_path / "u_ex240312.log"
    path.write_bytes(LOG.encode())
    summary = take_in(path, block_size=block_size)
    assert (summary.sources[0].format, summary.total("events"), summary.total("ignored"), summary.total("rejected")) == ("w3c", 12, 8, 0)
    assert times(tmp_path / "store") == TIMES


def test_a_log_that_is_read_on_keeps_its_day(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    path = tmp_path / "u_ex.log"
    head, second, rest = LOG.encode().partition(f"23:55:00 {ROW}\r\n".encode())
    path.write_bytes(head + second)
    assert take_in(path).total("events") == 6
    with path.open("ab") as file:
        file.write(rest)
    assert take_in(path).total("events") == 6
    assert times(tmp_path / "store") == TIMES


@pytest.mark.parametrize("options", [["--map", "client=who"], ["--log-format", TIMED]])
def test_days_are_told_under_a_users_own_words_too(options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = LOG.replace("c-ip", "who") if options[0] == "--map" else LOG.replace(f"{TIMED}\r\n", "")
    (tmp_path / "a.log").write_bytes(text.encode())
    assert run(["ingest", *options, str(tmp_path / "a.log"), "--store", str(tmp_path / "store")]) == 0, capsys.readouterr().err
    assert times(tmp_path / "store") == TIMES


def test_without_a_directive_nothing_is_guessed(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes("\n".join(line for line in LOG.splitlines() if not line.startswith("#Date")).encode())
    assert "date is missing" in pullstats("ingest", tmp_path / "a.log", "--store", tmp_path / "store", code=2).err
