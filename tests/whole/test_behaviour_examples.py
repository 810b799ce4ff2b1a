"""The page of examples holds what `behaviour` says of a made-up world, and is the same whatever key made the ids."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pullstats.metrics.vocabulary import CLASSES
from support.labelled.world import WORLDS
from support.places import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import behaviour_examples

WORLD = replace(WORLDS[0].smaller(0.02, 4), log_gaps=0)


def test_a_page_is_the_same_whatever_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / name / "config"))
        pages.append(behaviour_examples.write_page(WORLD, tmp_path / name))
    assert pages[0] == pages[1]
    heads = re.findall("^## (.*)$", pages[0], re.MULTILINE)
    assert heads == [name for name in CLASSES if name in heads]
    assert {"production", "ci", "mirror", "updater"} <= set(heads)
    assert not re.search(r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b", re.sub(r"/v2/\S*|/\S*", "", pages[0]))


def test_the_page_tells_three_of_each_class_with_evidence_and_requests() -> None:
    page = (ROOT / "docs" / "behaviour-examples.md").read_text(encoding="utf-8")
    for section in page.split("\n## ")[1:]:
        name, *examples = re.split(r"\n\*\*", section)
        assert len(examples) == 3, name
        for text in examples:
            assert f": {name.strip()}, score " in text
            assert re.search(r"^- ", text, re.MULTILINE)
            assert re.search(r"^    \w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d .* → \d{3}$", text, re.MULTILINE)
    assert [part.split("\n")[0] for part in page.split("\n## ")[1:]] == list(CLASSES)
