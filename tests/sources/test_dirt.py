"""What rotation, runtimes and networks leave in logs: nothing of it stops a run, and no whole line is lost."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from backports import zstd

from pullstats.cli import run
from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store
from support.command import pullstats
from support.effort import SOAK, across
from support.places import LOGS

SHOP = (LOGS / "lnav" / "logfile_shop_access_log.0").read_bytes().splitlines(keepends=True)
TakeIn = Callable[..., IngestSummary]
LINES = b"".join(SHOP[:200])


def counts(summary: IngestSummary) -> tuple[int, int, int]:
    return summary.total("events"), summary.total("ignored"), summary.total("rejected")


def rejects(tmp_path: Path) -> list[dict[str, Any]]:
    return open_store(tmp_path / "store").scan_rejects().collect().sort("source_line").to_dicts()


@pytest.mark.parametrize(("count", "block_size"), across([1, 5_000, 3_000_000 if SOAK else 400_000], [100_000, 24 << 20]))
def test_nulls_that_copytruncate_left(count: int, block_size: int, tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"\0" * count + LINES)
    assert counts(take_in(path, block_size=block_size)) == (200, 0, 0)
    with path.open("ab") as file:
        file.write(b"\0" * count + SHOP[200])
    again = take_in(path, block_size=block_size)
    assert counts(again) == (1, 0, 0)
    found = open_store(tmp_path / "store").scan_events(["source_offset", "source_line"]).collect().sort("source_line")
    data = path.read_bytes()
    assert all(data[offset:].lstrip(b"\0")[:12] == SHOP[line - 1][:12] for line, offset in found.select("source_line", "source_offset").rows()[:20])


def test_a_byte_order_mark_and_carriage_returns(tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "windows.log"
    path.write_bytes(b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n"))
    assert counts(take_in(path)) == (200, 0, 0)
    plain = tmp_path / "plain.log"
    plain.write_bytes(LINES)
    take_in(plain, store=tmp_path / "plain")
    columns = [
        "timestamp",
        "http_response_status_code",
        "http_response_body_size",
        "user_agent_original",
        "url_path",
        "http_request_referrer",
        "endpoint_id",
    ]
    found = [
        open_store(tmp_path / name).scan_events([*columns, "source_line"]).collect().sort("source_line").select(columns)
        for name in ("store", "plain")
    ]
    assert found[0].equals(found[1])


@pytest.mark.parametrize("name", ["json", "nginx-combined", "ltsv"])
def test_carriage_returns_are_read_the_fast_way(name: str) -> None:
    from pullstats.formats import FORMATS
    from pullstats.formats.lines import _read_fast

    line = FORMATS[name].sample.encode()
    raw = _read_fast(FORMATS[name].reader, (line + b"\r\n") * 3)
    assert raw is not None
    assert raw["line_length"].to_list() == [len(line) + 2] * 3


def test_bytes_that_are_no_utf8(tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "big5.log"
    path.write_bytes(b'1.2.3.4 - - [20/Jul/2009:22:59:29 +0000] "GET /\xa4\xa4\xa4\xe5 HTTP/1.0" 200 5 "-" "caf\xe9"\n' + LINES)
    assert counts(take_in(path)) == (201, 0, 0)
    event = open_store(tmp_path / "store").scan_events(["url_path", "user_agent_original"]).collect()
    assert "/\\xa4\\xa4\\xa4\\xe5" in event["url_path"].to_list()
    assert "caf\\xe9" in event["user_agent_original"].to_list()


def test_a_line_of_50_megabytes(tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "long.log"
    path.write_bytes(LINES + b"x" * (50 << 20) + b"\n" + LINES)
    assert counts(take_in(path)) == (400, 0, 1)
    (reject,) = rejects(tmp_path)
    assert (reject["reason"], reject["source_line"], reject["source_offset"]) == ("too-long", 201, len(LINES))
    assert len(reject["line"]) <= 500


def test_lines_that_a_buffer_cut(tmp_path: Path, take_in: TakeIn) -> None:
    long = SHOP[3].rstrip(b"\n").replace(b' HTTP/1.1"', b"?q=" + b"a" * 20_000 + b' HTTP/1.1"', 1)
    for limit in (1_024, 8_192, 16_384):
        (tmp_path / f"{limit}.log").write_bytes(LINES + long[:limit] + b"\n" + LINES)
    assert counts(take_in(tmp_path / "*.log")) == (1200, 0, 3)
    assert [(reject["reason"], reject["source_line"]) for reject in rejects(tmp_path)] == [("format", 201)] * 3


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}


def test_compressions_in_one_another_under_any_name(tmp_path: Path, take_in: TakeIn) -> None:
    pairs = across(PACK, PACK)
    for number, (outer, inner) in enumerate(pairs):
        (tmp_path / f"access.log-{number}.txt").write_bytes(PACK[outer](PACK[inner](b"".join(SHOP[50 * number : 50 * number + 50]))))
    assert counts(take_in(tmp_path / "*.txt", is_dry_run=True)) == (50 * len(pairs), 0, 0)


def test_a_gzip_that_was_cut_keeps_what_is_whole_and_says_so(tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "access.log.gz"
    packed = gzip.compress(b"".join(SHOP), compresslevel=1)
    path.write_bytes(packed[: len(packed) // 2])
    summary = take_in(path, is_dry_run=True)
    assert 100 < summary.total("events") < 1000
    assert any("ends early or is damaged" in note for note in summary.notes)


def test_two_formats_and_an_error_log_in_one_file(tmp_path: Path, take_in: TakeIn) -> None:
    combined = [row.rsplit(b' "', 1)[0] + b"\n" for row in SHOP[100:200]]
    error = b'2022/07/28 16:37:00 [error] 123#123: *1 open() "/x" failed, client: 1.2.3.4, request: "GET /x?token=hush HTTP/1.1"\n'
    path = tmp_path / "mixed.log"
    path.write_bytes(
        b"".join(SHOP[:100])
        + error
        + b"".join(combined)
        + b'{"status":200,"remote_addr":"1.2.3.4","request":"GET / HTTP/1.1","time":"2024-01-01T00:00:00Z"}\n'
    )
    assert counts(take_in(path)) == (201, 0, 1)
    (reject,) = rejects(tmp_path)
    assert reject["line"].startswith("2022/07/28 16:37:00 [error]")
    assert "hush" not in reject["line"]
    assert "1.2.3.4" not in reject["line"]
    formats = open_store(tmp_path / "store").scan_events(["log_format"]).collect()["log_format"].value_counts().rows()
    assert dict(formats) == {"nginx-main": 100, "nginx-combined": 100, "json": 1}


def test_a_format_that_changes_in_mid_file(tmp_path: Path, take_in: TakeIn) -> None:
    """The administrator added a column at noon: the second half is another format, far behind the sampled head."""
    path = tmp_path / "changing.log"
    combined = b"".join(row.rsplit(b' "', 1)[0] + b"\n" for row in SHOP)
    path.write_bytes(combined * 5 + b"".join(SHOP) * 5)
    assert counts(take_in(path, is_dry_run=True)) == (10_000, 0, 0)


def test_what_holds_nothing_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "empty.log").touch()
    (folder / "empty.gz").write_bytes(gzip.compress(b""))
    (folder / "blank.log").write_text("\n\n\n")
    (folder / "half.log").write_bytes(SHOP[0][:40])
    (folder / "random.bin").write_bytes(bytes(range(256)) * 40)
    (folder / "access.log").write_bytes(LINES)
    told = pullstats("ingest", folder, "--store", tmp_path / "s").err
    assert "200 events" in told
    assert told.count("passed over") >= 4
    # named, a file that no format fits is an error, and the store stays as it was
    before = sorted(path.stat().st_size for path in (tmp_path / "s").rglob("*"))
    assert "no known log format fits" in pullstats("ingest", folder / "random.bin", "--store", tmp_path / "s", code=2).err
    assert sorted(path.stat().st_size for path in (tmp_path / "s").rglob("*")) == before


def test_a_decompression_bomb_stops_at_its_limit(tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(LINES)
        for _ in range(40):
            file.write(bytes(1 << 20))
    nested = tmp_path / "nested.gz"
    nested.write_bytes(gzip.compress(path.read_bytes()))
    for bomb in (path, nested):
        summary = take_in(bomb, max_expanded="2MB", store=tmp_path / bomb.stem)
        assert summary.total("events") == 200
        assert any("raise --max-expanded" in note for note in summary.notes)
    assert run(["ingest", str(path), "--store", str(tmp_path / "x"), "--max-expanded", "much"]) == 2


def test_rejects_can_be_exported_with_their_place(tmp_path: Path, take_in: TakeIn) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(LINES + b"odd =1+1 \x1b[31m\n")
    take_in(path)
    header, row = pullstats("export", "--set", "rejects", "--format", "csv", "--store", tmp_path / "store").out.splitlines()
    assert header == "source,source_line,reason,line,source_offset"
    assert row == f"{path},201,format,odd =1+1 \\x1b[31m,{len(LINES)}"


def test_too_many_rejects_are_exit_3(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(LINES + b"odd\n" * 10)
    assert run(["ingest", str(path), "--store", str(tmp_path / "a"), "--max-bad", "10%"]) == 0
    assert run(["ingest", str(path), "--store", str(tmp_path / "b"), "--max-bad", "1%"]) == 3


def test_of_deep_json_what_lies_too_deep_is_left_out_and_what_is_none_rejected(tmp_path: Path, take_in: TakeIn) -> None:
    good = b'{"status":200,"remote_addr":"1.2.3.4","request":"GET / HTTP/1.1","time":"2024-01-01T00:00:00Z"}\n'
    deep = (
        b'{"status":200,"remote_addr":"1.2.3.4","request":"GET / HTTP/1.1","time":"2024-01-01T00:00:00Z","x":'
        + b'{"a":' * 100_000
        + b"1"
        + b"}" * 100_000
        + b"}\n"
    )
    path = tmp_path / "deep.json"
    path.write_bytes(good * 50 + deep + b'{"a":' * 100_000 + b"\n" + b"[" * 100_000 + b"\n" + good * 50)
    events, ignored, rejected = counts(take_in(path, is_dry_run=True))
    assert (events, ignored + rejected) == (101, 2)  # the whole object is read but for what it nests


def test_requests_that_cannot_be_read_are_events(tmp_path: Path, take_in: TakeIn) -> None:
    requests = [
        "\\x16\\x03\\x01\\x02",
        "",
        "-",
        "hello",
        "GET /x",
        "CONNECT host.example:443 HTTP/1.1",
        "GET http://host.example/a HTTP/1.1",
        "\\x22\\x5C []",
        "- http://www.example.com:80- -",  # docs.aws.amazon.com/elasticloadbalancing, of what was no request
    ]
    path = tmp_path / "odd.log"
    path.write_text("".join(f'1.2.3.4 - - [20/Jul/2009:22:59:29 +0000] "{request}" 400 0 "-" "-"\n' for request in requests))
    assert counts(take_in(path)) == (9, 0, 0)
    found = (
        open_store(tmp_path / "store")
        .scan_events(["http_request_method", "url_path", "url_domain", "parse_status", "source_line"])
        .collect()
        .sort("source_line")
    )
    assert found["http_request_method"].to_list() == [None, None, None, None, "GET", "CONNECT", "GET", None, None]
    assert found["url_path"].to_list() == [None, None, None, None, "/x", None, "/a", None, None]
    assert found["url_domain"].to_list() == [None, None, None, None, None, "host.example", "host.example", None, "www.example.com"]
    assert found.filter(pl.col("parse_status") == "partial").height == 6
