"""Percentages have one spelling, and never say nothing or all of what is neither."""

from __future__ import annotations

import html
import json
import random
import re

import polars as pl
import pytest

from pullstats.percentages import round_share, write_change, write_level, write_share
from pullstats.render import RenderOptions, render
from pullstats.reports import Column, Report
from support.places import ROOT


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0, "0.0 %"),
        (1e-9, "< 0.1 %"),
        (0.000_499, "< 0.1 %"),
        (0.000_5, "0.1 %"),
        (0.123_4, "12.3 %"),
        (0.999_4, "99.9 %"),
        (0.999_8, "> 99.9 %"),
        (1, "100.0 %"),
    ],
)
def test_shares(share: float, expected: str) -> None:
    assert write_share(share) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (0, "+0.0 %"),
        (0.000_4, "< +0.1 %"),
        (-0.000_4, "> -0.1 %"),
        (1.5, "+150.0 %"),
        (-0.25, "-25.0 %"),
        (-0.999_8, "< -99.9 %"),
        (-1, "-100.0 %"),
        (0.999_8, "+100.0 %"),
    ],
)
def test_changes(change: float, expected: str) -> None:
    """Twice as much is no end, as nothing left is: only a fall has one."""
    assert write_change(change) == expected


def test_nothing_and_all_are_only_said_of_nothing_and_all() -> None:
    """For any part of any whole: the text is true to half a tenth, and an end is told where it is reached, in every format."""
    chance = random.Random(1)
    pairs = [(part, whole) for whole in (1, 2, 3, 999, 10**7) for part in {0, 1, whole - 1, whole, chance.randrange(whole + 1)}]
    for part, whole in pairs:
        share = part / whole
        text = write_share(share)
        assert (text == "0.0 %") == (part == 0)
        assert (text == "100.0 %") == (part == whole)
        assert (round_share(share) in {0, 1}) == (part in {0, whole})
        found = re.fullmatch(r"([<>] )?([0-9.]+) %", text)
        assert found is not None
        edge = float(found[2]) / 100
        assert share < edge if found[1] == "< " else share > edge if found[1] else abs(share - edge) <= 0.000_5 + 1e-12
    frame = pl.DataFrame({"part": [part for part, _ in pairs], "share": [part / whole for part, whole in pairs]})
    report = Report(frame, (Column("part", "part", "count"), Column("share", "share", "share")))
    told = [row["share"] for row in json.loads(str(render(report, "json", RenderOptions())))]
    assert told == [round_share(part / whole) for part, whole in pairs]
    for name in ("table", "md"):
        shown = html.unescape(str(render(report, name, RenderOptions())).replace("\\", ""))
        assert all(write_share(share) in shown for share in frame["share"])


def test_what_was_set_is_as_short_as_it_is() -> None:
    assert [write_level(share) for share in (0.05, 0.5, 0.995, 1)] == ["5 %", "50 %", "99.5 %", "100 %"]


def test_nobody_writes_percentages_by_hand() -> None:
    """All of them come from one place, so that all read alike."""
    by_hand = re.compile(r"\{[^{}]*:[+,]*\.[0-9]%\}|\* 100:|100 \*.{1,20}%")
    files = [path for path in (ROOT / "pullstats").rglob("*.py") if path.name != "percentages.py"]
    assert files
    assert [str(path) for path in files if by_hand.search(path.read_text(encoding="utf-8"))] == []
