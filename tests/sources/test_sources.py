"""Files, folders and streams become blocks of whole lines, without gaps and within bounds."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from pullstats.errors import InputError
from pullstats.sources import Block, SourceFile, expand_paths, open_source, read_blocks
from pullstats.sources.framing import LINE_LIMIT

LINES = b"".join(b"line %d %s\n" % (number, b"x" * (number % 70)) for number in range(2000))

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gz": gzip.compress,
    "gz-members": lambda data: gzip.compress(data[:500]) + gzip.compress(data[500:]),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
    "zst-frames": lambda data: zstd.compress(data[:500]) + zstd.compress(data[500:]),
}


def blocks_of(path: Path, size: int = 1 << 20, offset: int = 0) -> tuple[list[Block], str | None]:
    with open_source(SourceFile(path, is_named=True)) as source:
        if offset:
            source.seek(offset)
        return list(read_blocks(source, offset, size)), source.damage


@pytest.mark.parametrize("kind", COMPRESSORS)
@pytest.mark.parametrize("size", [64, 1000, 1 << 20])
def test_every_compression_gives_the_same_lines_by_content(tmp_path: Path, kind: str, size: int) -> None:
    path = tmp_path / "access.log.lies"
    path.write_bytes(COMPRESSORS[kind](LINES))
    blocks, damage = blocks_of(path, size)
    assert damage is None
    assert b"".join(block.data for block in blocks) == LINES
    assert all(block.data.endswith(b"\n") for block in blocks)
    assert [block.offset for block in blocks[1:]] == [block.end for block in blocks[:-1]]
    assert sum(block.count_lines() for block in blocks) == 2000


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_a_cut_file_keeps_what_is_whole(tmp_path: Path, kind: str) -> None:
    data = random.Random(5).randbytes(400_000).hex().encode().replace(b"0", b"\n")
    whole = COMPRESSORS[kind](data)
    path = tmp_path / "cut.log"
    path.write_bytes(whole[: len(whole) // 2])
    blocks, _ = blocks_of(path)
    kept = b"".join(block.data for block in blocks)
    assert data.startswith(kept)
    assert kept or kind in ("bz2", "xz", "zst")


def test_a_cut_gzip_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(LINES)[:-40])
    _, damage = blocks_of(path)
    assert damage == "the gz data ends early or is damaged"


def test_an_unfinished_line_waits_in_a_plain_file_and_counts_in_a_compressed_one(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.log", tmp_path / "a.log.gz"
    plain.write_bytes(b"one\ntwo\nthr")
    packed.write_bytes(gzip.compress(b"one\ntwo\nthr"))
    assert b"".join(block.data for block in blocks_of(plain)[0]) == b"one\ntwo\n"
    assert b"".join(block.data for block in blocks_of(packed)[0]) == b"one\ntwo\nthr"


def test_reading_goes_on_from_an_offset(tmp_path: Path) -> None:
    for name, data in (("a.log", LINES), ("a.gz", gzip.compress(LINES))):
        path = tmp_path / name
        path.write_bytes(data)
        start = LINES.index(b"line 700")
        blocks, _ = blocks_of(path, 512, start)
        assert b"".join(block.data for block in blocks) == LINES[start:]
        assert blocks[0].offset == start


def test_a_line_over_the_limit_is_not_held_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    path.write_bytes(b"first\n" + b"a" * (3 * LINE_LIMIT) + b"\nlast\n")
    blocks, _ = blocks_of(path, 1 << 20)
    long = [line for block in blocks for line in block.long_lines]
    assert [(line.offset, line.line, line.length) for line in long] == [(6, 1, 3 * LINE_LIMIT + 1)]  # the first of its block
    assert b"".join(block.data for block in blocks) == b"first\nlast\n"
    assert sum(block.count_lines() for block in blocks) == 3


def test_folders_globs_and_repetitions(tmp_path: Path) -> None:
    (tmp_path / "logs" / "deep").mkdir(parents=True)
    (tmp_path / "store").mkdir()
    for name in ("logs/b.log", "logs/a.log", "logs/deep/c.log.gz", "logs/.hidden", "store/x"):
        (tmp_path / name).write_text("x\n")
    (tmp_path / "logs" / "link.log").symlink_to(tmp_path / "logs" / "a.log")
    os.mkfifo(tmp_path / "logs" / "pipe.log")
    found = expand_paths([str(tmp_path), str(tmp_path / "logs" / "*.log")], exclude=tmp_path / "store")
    assert [file.path.name for file in found.files if file.path] == ["a.log", "b.log", "c.log.gz"]
    assert any("pipe.log: not a regular file" in note for note in found.notes)
    assert any("read once" in note for note in found.notes)


@pytest.mark.parametrize("argument", ["/nowhere/access.log", "/nowhere/*.log"])
def test_a_path_that_is_not_there_is_an_error(argument: str) -> None:
    with pytest.raises(InputError, match=r"no (such )?file"):
        expand_paths([argument])
