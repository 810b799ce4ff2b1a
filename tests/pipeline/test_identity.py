"""A log is its content: told from any other by its bytes, known again wherever and however it lies, by its own name or none."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from pullstats.errors import InputError
from pullstats.pipeline.content import BEGINNING, HEAD, WHOLE, WINDOW, Content, window_places
from pullstats.pipeline.log_marks import Marks
from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store
from support.command import take_into
from support.effort import SOAK, across, examples, some

TakeIn = Callable[..., IngestSummary]
KEY = b"k" * 32
PACK: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd.compress}


def lines(count: int, start: int = 0, agent: str = "docker/24.0.7") -> bytes:
    return b"".join(
        b'192.0.2.%d - - [%02d/Nov/2025:10:%02d:%02d +0000] "GET /v2/acme/app/manifests/v%07d HTTP/1.1" 200 %d "-" "%s"\n'
        % (n % 250, 1 + n // 3600 % 28, n // 60 % 60, n % 60, n, n % 1000, agent.encode())
        for n in range(start, start + count)
    )


def told(summary: IngestSummary) -> tuple[int, int]:
    """Lines that counted, and lines that were known."""
    return summary.total("lines") - summary.total("duplicates"), summary.total("duplicates")


@pytest.fixture(name="take_in")
def _take_in(tmp_path: Path) -> TakeIn:
    """Ingest logs whose format is said, which is found out elsewhere."""

    def run(*paths: Path | str, **options: Any) -> IngestSummary:
        return take_into(tmp_path / "store", *paths, **({} if "log_format" in options else {"input_format": "nginx-combined"}) | options)

    return run


@pytest.fixture
def pipe(take_in: TakeIn, monkeypatch: pytest.MonkeyPatch) -> Callable[..., IngestSummary]:
    """Ingest bytes from standard input, which can only be read forward."""

    class Pipe(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self._data = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            part = self._data.read(min(len(buffer), 30_000))
            buffer[: len(part)] = part
            return len(part)

    def run(data: bytes, **options: object) -> IngestSummary:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(cast("io.RawIOBase", Pipe(data)))))
        return take_in("-", **options)

    return run


# What was read, digested


def fed(data: bytes, cuts: list[int]) -> Content:
    content = Content(KEY)
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        content.feed(start, data[start:end])
    return content


@given(st.data())
@examples(25)
def test_digests_do_not_depend_on_how_a_log_is_cut_or_where_it_is_read_on(data: st.DataObject) -> None:
    """Of logs around the places where digests change their way; read on from any place they are as read at once."""
    size = data.draw(st.sampled_from([1, 5, 4095, 4096, 70_000, WHOLE - 1, WHOLE, WHOLE + 1, WHOLE + 40_000, 2 * WHOLE + 5, 5 * WHOLE + 12_345]))
    log = random.Random(size).randbytes(size)
    cuts = sorted(data.draw(st.lists(st.integers(0, size), max_size=5)))
    once, cut = fed(log, []), fed(log, cuts)
    tail = log[-50:]
    assert once.digest(size, tail) == cut.digest(size, tail)
    assert once.beginning(size) == cut.beginning(size)
    place = data.draw(st.integers(1, size))
    looked = Content(KEY)
    windows = {at: log[at : at + WINDOW] for at in (window_places(place) if place > WHOLE else ())}
    looked.know(place, log[: min(place, WHOLE)], windows, log[max(place - WINDOW, 0) : place])
    assert looked.digest(place, b"t") == fed(log[:place], []).digest(place, b"t")
    looked.feed(place, log[place:])
    assert looked.digest(size, tail) == once.digest(size, tail)
    marks = fed(log[:place], []).mark_to(place) + looked.mark_to(size)
    assert once.is_beginning_of(Marks(marks)) or b"\n" not in log


@pytest.mark.parametrize("size", [WHOLE + 1, 3 * WHOLE, 100 << 20, 40 << 30, 200 << 30])
def test_a_long_log_has_at_least_64_windows_at_places_that_its_length_decides(size: int) -> None:
    places = window_places(size)
    assert 64 <= len(places) <= 128
    assert places[-1] + WINDOW <= size
    assert size - places[-1] <= 2 * places.step
    assert all(place in window_places(size * 2 - 1) for place in window_places(2 * size)[:: 2 * size // size])


# Two logs


def borders(log: bytes) -> list[int]:
    """Places of the first line's, the next and the last byte, of those at either side of where digests change their way, and in and around windows."""
    window = window_places(len(log))[-1] if len(log) > WHOLE else 0
    near = (edge + step for edge in (HEAD, BEGINNING, window, window + WINDOW - 1) for step in (-1, 0) if edge)
    inside = (at for at in near if len(log) <= WHOLE or at < BEGINNING or 0 <= at - window < WINDOW)
    found = [log.index(b"/manifests/v") + 15, log.index(b"\n") + 1, *(at for at in inside if at < len(log) - 1), len(log) - 2]
    return sorted({at - (log[at] == 10) for at in found})


