"""The examples in docstrings are what their functions give."""

from __future__ import annotations

import doctest
import importlib

import pytest

from support.places import ROOT

WITH_EXAMPLES = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for path in (ROOT / "pullstats").rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_are_true(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), report=True)
    assert found.attempted > 0
    assert found.failed == 0


def test_every_stage_shows_examples() -> None:
    stages = {name.split(".")[1] for name in WITH_EXAMPLES}
    assert {"sources", "enrich", "metrics", "render"} <= stages
