"""The detection matrix: each sample log is known for what it is, whatever was looked at before it, and none is sure of what is none."""

from __future__ import annotations

from pathlib import Path

from case_files import load_cases

from pullstats.formats import FORMATS
from pullstats.pipeline.check import check_logs

ROOT = Path(__file__).parent
WANTED: dict[str, str] = load_cases("detection", {"formats"})[0][1]["formats"]
REJECT = "reject"
LINES = 30


def test_every_sample_is_known_for_what_it_is() -> None:
    names = sorted(WANTED, key=lambda name: (len(name) % 7, name))  # so that unlike logs stand side by side
    checks, notes = check_logs([str(ROOT / name) for name in names], list(FORMATS.values()), LINES)
    assert not notes
    found = {name: (check.format or REJECT, check.confidence) for name, check in zip(names, checks, strict=True)}
    assert {name: answer for name, (answer, _) in found.items()} == WANTED
    assert {name: sure for name, (answer, sure) in found.items() if answer == REJECT and sure} == {}
