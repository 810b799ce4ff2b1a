"""The detection matrix: each sample log is known for what it is, whatever was looked at before it, and none is sure of what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pullstats.formats import FORMATS
from pullstats.pipeline.check import check_logs
from support.case_files import load_cases
from support.effort import some
from support.places import TESTS

WANTED: dict[str, str] = load_cases("detection", {"formats"})[0][1]["formats"]
REJECT = "reject"
LINES = 30


def test_every_sample_is_known_for_what_it_is() -> None:
    wanted = dict(some(WANTED.items()))
    names = sorted(wanted, key=lambda name: (len(name) % 7, name))  # so that unlike logs stand side by side
    checks, notes = check_logs([str(TESTS / name) for name in names], list(FORMATS.values()), LINES)
    assert not notes
    found = {name: (check.format or REJECT, check.confidence) for name, check in zip(names, checks, strict=True)}
    assert {name: answer for name, (answer, _) in found.items()} == wanted
    assert {name: sure for name, (answer, sure) in found.items() if answer == REJECT and sure} == {}


EMPTY = {
    "records.json": ('{"records":[]}', None, 0.0),
    "entries.json": ('{"entries":[],"nextPageToken":"x"}', None, 0.0),
    "array.json": ("[]", None, 0.0),
    "header.csv": ("time,client_ip,method,path,status\n", "csv", 0.0),
    "row.csv": ("time,client_ip,method,path,status\n2024-01-02T03:04:05Z,198.51.100.1,GET,/a.tar.gz,200\n", "csv", 1.0),
    "odd.csv": ("time,client_ip,method,path,status\n2024-01-02T03:04:05Z,198.51.100.1,GET,/a.tar.gz,200\na,b,c,d,e\n", "csv", 0.5),
}


@pytest.mark.parametrize("name", EMPTY)
def test_what_says_nothing_makes_no_format_sure_or_unsure(name: str, tmp_path: Path) -> None:
    text, wanted, sure = EMPTY[name]
    (tmp_path / name).write_text(text)
    (check,), _ = check_logs([str(tmp_path / name)], list(FORMATS.values()), LINES)
    assert (check.format, check.confidence) == (wanted, sure)
