"""A filter that names what no event has is told by every question, for its answer of nothing may be a slip of the pen."""

from __future__ import annotations

from typing import Any

import pytest

from pullstats.metrics import Breakdown
from pullstats.metrics.levels import LEVELS
from pullstats.metrics.questions.compare import Comparison
from pullstats.metrics.questions.concentration import Concentration
from pullstats.metrics.questions.origins import Origins
from pullstats.metrics.questions.uniques import Uniques
from support.crowd import ask, make_crowd

ROWS = make_crowd(300)
TOLD = "no request in the window has client 'pipp'; did you mean 'pip'?"
QUESTIONS: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {
    "report": (Breakdown, (), {}),
    "series": (Breakdown, (), {"every": "d"}),
    "uniques": (Uniques, (LEVELS,), {}),
    "uniques over time": (Uniques, (LEVELS,), {"every": "d"}),
    "origins": (Origins, (), {}),
    "concentration": (Concentration, (), {"metrics": ("requests",)}),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_tells_a_value_that_nobody_has(name: str) -> None:
    question, given, options = QUESTIONS[name]
    for client, is_told in (("pipp", True), ("pip", False)):
        report = ask(question, ROWS, *given, where=f"client={client}", **options)
        assert (TOLD in report.meta["warnings"]) == is_told


def test_a_side_of_nothing_is_told_as_such() -> None:
    """No fall by all without the word that nobody has that client; and each side tells what its filter leaves out."""
    for left, right, is_told in (("pip", "uv", False), ("uv", "pipp", True), ("pipp", "uv", True)):
        report = ask(Comparison, ROWS, f"client={left}", f"client={right}", metrics=("requests",))
        assert (TOLD in report.meta["warnings"]) == is_told
        shares = [1 - sum(row["client"] == client for row in ROWS) / len(ROWS) for client in (left, right)]
        assert [report.meta[side]["excluded"]["share"] for side in "ab"] == pytest.approx(shares, abs=1e-6)
        assert f"filters left out {shares[0] * 100:.1f} % (a) and {shares[1] * 100:.1f} % (b) of requests" in report.footer
    assert "no filters" in ask(Comparison, ROWS, "2025-03-06", "2025-03-07", metrics=("requests",)).footer
