"""Every format and wrapper is measured, and on lines that are really its own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pullstats.clock import Clock
from pullstats.formats import FORMATS, Detection, LogFormat
from pullstats.pipeline.decoder import LogDecoder
from pullstats.sources import Block, LinesUnwrapper
from pullstats.sources.line_wrappers import WRAPPERS
from support.places import ROOT

BENCH = ROOT / "bench"
NAMELESS = ("docker-registry-proxy", "devpi", "gitea-1.15")
"""Formats whose lines name no client."""
LINES = [
    '203.0.113.9 - - [17/May/2025:00:01:08 +0000] "GET /npm/atlas-cinder?a=1 HTTP/1.1" 200 53087 "-" "npm/9.2.3 node/v22.19.1 linux x64"',
    '198.51.100.200 - - [17/May/2025:00:01:09 +0000] "HEAD /v2/demo/manifests/1.0 HTTP/2.0" 404 0 "https://example.org/a" "curl/8.5.0"',
    '2001:db8::1 - - [18/May/2025:23:59:59 +0000] "GET /dl/demo-1.0.zip HTTP/1.1" 200 999999 "-" "-"',
]


@pytest.fixture(scope="module", name="rewrite")
def _rewrite() -> Iterator[Any]:
    """`bench/rewrite.py`, imported the way running it as a script does."""
    sys.path.insert(0, str(BENCH))
    try:
        yield importlib.import_module("rewrite")
    finally:
        sys.path.remove(str(BENCH))


def rewritten(rewrite: Any, folder: Path, shape: str) -> Path:
    (folder / "base.log").write_text("".join(f"{line}\n" for line in LINES))
    assert rewrite.rewrite(folder / "base.log", folder / "shape.log", shape, 2) == 2 * len(LINES)
    return folder / "shape.log"


def read_as(log_format: LogFormat, path: Path) -> pl.DataFrame:
    """Read a log with one format alone."""
    data = path.read_bytes()
    log = LogDecoder(Detection((log_format.bind(data) if log_format.bind else log_format,), 1.0, {}))
    parsed = log.read(Block(data, 0))
    assert not parsed.rejects
    return pl.concat([reading.frame for reading in parsed.readings], how="diagonal")


def test_every_format_is_written_as_it_is_read(rewrite: Any, tmp_path: Path) -> None:
    for name in (shape for shape in rewrite.shapes() if "+" not in shape):
        frame = read_as(FORMATS[name], rewritten(rewrite, tmp_path, name))
        assert frame.height == 2 * len(LINES), name
        named = frame["address"].drop_nulls().str.strip_chars("[]").str.contains("^(?:203.0.113.9|198.51.100.200|2001:db8::1)").sum()
        assert named == (0 if name in NAMELESS else frame.height), name
        assert frame["timestamp"].dt.date().n_unique() == 2, name
        assert frame["request"].str.contains("/npm/atlas-cinder", literal=True).sum() == 2, name


def test_every_wrapper_is_written_as_it_comes_off(rewrite: Any, tmp_path: Path) -> None:
    for wrapper in WRAPPERS:
        path = rewritten(rewrite, tmp_path, f"{wrapper.name}+nginx-combined")
        messages = LinesUnwrapper((wrapper,), Clock()).unwrap(Block(path.read_bytes(), 0)).messages["message"]
        held = sum(int(messages.str.contains(text, literal=True).sum()) for text in (LINES[1], '{"message": '))
        assert held in (2, 6), wrapper.name
