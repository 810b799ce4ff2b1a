"""Nothing a stranger wrote reaches a sink unescaped; tables fit; machine formats parse back."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pullstats.errors import UserError
from pullstats.render import RENDERERS, RenderOptions, format_of_path, render, write_frames, write_output
from pullstats.render.drafts import draft
from pullstats.render.sanitise import HIDDEN, for_csv, for_html
from pullstats.reports import Column, Report
from support.effort import examples
from support.places import DATA

# One JSON object a line; what each sink must and must not hold. Licence: this project's.
HOSTILE = [json.loads(line) for line in (DATA / "hostile_inputs.jsonl").read_text().splitlines()]
TEXTS = [case for case in HOSTILE if case["where"] in {"user_agent", "path", "referer"} and case["bytes"] and "format" not in case]


def report_of(values: list[Any], name: str = "agent") -> Report:
    frame = pl.DataFrame({name: pl.Series(values, dtype=pl.String), "requests": list(range(1, len(values) + 1))})
    columns = (Column(name, name, "dimension"), Column("requests", "requests", "count", additive=True, bar=True))
    return Report(frame, columns, footer="window all (UTC)", meta={"window": "all"})


def decoded(case: dict[str, Any]) -> str:
    return str(case["bytes"]).encode("latin-1").decode("utf-8", "backslashreplace")


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: case["id"])
def test_hostile_texts_end_as_demanded(case: dict[str, Any]) -> None:
    value = decoded(case)
    report, options = report_of([value]), RenderOptions(width=400)
    sinks = {"terminal": "table", "csv": "csv", "markdown": "md", "json": "json"}
    outputs = {sink: str(render(report, name, options)) for sink, name in sinks.items()} | {"html": for_html(value)}
    for sink, output in outputs.items():
        raw = output.encode().decode("latin-1")
        for forbidden in case["must_not"].get(sink, ()):
            rows = raw.split("\n") if forbidden in {"\n", "\r"} else [raw]
            assert all(forbidden not in row for row in rows), (sink, forbidden)
        if sink in case.get("must", {}) and sink in {"terminal", "csv", "html", "markdown"}:
            assert case["must"][sink].strip() in output, (sink, case["must"][sink], output)


@examples(200)
@given(st.lists(st.text(max_size=30) | st.none(), max_size=5))
def test_any_text_is_safe_and_parses_back(values: list[str | None]) -> None:
    values = [value.encode("utf-8", "backslashreplace").decode() if value is not None else None for value in values]
    report = report_of(values)
    table = str(render(report, "table", RenderOptions(width=90)))
    assert not re.search(f"[{HIDDEN}]", table.replace("\n", ""))
    rows = list(csv.reader(io.StringIO(str(render(report, "csv", RenderOptions())))))
    assert len(rows) == len(values) + 1
    assert all(len(row) == 2 for row in rows)
    text = str(render(report, "json", RenderOptions()))
    assert text.isascii()
    assert [row["agent"] for row in json.loads(text)] == values
    lines = str(render(report, "ndjson", RenderOptions())).splitlines()
    assert all(line.isascii() for line in lines)
    assert [json.loads(line)["agent"] for line in lines] == values


WIDE = st.text(st.characters(categories=("Lo", "Ll", "Mn", "So")) | st.sampled_from("漢字パッケージ한국어e\u0301"), min_size=1, max_size=40)


@examples(60)
@given(st.lists(WIDE, min_size=1, max_size=4), st.sampled_from([40, 60, 80]))
def test_names_of_any_width_fit_and_cut_no_number(names: list[str], width: int) -> None:
    """A terminal counts columns, not letters: a letter of Chinese takes two."""
    frame = pl.DataFrame({"agent": names, "requests": [123456789 + place for place in range(len(names))]})
    columns = (Column("agent", "agent", "dimension"), Column("requests", "requests", "count", additive=True, bar=True))
    lines = str(render(Report(frame, columns), "table", RenderOptions(width=width))).splitlines()
    assert all(cell_len(line) <= width for line in lines)
    assert [f"{count:,}" for count in frame["requests"]] == re.findall(r"123,456,7[0-9]{2}", "\n".join(lines))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_fits_its_width_and_cuts_no_number(width: int) -> None:
    report = report_of(["mozilla/" + "x" * 300, "docker", None])
    lines = str(render(report, "table", RenderOptions(width=width))).splitlines()
    assert all(len(line) <= width for line in lines)
    text = "\n".join(lines)
    assert "…" in text
    assert "unknown" in text
    assert lines[-1] == "window all (UTC)"
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [40, 60, 100])
def test_what_is_too_wide_is_drawn_as_several_tables(width: int) -> None:
    """Twelve columns of numbers: each stands whole under its heading, beside the name of its row."""
    names = [f"downloads some-rule@{number}" for number in range(12)]
    frame = pl.DataFrame({"package": ["acme/app", None]} | {name: [10**6 + place, None] for place, name in enumerate(names)})
    columns = (
        Column("package", "package", "dimension"),
        *(Column(name, name, "count", additive=True, bar=not place) for place, name in enumerate(names)),
    )
    text = str(render(Report(frame, columns, footer="window all (UTC)"), "table", RenderOptions(width=width)))
    assert all(len(line) <= width for line in text.splitlines())
    assert [number for number in range(12) if f"{10**6 + number:,}" not in text] == []
    assert all(f"some-rule@{number}" in text for number in range(12))
    tables = text.count("acme/app")
    assert tables > 1
    assert text.count("unknown") == text.count("package") == tables


@pytest.mark.parametrize("width", [40, 60, 80])
def test_texts_alone_that_are_too_wide_are_drawn_as_several_tables(width: int) -> None:
    names = ["time", "method", "path", "pace", "status", "package", "version"]
    values = ["2025-05-18 01:16", "OPTIONS", "/v2/acme/svc01", "● 120 s", "304", "acme/svc01", "v1.22.333-rc4"]
    columns = tuple(Column(name, name, "time" if name == "time" else "text") for name in names)
    shown = str(render(Report(pl.DataFrame([values], schema=names, orient="row"), columns), "table", RenderOptions(width=width)))
    assert [text for text in (*names, *values) if text not in shown] == []
    assert max(cell_len(line) for line in shown.splitlines()) <= width


def test_kinds_of_columns() -> None:
    frame = pl.DataFrame(
        {
            "origin_id": [511],
            "count": [1234567],
            "size": [1_234_567_890],
            "part": [0.1234567],
            "seen": [datetime(2026, 11, 23, 23, 35, 37, tzinfo=UTC)],
            "line": [[0, 4, 8]],
        },
    )
    kinds = {"origin_id": "dimension", "count": "count", "size": "bytes", "part": "share", "seen": "time", "line": "spark"}
    report = Report(frame, tuple(Column(name, name, kind) for name, kind in kinds.items()))  # type: ignore[arg-type]
    table = str(render(report, "table", RenderOptions(width=120)))
    for shown in ("1,234,567", "1.2 GB", "12.3 %", "2026-11-23 23:35", "▁▅█"):
        assert shown in table, shown
    row = json.loads(str(render(report, "json", RenderOptions())))[0]
    assert row == {"origin_id": "00000000000001ff", "count": 1234567, "size": 1234567890, "part": 0.123457, "seen": "2026-11-23T23:35:37+00:00"}
    assert pl.read_parquet(io.BytesIO(render(report, "parquet", RenderOptions())))["count"].to_list() == [1234567]  # type: ignore[arg-type]


def test_meta_wraps_json() -> None:
    found = json.loads(str(render(report_of(["a"]), "json", RenderOptions(meta=True))))
    assert found == {"rows": [{"agent": "a", "requests": 1}], "meta": {"window": "all"}}


@pytest.mark.parametrize("name", list(RENDERERS))
def test_an_empty_report_still_has_its_header(name: str) -> None:
    output = render(report_of([]), name, RenderOptions())
    if name in {"table", "csv", "md"}:
        assert "requests" in str(output)
    if name == "table":
        assert "no rows" in str(output)


def test_a_file_is_replaced_in_one_piece(tmp_path: Path) -> None:
    target = tmp_path / "daily.csv"
    target.write_text("old")
    target.chmod(0o640)
    write_output("new\n", target)
    assert target.read_text() == "new\n"
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_export_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "events.csv"
    target.write_text("old")

    def frames() -> Any:
        yield pl.DataFrame({"a": ["1"]})
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="no space left"):
        write_frames(frames(), "csv", target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["csv", "ndjson", "parquet"])
def test_batches_make_one_file(name: str, tmp_path: Path) -> None:
    target = tmp_path / f"events.{name}"
    write_frames((pl.DataFrame({"n": [number], "t": ["=é"]}) for number in range(3)), name, target)
    if name == "csv":
        assert target.read_text() == "n,t\n0,'=é\n1,'=é\n2,'=é\n"
    elif name == "ndjson":
        assert [json.loads(line) for line in target.read_text().splitlines()] == [{"n": number, "t": "=é"} for number in range(3)]
    else:
        assert pl.read_parquet(target)["n"].to_list() == [0, 1, 2]


def test_a_folder_or_an_unknown_ending_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        write_output("x", tmp_path)
    with pytest.raises(UserError, match="names no format"):
        format_of_path(Path("report.xyz"))
    assert format_of_path(Path("a.CSV")) == "csv"


def test_a_killed_exports_draft_is_swept_by_the_next(tmp_path: Path) -> None:
    target = tmp_path / "daily.csv"
    code = (
        "import os, signal, sys; from pathlib import Path; from pullstats.render import write_frames\n"
        "def frames():\n    yield __import__('polars').DataFrame({'a': [1]})\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_frames(frames(), 'csv', Path(sys.argv[1]))"
    )
    for _ in range(2):
        killed = subprocess.run([sys.executable, "-c", code, str(target)], check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        assert killed.returncode == -signal.SIGKILL
        assert len(list(tmp_path.iterdir())) == 1
    write_output("whole\n", target)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("daily.csv", "whole\n")]


def test_two_exports_to_one_file_do_not_write_into_each_others_draft(tmp_path: Path) -> None:
    target = tmp_path / "daily.csv"
    with draft(target, 0o640) as first:
        first.write(b"first")
        write_output("second", target)
        assert target.read_text() == "second"
        first.write(b" and last")
    assert [(path.name, path.read_text(), path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [("daily.csv", "first and last", 0o640)]


@pytest.mark.parametrize("text", ["-5", "+3.5", "-1e3", "@acme/tool", "@a.b-c_d/e~f", "12"])
def test_numbers_and_scoped_packages_are_no_formulas(text: str) -> None:
    assert for_csv(text) == text


@pytest.mark.parametrize("text", ["@acme", "@acme/tool/x", "@Acme/tool", "@acme/tool(1)", "-5+cmd", "+1 ", "@SUM(1)/a", "-", "=5", "-5\n", "@a/b\n"])
def test_what_only_begins_like_a_number_or_a_package_is_guarded(text: str) -> None:
    assert for_csv(text).startswith("'")


def test_shares_are_percentages_in_markdown_and_nan_leaves_nowhere() -> None:
    frame = pl.DataFrame({"n": [1, 2], "s": [0.25, float("nan")], "c": [-0.5, None]})
    report = Report(frame, (Column("n", "n", "count"), Column("s", "share", "share"), Column("c", "change", "change")))
    options = RenderOptions()
    assert render(report, "md", options) == "| n | share | change |\n| --- | --- | --- |\n| 1 | 25.0 % | -50.0 % |\n| 2 |  |  |\n"
    assert json.loads(render(report, "json", options))[1] == {"n": 2, "s": None, "c": None}
    for form in ("csv", "ndjson", "table"):
        assert "nan" not in str(render(report, form, options)).lower()
    shown = render(report, "parquet", options)
    assert isinstance(shown, bytes)
    assert pl.read_parquet(shown)["s"].to_list() == [0.25, None]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_rows_that_cutting_would_make_alike_are_told_apart(width: int) -> None:
    paths = [f"/pool/main/l/linux/{'x' * 60}/{middle}/{'y' * 60}.deb" for middle in "abc"]
    told = str(render(report_of(paths, "path"), "table", RenderOptions(width=width)))
    folded = "".join(line.strip() for line in told.splitlines())
    assert all(f"/{middle}/" in folded for middle in "abc")
    assert "…" not in told
    assert all(cell_len(line) <= width for line in told.splitlines())


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_sentence_has_room_and_no_number_leaves_its_per_cent_sign(width: int) -> None:
    text = "asked for the same tag every five minutes, day and night, and took what was new to it"
    frame = pl.DataFrame({"who": ["somebody"] * 2, "requests": [1, 2], "downloads": [3, 4], "origins": [5, 6], "evidence": [text] * 2})
    counts = [Column(name, name, "count", bar=name == "requests") for name in ("requests", "downloads", "origins")]
    columns = (Column("who", "who", "dimension"), *counts, Column("evidence", "evidence", "prose"))
    shares = "; ".join(f"{number}.5 % of all" for number in range(40))
    drawn = render(Report(frame, columns, headline=shares, footer=shares), "table", RenderOptions(width=width))
    assert isinstance(drawn, str)
    lines = drawn.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert not any(line.endswith(".5") or line.startswith("%") for line in lines)
    assert drawn.count(".5 %") == 80
    broken = [line for line in lines if line.startswith("somebody")]
    assert min(len(line.split("   ")[-1]) for line in broken if "asked for" in line) >= min(24, width * 3 // 10) - 8  # a word less
    assert all("asked for the same" in line for line in broken if "asked" in line)
