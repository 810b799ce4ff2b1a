"""What fuzzing kept: inputs of the corpus and seeds are read without a fault; all of them in a soak."""

from __future__ import annotations

import sys

import pytest

from support.effort import some
from support.places import ROOT

FUZZ = ROOT / "fuzz"
sys.path.insert(0, str(FUZZ))

from targets import SEEDS, TARGETS  # noqa: E402 - from the folder above


@pytest.mark.parametrize("name", TARGETS)
def test_the_kept_corpus_is_read(name: str) -> None:
    folder = FUZZ / "corpus" / name
    kept = [path.read_bytes() for path in sorted(folder.glob("*"))]
    for data in [b"", *some(SEEDS.get(name, [])), *some(kept, 40)]:
        assert TARGETS[name](data) is None, "a target raises where a reader is at fault"
