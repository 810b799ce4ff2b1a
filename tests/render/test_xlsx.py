"""A workbook holds the rows as what they are, and nothing in it can be run."""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from pullstats.errors import UsageError
from pullstats.render import RenderOptions, render, xlsx
from pullstats.render.sanitise import HIDDEN
from pullstats.reports import Column, Report
from support.command import pullstats
from support.places import DATA

DAY = datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None)
TEXTS = [
    str(case["bytes"]).encode("latin-1").decode("utf-8", "backslashreplace")
    for case in map(json.loads, (DATA / "hostile_inputs.jsonl").read_text().splitlines())
    if case["where"] in {"user_agent", "path", "referer"} and case["bytes"] and "format" not in case
]
TEXTS += ["=1+1", "@SUM(A1)", "-2+3", "https://example.test/", "mailto:a@example.test", "internal:Sheet2!A1", "0012", "_x0041_", "TRUE"]


def write(report: Report) -> bytes:
    return bytes(render(report, "xlsx", RenderOptions()))  # type: ignore[arg-type]


def read(data: bytes, sheet: str = "rows") -> list[tuple[Any, ...]]:
    return [tuple(cell.value for cell in row) for row in openpyxl.load_workbook(io.BytesIO(data))[sheet].iter_rows()]


def test_a_text_is_a_text_whatever_it_says() -> None:
    frame = pl.DataFrame({"client": TEXTS, "requests": range(len(TEXTS))})
    data = write(Report(frame, (Column("client", "client", "dimension"), Column("requests", "requests", "count")), footer="=1+1"))
    book = openpyxl.load_workbook(io.BytesIO(data))
    cells = [cell for row in book["rows"].iter_rows(min_row=2) for cell in row]
    assert {cell.data_type for cell in cells if cell.column == 1} == {"s"}
    assert {cell.data_type for cell in cells if cell.column == 2} == {"n"}
    assert not [cell for cell in cells if cell.hyperlink]
    assert {cell.data_type for row in book["about"].iter_rows() for cell in row} == {"s"}
    files = zipfile.ZipFile(io.BytesIO(data))
    parts = "".join(files.read(name).decode() for name in files.namelist())
    assert not re.search(r"<f>|<hyperlink|TargetMode=\"External\"", parts)
    assert not re.search(f"[{HIDDEN}]", parts.replace("\n", "").replace("\r", ""))


def test_values_are_what_they_are() -> None:
    moment = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "date": [date(2026, 11, 1), date(2026, 11, 2)],
            "seen": [moment, None],
            "requests": [12, 10**15],
            "part": [0.25, float("nan")],
            "is_ci": [True, None],
            "origin_id": [255, None],
        }
    )
    kinds = {"date": "dimension", "seen": "time", "requests": "count", "part": "share", "is_ci": "dimension", "origin_id": "bucket"}
    report = Report(frame, tuple(Column(name, name, kind) for name, kind in kinds.items()), meta={"window": {"label": "7d"}, "warnings": ["a", "b"]})  # type: ignore[arg-type]
    assert read(write(report)) == [
        tuple(kinds),
        (DAY, moment.replace(tzinfo=None), 12, 0.25, True, "00000000000000ff"),
        (DAY + timedelta(days=1), None, "1000000000000000", None, None, None),
    ]
    assert read(write(report), "about") == [("what", "value"), ("window.label", "7d"), ("warnings", "a"), ("warnings", "b")]
    assert write(report) == write(report)


def test_a_report_gives_its_rows(sample_store: Path, tmp_path: Path) -> None:
    words = ("report", "--by", "package,client", "--metric", "downloads,last-seen", "--window", "all", "--store", sample_store)
    pullstats(*words, "-o", tmp_path / "a.xlsx")
    rows = read((tmp_path / "a.xlsx").read_bytes())[1:]
    told = pullstats(*words, "--format", "json").rows
    assert [row[:3] for row in rows] == [(row["package"], row["client"], row["downloads"]) for row in told]
    pullstats("export", "--set", "daily", "-o", tmp_path / "daily.xlsx", "--store", sample_store)
    assert all(isinstance(row[1], datetime) for row in read((tmp_path / "daily.xlsx").read_bytes())[1:])


def test_what_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report(pl.DataFrame({"n": [1, 2, 3]}), (Column("n", "n", "count"),))
    monkeypatch.setattr(xlsx, "ROWS", 2)
    with pytest.raises(UsageError, match="a sheet holds 2 rows"):
        write(report)
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(UsageError, match=r"pip install 'pullstats\[xlsx\]'"):
        write(report)