def changed(log: bytes, at: int) -> bytes:
    """Change one byte of a log, which ends no line."""
    return log[:at] + bytes([log[at] ^ 1]) + log[at + 1 :]


@pytest.mark.parametrize("size", [600, HEAD + 5_000, BEGINNING + 5_000, WHOLE - 5_000, 2 * WHOLE + 12_345])
def test_one_byte_wherever_digests_look_makes_another_content(size: int) -> None:
    log = lines(size // len(lines(1, 999)))
    one, marks = fed(log, []), Marks(fed(log, []).mark_to(len(log)))
    for at in borders(log):
        other = fed(changed(log, at), [])
        assert other.digest(len(log), other.tail()) != one.digest(len(log), one.tail()), at
        assert at >= WHOLE or not other.is_beginning_of(marks), at
        assert at >= HEAD or other.beginning(len(log)) != one.beginning(len(log)), at


def test_one_byte_makes_two_logs(take_in: TakeIn, tmp_path: Path) -> None:
    """Of equal length, with lines of one width, rejected as most of them are; wherever the byte stands."""
    whole = varied = 0
    for number, (size, width) in enumerate([(600, 2), (5_000, 40), (HEAD + 5_000, 900), (BEGINNING + 5_000, 3_000)]):
        log = lines(1, number) + (b"x" * (width - 1) + b"\n") * (size // width)
        (tmp_path / f"a{number}.log").write_bytes(log)
        for at in borders(log):
            (tmp_path / f"b{number}-{at}.log").write_bytes(changed(log, at))
            varied += log.count(b"\n")
        whole += log.count(b"\n")
    assert told(take_in(tmp_path / "a*.log")) == (whole, 0)
    assert told(take_in(tmp_path / "b*.log")) == (varied, 0)
    assert told(take_in(tmp_path / "*.log")) == (0, whole + varied)


@pytest.mark.parametrize("place", some([100, HEAD + 50, WHOLE - 60_000], 3, first=2))
def test_one_byte_anywhere_in_two_mebibytes_makes_two_logs(tmp_path: Path, take_in: TakeIn, place: int) -> None:
    log = lines(WHOLE // len(lines(1, 999)))
    assert WHOLE - 50_000 < len(log) <= WHOLE
    at = log.index(b"/manifests/v", place) + 15
    (tmp_path / "a.log").write_bytes(log)
    (tmp_path / "b.log").write_bytes(log[:at] + bytes([log[at] ^ 1]) + log[at + 1 :])
    count = log.count(b"\n")
    assert told(take_in(tmp_path / "a.log", tmp_path / "b.log")) == (2 * count, 0)
    assert told(take_in(tmp_path / "b.log", tmp_path / "a.log")) == (0, 2 * count)


def test_logs_of_two_servers_that_begin_and_end_alike_are_two(tmp_path: Path, take_in: TakeIn) -> None:
    """One balancer probes both, first and last, and every line between is as long as the other's."""
    for server in (1, 2):
        between = lines(40_000, 100 + 5 * server)
        (tmp_path / f"web{server}.log").write_bytes(lines(1) + between + lines(1, 99_999))
    assert (tmp_path / "web1.log").stat().st_size == (tmp_path / "web2.log").stat().st_size > 2 * WHOLE
    assert told(take_in(tmp_path / "web1.log", tmp_path / "web2.log")) == (2 * 40_002, 0)
    assert told(take_in(tmp_path / "web?.log")) == (0, 2 * 40_002)


def test_a_shorter_log_of_another_server_is_no_copy(tmp_path: Path, take_in: TakeIn) -> None:
    """Times, statuses and sizes are those of the longer one; clients and paths, or rejected lines alone, are not."""
    probe = lines(1)
    (tmp_path / "long.log").write_bytes(probe + lines(9, 1) + b"rejected 1\n")
    (tmp_path / "short.log").write_bytes(probe + lines(5, 1).replace(b"acme", b"emca"))
    (tmp_path / "rejected.log").write_bytes(probe + lines(9, 1) + b"rejected 2\n")
    (tmp_path / "cut.log").write_bytes(probe + lines(9, 1))
    assert told(take_in(tmp_path / "long.log")) == (11, 0)
    assert told(take_in(tmp_path / "short.log")) == (6, 0)
    assert told(take_in(tmp_path / "rejected.log")) == (11, 0)
    assert told(take_in(tmp_path / "cut.log")) == (0, 10)


def test_two_named_sources_are_two_whatever_they_hold(tmp_path: Path, take_in: TakeIn) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(lines(20))
    assert told(take_in(log)) == (20, 0)
    assert told(take_in(log, source_name="web1")) == (0, 20)  # the same log, which has a name now
    assert told(take_in(log, source_name="web2")) == (20, 0)
    assert told(take_in(log, source_name="web1")) == (0, 20)
    assert told(take_in(log, source_name="web2")) == (0, 20)
    assert told(take_in(log)) == (0, 20)
    log.write_bytes(lines(30))
    assert told(take_in(log, source_name="web1")) == (10, 20)
    assert told(take_in(log, source_name="web2")) == (10, 20)


# One log


@pytest.mark.parametrize(("packed", "size"), across(PACK, [60, 3000, 20_500]))
def test_a_log_is_known_however_it_lies(tmp_path: Path, take_in: TakeIn, packed: str, size: int) -> None:
    """Copied, linked, compressed, cut short, grown; around the length up to which logs are digested whole, and beyond."""
    log = lines(size)
    (tmp_path / "access.log").write_bytes(log)
    assert told(take_in(tmp_path / "access.log")) == (size, 0)
    parts = (size // 7 + 1, size // 2, size)
    for part in parts:
        (tmp_path / f"part{part}.{packed}").write_bytes(PACK[packed](lines(part)))
    assert told(take_in(tmp_path / "part*")) == (0, sum(parts))
    other = tmp_path / f"other.{packed}"
    other.write_bytes(PACK[packed](lines(size + 9)))
    assert told(take_in(other)) == (9, size)
    (tmp_path / "link.log").symlink_to(tmp_path / "access.log")
    with (tmp_path / "access.log").open("ab") as file:
        file.write(lines(12, size))
    assert told(take_in(tmp_path / "link.log")) == (3, size + 9)
    assert told(take_in(other)) == (0, size + 9)


@pytest.mark.parametrize("seed", range(4 if SOAK else 2))
def test_logs_of_lines_of_a_byte_or_two_grow(take_in: TakeIn, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    log = lines(1) * (seed % 2) + b"".join(b"ab"[: chance.randrange(3)] + b"\n" for _ in range(60)) + lines(1)
    log = log if seed % 2 else lines(1)[:-1].replace(b"GET", b"PUT") + b"\n" + log
    read = 0
    for end in [*sorted(chance.randrange(150, len(log)) for _ in range(4)), len(log)]:
        (tmp_path / "grown.log").write_bytes(log[:end])
        new, known = told(take_in(tmp_path / "grown.log"))
        assert known == read
        read += new
    assert read == log.count(b"\n")


def test_a_log_whose_lines_are_short_adds_only_what_is_new(tmp_path: Path, take_in: TakeIn) -> None:
    log = tmp_path / "short.log"
    form = "$msec $remote_addr $uri"
    rows = [f"17000000{n:02}.123 ::{n} /a\n" for n in range(40)]
    for count in (1, 2, 10, 40):
        log.write_text("".join(rows[:count]))
        take_in(log, log_format=form)
    assert open_store(tmp_path / "store").scan_events().collect().height == 40


def test_a_first_line_of_any_length_leaves_the_log_known(tmp_path: Path, take_in: TakeIn) -> None:
    log = tmp_path / "long.log"
    first = lines(1).replace(b"/v2/", b"/" + b"x" * 400_000 + b"/")
    for count in (1, 3, 3):
        log.write_bytes(first + lines(count, 1))
        take_in(log)
    assert open_store(tmp_path / "store").scan_events().collect().height == 4


def test_many_logs_with_one_first_line_are_told_apart_in_one_run(tmp_path: Path, take_in: TakeIn) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    count = 120 if SOAK else 30
    for number in range(count):
        (folder / f"{number:03}.log").write_bytes(lines(1) + lines(1 + number % 3, 10 + 5 * number))
    assert told(take_in(folder)) == (3 * count, 0)
    assert told(take_in(folder)) == (0, 3 * count)


# Unfinished is not finished


@pytest.mark.parametrize("packed", [name for name in PACK if name != "plain"])
def test_a_compressed_log_that_is_cut_anywhere_commits_whole_lines_and_goes_on(tmp_path: Path, take_in: TakeIn, packed: str) -> None:
    log = random.Random(packed).randbytes(9).hex().encode() + b" is no event\n" + lines(900)
    whole = PACK[packed](log)
    chance = random.Random(1)
    file = tmp_path / f"a.{packed}"
    for cut in [*sorted(chance.randrange(20, len(whole)) for _ in range(5 if SOAK else 2)), len(whole)]:
        file.write_bytes(whole[:cut])
        try:
            summary = take_in(file)
        except InputError:  # cut before anything can be told
            continue
        if summary.sources and cut < len(whole):
            assert any("ends early" in note for note in summary.notes)
    store = open_store(tmp_path / "store")
    events = store.scan_events().collect().sort("source_line")
    assert events["source_line"].to_list() == list(range(2, 902))
    assert events["http_response_body_size"].to_list() == [n % 1000 for n in range(900)]
    assert store.scan_rejects().collect().height == 1
    assert told(take_in(file)) == (0, 901)


def test_a_gzip_that_gets_one_member_after_the_other_goes_on(tmp_path: Path, take_in: TakeIn) -> None:
    file = tmp_path / "a.gz"
    packed = b""
    for number in range(4):
        packed += gzip.compress(lines(50, 50 * number))
        file.write_bytes(packed)
        assert told(take_in(file)) == (50, 50 * number)


@pytest.mark.parametrize(("half", "count"), across([60, 100, -1], [3, 20_000]))
def test_a_last_line_that_counted_without_its_end_is_read_again_as_a_whole(tmp_path: Path, take_in: TakeIn, half: int, count: int) -> None:
    """Of a compressed log that was whole: a snapshot of a log that was being written, or a member that ends within a line."""
    file = tmp_path / "a.gz"
    line = lines(1, count)
    file.write_bytes(gzip.compress(lines(count) + line[:half]))
    assert told(take_in(file)) == (count + 1, 0)
    assert told(take_in(file)) == (0, count + 1)
    file.write_bytes(file.read_bytes() + gzip.compress(line[half:] + lines(2, count + 1)))
    assert told(take_in(file)) == (3, count)
    store = open_store(tmp_path / "store")
    assert sorted(store.scan_events().collect()["package_version"]) == [f"v{n:07}" for n in range(count + 3)]
    assert store.scan_rejects().collect().height == 0
    assert store.runs()["lines"].sum() == store.runs()["events"].sum() == count + 3
    assert told(take_in(file)) == (0, count + 3)


# Standard input


def test_standard_input_counts_once_and_goes_on_where_it_ended(pipe: Callable[..., IngestSummary]) -> None:
    assert told(pipe(lines(100))) == (100, 0)
    assert told(pipe(lines(100))) == (0, 100)
    assert told(pipe(lines(130) + b"192.0.2.1 - - [half")) == (30, 100)
    assert told(pipe(lines(140))) == (10, 130)
    assert told(pipe(gzip.compress(lines(150)))) == (10, 140)
    assert told(pipe(lines(60))) == (0, 60)


def test_a_long_stream_goes_on_where_it_ended(tmp_path: Path, take_in: TakeIn, pipe: Callable[..., IngestSummary]) -> None:
    assert told(pipe(lines(25_000))) == (25_000, 0)
    assert told(pipe(lines(25_000))) == (0, 25_000)
    assert told(pipe(lines(26_000))) == (1_000, 25_000)
    assert told(pipe(lines(20_000))) == (0, 20_000)
    (tmp_path / "the-same.log").write_bytes(lines(26_001))
    assert told(take_in(tmp_path / "the-same.log")) == (1, 26_000)
    other = lines(24_000) + lines(3_000, 50_000)  # begins as the other one did, for longer than is looked at ahead
    assert told(pipe(other)) == (27_000, 0)
    assert told(pipe(other)) == (0, 27_000)


def test_what_a_new_stream_may_mean_is_said_with_the_remedy(pipe: Callable[..., IngestSummary]) -> None:
    def notes(data: bytes, **options: object) -> str:
        return "\n".join(note for note in pipe(data, **options).notes if "--source" in note)

    assert notes(lines(100)) == ""
    assert notes(lines(100)) == ""
    assert notes(lines(120)) == ""
    assert "overlaps in time" in notes(lines(60, 90))
    assert "later than" in notes(lines(60, 400))
    assert notes(lines(60, 430), source_name="edge") == ""
    assert notes(lines(60, 600), source_name="edge") == ""
    assert "overlaps in time" in notes(lines(60, 630), source_name="edge")


def test_the_unfinished_last_line_of_a_stream_is_left_and_said(pipe: Callable[..., IngestSummary]) -> None:
    summary = pipe(lines(5)[:-1])
    assert told(summary) == (4, 0)
    assert any("no end yet" in note for note in summary.notes)


# Through one descriptor


class World:
    """A server that writes and rotates its log whenever it is let; every line is its own."""

    def __init__(self, folder: Path, mode: str, seed: int) -> None:
        """Begin a log."""
        self.folder, self.mode, self.chance = folder, mode, random.Random(seed)
        self.log = folder / "access.log"
        self.written = self.rotations = 0
        self.left = 0  # rotations that may still come during this ingest
        self.handle = self._open()

    def _open(self) -> io.BufferedWriter:
        return self.log.open("wb" if self.mode == "sparse" else "ab", buffering=0)  # type: ignore[return-value]

    def write(self) -> None:
        """Write a few lines, each in two pieces."""
        for _ in range(self.chance.randrange(1, 4)):
            row = lines(1, self.written)
            cut = self.chance.randrange(1, len(row))
            self.handle.write(row[:cut])
            self.handle.write(row[cut:])
            self.written += 1

    def move(self) -> None:
        """Let some time pass."""
        if self.chance.random() < 0.4:
            self.write()
        if self.left and self.chance.random() < 0.1:
            self.left -= 1
            self.rotate()

    def rotate(self) -> None:
        """Rotate the log as the mode says."""
        self.rotations += 1
        old = sorted(self.folder.glob("access.log.*"), key=lambda path: -int(path.name.split(".")[2]))
        for path in old if self.mode != "dated" else ():
            number, *rest = path.name.split(".")[2:]
            path.rename(self.folder / ".".join(["access.log", str(int(number) + 1), *rest]))
        first = self.folder / "access.log.1"
        if self.mode in ("copytruncate", "sparse"):
            shutil.copy(self.log, first)
            os.truncate(self.log, 0)
            return
        self.log.rename(first)
        if self.mode == "late":  # the server notices only later, and goes on writing to the renamed file
            self.write()
        self.handle.close()
        self.handle = self._open()
        if self.mode == "gz":
            second = self.folder / "access.log.2"
            if second.exists():
                second.with_suffix(".2.gz").write_bytes(gzip.compress(second.read_bytes()))
                second.unlink()
        if self.mode == "dated":
            first.rename(self.folder / f"access.log.{1000 + self.rotations}")


def stepping(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass before and after whatever an ingest asks of the system."""
    from pullstats.sources import streams
    from pullstats.sources.paths import open_file
    from pullstats.sources.witness import Witness
    from pullstats.store.store import Store

    def around(function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            world.move()
            result = function(*args, **options)
            world.move()
            return result

        return call

    for name in ("at", "seek", "peek", "_read_some"):
        monkeypatch.setattr(streams.Source, name, around(getattr(streams.Source, name)))
    monkeypatch.setattr(Witness, "is_same", around(Witness.is_same))
    monkeypatch.setattr("pullstats.sources.layers.open_file", around(open_file))
    monkeypatch.setattr(Store, "commit", around(Store.commit))


@pytest.mark.parametrize("seed", some(range(3), 3))
@pytest.mark.parametrize("mode", ["rename", "late", "gz", "dated", "copytruncate", "sparse"])
def test_no_line_is_lost_or_doubled_by_a_rotation_between_any_two_steps(
    tmp_path: Path, take_in: TakeIn, monkeypatch: pytest.MonkeyPatch, mode: str, seed: int
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    world = World(logs, mode, seed)
    with monkeypatch.context() as patched:
        stepping(world, patched)
        for _ in range(6 if SOAK else 2):
            world.left = 3
            world.move()
            take_in(logs)
    take_in(logs)
    world.handle.close()
    taken = open_store(tmp_path / "store").scan_events().collect()["package_version"].to_list()
    assert world.rotations > 3
    assert sorted(taken) == [f"v{n:07}" for n in range(world.written)]
