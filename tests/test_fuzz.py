"""What fuzzing kept: every input of the corpus, and every seed, is read without a fault."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[1] / "fuzz"
sys.path.insert(0, str(FUZZ))

from targets import SEEDS, TARGETS  # noqa: E402 - from the folder above


@pytest.mark.parametrize("name", TARGETS)
def test_the_kept_corpus_is_read(name: str) -> None:
    folder = FUZZ / "corpus" / name
    inputs = [*SEEDS.get(name, []), b"", *(path.read_bytes() for path in sorted(folder.glob("*")))]
    for data in inputs:
        TARGETS[name](data)
