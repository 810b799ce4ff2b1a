"""Every line once: logs that grow, move, are copied, cut or rewritten, and runs that die."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import polars as pl
import pytest

from pullstats.errors import InputError, StoreError, UserError
from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store
from support.effort import SOAK, some
from support.places import LOGS

LINE = '{address} - - [{day:02d}/Nov/2025:10:{minute:02d}:{second:02d} +0000] "GET /v2/acme/app/manifests/{tag} HTTP/1.1" 200 {size} "-" "docker/24.0.7"\n'

TakeIn = Callable[..., IngestSummary]


def lines(count: int, start: int = 0) -> str:
    return "".join(
        LINE.format(address=f"192.0.2.{n % 250}", day=1 + n // 3600 % 28, minute=n // 60 % 60, second=n % 60, tag=f"v{n}", size=n)
        for n in range(start, start + count)
    )


def events(store: Path) -> pl.DataFrame:
    return open_store(store).scan_events().collect()


def counts(summary: IngestSummary) -> tuple[int, int, int, int, int]:
    names = ("lines", "events", "ignored", "rejected", "duplicates")
    lines_, events_, ignored, rejected, duplicates = (summary.total(name) for name in names)
    assert lines_ == events_ + ignored + rejected + duplicates
    return lines_, events_, ignored, rejected, duplicates


def test_the_same_log_again_adds_nothing(tmp_path: Path, take_in: TakeIn) -> None:
    log = tmp_path / "access.log"
    log.write_text(lines(100) + "\nno access line\n" + lines(10, 100))
    assert counts(take_in(log)) == (112, 110, 1, 1, 0)
    assert counts(take_in(log)) == (112, 0, 0, 0, 112)
    assert events(tmp_path / "store").height == 110


def test_a_log_that_grew_adds_its_new_lines_only(tmp_path: Path, take_in: TakeIn) -> None:
    log = tmp_path / "access.log"
    log.write_text(lines(10) + "192.0.2.1 - - [unfini")
    assert counts(take_in(log)) == (10, 10, 0, 0, 0)
    log.write_text(lines(25))
    assert counts(take_in(log)) == (25, 15, 0, 0, 10)
    frame = events(tmp_path / "store").sort("source_line")
    assert frame["source_line"].to_list() == list(range(1, 26))
    assert frame["http_response_body_size"].to_list() == list(range(25))


def test_renamed_copied_linked_and_compressed_logs_are_the_same_log(tmp_path: Path, take_in: TakeIn) -> None:
    log = tmp_path / "access.log"
    log.write_text(lines(50))
    take_in(log)
    log.rename(tmp_path / "access.log.1")
    shutil.copy(tmp_path / "access.log.1", tmp_path / "copy.log")
    (tmp_path / "access.log.2.gz").write_bytes(gzip.compress(lines(50).encode()))
    assert counts(take_in(tmp_path / "*.log*")) == (150, 0, 0, 0, 150)


def test_a_rotated_log_and_its_successor(tmp_path: Path, take_in: TakeIn) -> None:
    log = tmp_path / "access.log"
    log.write_text(lines(30))
    take_in(log)
    with log.open("a") as file:
        file.write(lines(5, 30))
    log.rename(tmp_path / "access.log.1")
    log.write_text(lines(7, 35))
    assert counts(take_in(tmp_path / "access.log*")) == (42, 12, 0, 0, 30)


def test_copytruncate_starts_a_new_log(tmp_path: Path, take_in: TakeIn) -> None:
    log = tmp_path / "access.log"
    log.write_text(lines(30))
    take_in(log)
    log.write_bytes(b"\0" * 100 + lines(4, 30).encode())
    assert counts(take_in(log)) == (4, 4, 0, 0, 0)


def test_logs_that_begin_alike_and_differ_later_both_count(tmp_path: Path, take_in: TakeIn) -> None:
    for name, rest in (("a.log", lines(100, 10)), ("b.log", lines(90, 500)), ("c.log", lines(3, 900)), ("d.log", lines(200, 2000))):
        (tmp_path / name).write_text(lines(10) + rest)
    assert counts(take_in(tmp_path / "*.log")) == (433, 433, 0, 0, 0)
    assert counts(take_in(tmp_path / "*.log")) == (433, 0, 0, 0, 433)


def test_an_older_shorter_copy_adds_nothing(tmp_path: Path, take_in: TakeIn) -> None:
    (tmp_path / "access.log").write_text(lines(100))
    (tmp_path / "backup.log").write_text(lines(40))
    take_in(tmp_path / "access.log")
    assert counts(take_in(tmp_path / "backup.log")) == (40, 0, 0, 0, 40)


def test_equal_lines_are_two_requests(tmp_path: Path, take_in: TakeIn) -> None:
    (tmp_path / "access.log").write_text(lines(1) * 5)
    assert counts(take_in(tmp_path / "access.log")) == (5, 5, 0, 0, 0)


def test_block_size_and_workers_change_nothing(tmp_path: Path, take_in: TakeIn) -> None:
    log = tmp_path / "access.log"
    log.write_text(lines(700) + "odd line\n\n" + lines(300, 700))
    frames = []
    for name, size, workers in (("one", 1 << 20, 1), ("many", 4096, 3)):
        summary = take_in(log, store=tmp_path / name, block_size=size, workers=workers)
        assert counts(summary) == (1002, 1000, 1, 1, 0)
        frames.append(events(tmp_path / name).sort("source_offset"))
    assert frames[0].equals(frames[1])


def test_a_folder_is_read_and_what_is_no_log_is_noted(tmp_path: Path, take_in: TakeIn) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_text(lines(10))
    (folder / "empty.log").write_text("")
    (folder / "notes.txt").write_text("just some words\nthat are no log\n")
    (folder / "picture.png").write_bytes(os.urandom(5000))
    summary = take_in(folder)
    assert counts(summary)[1] == 10
    for name in ("empty.log", "notes.txt", "picture.png"):
        assert any(name in note for note in summary.notes), name


@pytest.mark.parametrize("content", [b"just some words\n", os.urandom(3000) + b"\n", b"{}\n[]\n"], ids=["text", "binary", "json"])
def test_a_named_file_that_no_format_fits_is_one_sentence_and_no_store(tmp_path: Path, take_in: TakeIn, content: bytes) -> None:
    (tmp_path / "good.log").write_text(lines(5))
    (tmp_path / "bad.log").write_bytes(content)
    with pytest.raises(InputError, match="no known log format fits") as caught:
        take_in(tmp_path / "good.log", tmp_path / "bad.log")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "store").exists()


def test_a_log_format_that_fits_no_line_is_refused(tmp_path: Path, take_in: TakeIn) -> None:
    (tmp_path / "a.log").write_text(lines(5))
    with pytest.raises(InputError, match="no line of .* fits the log format nginx-custom"):
        take_in(tmp_path / "a.log", log_format="$remote_addr|$time_iso8601|$request")


def test_an_empty_log_is_noted(tmp_path: Path, take_in: TakeIn) -> None:
    (tmp_path / "a.log").write_text("")
    summary = take_in(tmp_path / "a.log")
    assert counts(summary) == (0, 0, 0, 0, 0)
    assert summary.notes


def test_a_folder_that_is_no_store_is_left_alone(tmp_path: Path, take_in: TakeIn) -> None:
    (tmp_path / "a.log").write_text(lines(5))
    other = tmp_path / "home"
    other.mkdir()
    (other / "thesis.txt").write_text("precious")
    with pytest.raises(StoreError):
        take_in(tmp_path / "a.log", store=other)
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]


def test_a_dry_run_counts_and_keeps_nothing(tmp_path: Path, take_in: TakeIn) -> None:
    (tmp_path / "a.log").write_text(lines(5) + "odd\n")
    assert counts(take_in(tmp_path / "a.log", is_dry_run=True)) == (6, 5, 0, 1, 0)
    assert not (tmp_path / "store").exists()


def test_a_cut_gzip_keeps_what_is_whole_and_says_so(tmp_path: Path, take_in: TakeIn) -> None:
    packed = gzip.compress(lines(3000).encode())
    (tmp_path / "a.log.gz").write_bytes(packed[: len(packed) * 3 // 4])
    summary = take_in(tmp_path / "a.log.gz")
    assert 0 < counts(summary)[1] < 3000
    assert any("ends early" in note for note in summary.notes)


def test_rejected_lines_are_kept_redacted_with_their_place(tmp_path: Path, take_in: TakeIn) -> None:
    (tmp_path / "a.log").write_text(lines(2) + "198.51.100.7 said token=abcdef0123456789 and left\n" + lines(2, 2))
    take_in(tmp_path / "a.log")
    row = open_store(tmp_path / "store").scan_rejects().collect().row(0, named=True)
    assert (row["source_line"], row["source_offset"], row["reason"]) == (3, len(lines(2)), "format")
    assert "198.51.100.7" not in row["line"]


def test_no_address_reaches_the_store(tmp_path: Path, take_in: TakeIn) -> None:
    address = "203.0.113.77"
    line = f'{address} - bob [01/Nov/2025:10:00:00 +0000] "GET /hello/{address}?ip={address}&token=s3cr3tvalue HTTP/1.1" 200 5 "http://{address}/" "probe {address}"\n'
    (tmp_path / "a.log").write_text(line + f"broken {address}\n")
    take_in(tmp_path / "a.log")
    blobs = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    frame = events(tmp_path / "store")
    text = str(frame.to_dicts()) + str(open_store(tmp_path / "store").scan_rejects().collect().to_dicts())
    for secret in (address, "bob", "s3cr3tvalue"):
        assert secret not in text, secret
        assert secret.encode() not in blobs, secret


CHILD = """
import sys
from pathlib import Path
from pullstats.pipeline.ingest import ingest
from pullstats.pipeline.plan import IngestPlan
ingest(IngestPlan((sys.argv[1],), Path(sys.argv[2]), block_size=80_000, workers=2))
"""


@pytest.mark.parametrize("delay", some([0.0, 0.15, 0.4], 3))
def test_a_killed_run_leaves_nothing_that_counts_twice(tmp_path: Path, take_in: TakeIn, delay: float) -> None:
    log = tmp_path / "access.log"
    count = 20_000 if SOAK else 5_000
    log.write_text(lines(count))
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(log), str(tmp_path / "store")])
    while child.poll() is None and not list((tmp_path / "store").glob("events/date=*/*.parquet")):
        time.sleep(0.01)
    time.sleep(delay)
    child.send_signal(signal.SIGKILL)
    child.wait()
    take_in(log)
    take_in(log, store=tmp_path / "clean")
    killed, clean = events(tmp_path / "store").sort("source_offset"), events(tmp_path / "clean").sort("source_offset")
    assert killed.height == count
    assert killed.equals(clean)


def test_a_second_writer_is_told_who_writes(tmp_path: Path, take_in: TakeIn) -> None:
    (tmp_path / "a.log").write_text(lines(5))
    take_in(tmp_path / "a.log")
    with open_store(tmp_path / "store").lock(), pytest.raises(UserError, match=r"\d"):
        take_in(tmp_path / "a.log")


def test_what_a_log_leaves_out_is_null(tmp_path: Path, take_in: TakeIn) -> None:
    (tmp_path / "a.log").write_text(
        '192.0.2.1 - - [01/Nov/2025:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "-"\n'
        '192.0.2.1 - bob [01/Nov/2025:10:00:01 +0000] "GET /b HTTP/1.1" 000 - "" ""\n'
    )
    take_in(tmp_path / "a.log")
    first, second = events(tmp_path / "store").sort("source_line").to_dicts()
    for name in ("user_id", "auth_scheme", "http_request_referrer", "user_agent_original"):
        assert first[name] is None, name
    assert (first["user_agent_name"], second["user_agent_name"]) == ("unknown", "unknown")
    assert second["user_id"] is not None
    assert second["auth_scheme"] is None  # a name is no scheme: the log does not say how it was proven
    assert (second["http_response_status_code"], second["http_response_body_size"]) == (None, None)
    assert (second["http_request_referrer"], second["user_agent_original"]) == (None, None)
    assert first["origin_id"] != second["origin_id"]


SHOP_LINES = (LOGS / "lnav" / "logfile_shop_access_log.0").read_text().splitlines()


def test_many_small_logs_are_the_same_as_one_by_one(tmp_path: Path, take_in: TakeIn) -> None:
    """Small logs are worked on together: of several formats, growing, with odd lines, wrapped, one a copy of another."""
    folder = tmp_path / "logs"
    folder.mkdir()
    lines = SHOP_LINES
    count = 30 if SOAK else 5
    for number in range(count):
        rows = lines[number * 7 : number * 7 + 7]
        if number % 5 == 1:
            rows = [*rows[:3], "no log line", "", *rows[3:]]
        if number % 5 == 2:
            rows = [f"web-1  | {row}" for row in rows]
        if number % 5 == 3:
            rows = [row.rsplit(' "', 1)[0] for row in rows]
        (folder / f"{number:02}.log").write_text("".join(f"{row}\n" for row in rows) + ("" if number % 7 else "unfinished"))
    shutil.copy(folder / "04.log", folder / "99-copy.log")
    together = take_in(folder, store=tmp_path / "together")
    alone = [take_in(path, store=tmp_path / "alone") for path in sorted(folder.iterdir())]
    told = attrgetter("name", "format", "wrapper", "lines", "events", "ignored", "rejected", "duplicates", "first", "last")
    assert [told(source) for source in together.sources] == [told(source) for one in alone for source in one.sources]
    found = [
        open_store(tmp_path / name).scan_events(None).collect().drop("source_id").sort("timestamp", "source_line", "url_path")
        for name in ("together", "alone")
    ]
    keys = {"endpoint_id", "network_id", "origin_id"}
    assert found[0].drop(keys).equals(found[1].drop(keys))
    rejects = [
        open_store(tmp_path / name).scan_rejects().collect().select("source_line", "source_offset", "reason", "line").sort(pl.all())
        for name in ("together", "alone")
    ]
    assert rejects[0].equals(rejects[1])
    assert rejects[0].height == len(range(1, count, 5))
    again = take_in(folder, store=tmp_path / "together")
    assert (again.total("events"), again.total("duplicates")) == (0, together.total("lines"))
