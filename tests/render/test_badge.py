"""A number as a badge: what stands in it is the report's, and no text is more than text."""

from __future__ import annotations

import json
import unicodedata
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from pullstats.errors import UsageError
from pullstats.render.badge import COLORS, Badge, read_color, render_endpoint, render_svg, write_short
from pullstats.reports import Column
from support.command import pullstats
from support.places import DATA

SVG: Final = "{http://www.w3.org/2000/svg}"
HOSTILE: Final = [json.loads(line)["bytes"] for line in (DATA / "hostile_inputs.jsonl").read_text().splitlines()]


def read_svg(text: str) -> tuple[str, list[str]]:
    """Read an SVG's name and its texts; nothing else may be in it."""
    root = ET.fromstring(text)  # noqa: S314 - it is our own
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {"svg", "title", "clipPath", "rect", "g", "text"}
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name or name == "style"]
    return root.findtext(f"{SVG}title") or "", [element.text or "" for element in root.iter(f"{SVG}text")]


def test_a_badge_says_the_number_of_the_report(sample_store: Path, tmp_path: Path) -> None:
    asked = ("--store", sample_store, "--window", "all")
    for metric in ("downloads", "bytes", "error-rate", "last-seen"):
        row = pullstats("report", "--by", "", "--metric", metric, "--format", "json", *asked).rows[0]
        badge = pullstats("badge", "--metric", metric, *asked).rows
        value = next(iter(row.values()))
        shown = str(value)[:10] if metric == "last-seen" else write_short(value, Column(metric, metric, KINDS.get(metric, "count")))  # type: ignore[arg-type]
        assert badge == {"schemaVersion": 1, "label": badge["label"], "message": shown, "color": "blue"}
    pullstats("badge", *asked, "-o", tmp_path / "b.svg", "--label", "pulls", "--color", "4c1")
    title, texts = read_svg((tmp_path / "b.svg").read_text())
    downloads = pullstats("badge", *asked).rows["message"]
    assert (title, texts) == (f"pulls: {downloads}", ["pulls", downloads])


KINDS: Final = {"bytes": "bytes", "error-rate": "share"}


def test_no_data_and_too_few_are_said_and_never_0(sample_store: Path) -> None:
    said = pullstats("badge", "--store", sample_store, "--window", "2031-01-01..2031-02-01", code=4)
    assert said.rows["message"] == "no data"
    hidden = pullstats("badge", "--store", sample_store, "--window", "all", "--min-origins", "100000")
    assert hidden.rows["message"] == "fewer than 100000 endpoints"
    assert pullstats("badge", "--store", sample_store, "--window", "all", "--where", "status=404").rows["message"] == "0"


def test_a_relative_window_is_never_moved(sample_store: Path) -> None:
    """The report counts back from the newest event where today has none; a badge would then go on showing an old number."""
    said = pullstats("badge", "--store", sample_store, "--window", "1d", "--as-of", "2031-05-01", code=4)
    assert said.rows["message"] == "no data"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (9_994, "9.99k"),
        (12_345, "12.3k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (10**9, "1G"),
    ],
)
def test_counts_have_three_digits(value: int, shown: str) -> None:
    assert write_short(value, Column("n", "n", "count")) == shown


@pytest.mark.parametrize("text", [*HOSTILE, "]]>", "<script>alert(1)</script>", '" onload="x', "&amp;", "\ud800", "名前", "x" * 5000, ""])
def test_no_text_is_more_than_text(text: str) -> None:
    name, texts = read_svg(render_svg(Badge(text, "1")))
    assert name.endswith(": 1")
    assert texts[1] == "1"
    assert json.loads(render_endpoint(Badge(text, text)))["schemaVersion"] == 1
    assert {unicodedata.category(letter) for letter in texts[0]}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})


def test_text_is_read_on_every_colour() -> None:
    """WCAG's ratio of contrast, of text and what is behind it, is 3 at least, as for what is large or bold."""

    def light(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for name, color in COLORS.items():
        ink = render_svg(Badge("a", "b", name)).split("fill=")[-1][1:8]
        low, high = sorted((light(ink), light(color)))
        assert (high + 0.05) / (low + 0.05) >= 3, name


def test_a_colour_is_a_name_or_hexadecimal() -> None:
    assert [read_color(text) for text in ("red", "#4C1", "007ec6")] == ["red", "#4c1", "#007ec6"]
    for text in ("rouge", "#12345", 'red"', "url(x)", ""):
        with pytest.raises(UsageError, match="is no colour"):
            read_color(text)


def test_what_is_no_badge_is_said(sample_store: Path, tmp_path: Path) -> None:
    for words, text in (
        (("--metric", "downloads,bytes"), "one number"),
        (("--count-as", "pullstats@2,docker-hub@1"), "one number"),
        (("-o", tmp_path / "b.png"), "names no badge"),
        (("-o", tmp_path / "none" / "b.svg"), "cannot write"),
        (("--color", "x"), "is no colour"),
    ):
        assert text in pullstats("badge", "--store", sample_store, "--window", "all", *words, code=2).err


def test_times_are_days() -> None:
    value: Any = datetime(2026, 5, 4, 23, tzinfo=UTC)
    assert write_short(value, Column("t", "t", "time")) == "2026-05-04"


def test_one_package_is_told_whatever_stands_in_its_name(sample_store: Path) -> None:
    asked = ("--store", sample_store, "--window", "all")
    rows = pullstats("report", "--metric", "downloads", "--limit", "1", "--no-other", "--format", "json", *asked).rows
    said = pullstats("badge", "--package", rows[0]["package"], *asked).rows
    assert (said["label"], said["message"]) == (f"{rows[0]['package']} downloads", str(rows[0]["downloads"]))
    both = pullstats("badge", "--package", rows[0]["package"], "--where", "status=404 or status=403", *asked, code=(0, 4)).rows
    assert both["message"] in {"0", "no data"}
    for text in ('a" or status=200 or package="b', "\\", "x'y", "(", ""):
        assert pullstats("badge", "--package", text, *asked, code=4).rows["message"] == "no data"
