"""How often a classifier is right: confusion, F1, precision and recall, and whether its scores mean what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

CLASSES: Final = ("production", "ci", "development", "mirror", "updater", "scanner", "probe", "bot", "browser")
"""The classes that somebody can be right about; `unknown` is a class that one can only answer."""
ENOUGH: Final = 20
"""Requests from which an origin is judged."""
BINS: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.95, 1.0)
"""Where the scores are cut; a score of exactly 1 is in the last bin."""
_PURE: Final = 0.9


@dataclass(frozen=True)
class Judged:
    """What was said of one origin.

    Attributes:
        origin: its id.
        label: the reason of nine in ten of its requests; `mixed` where none has so many.
        kind: which kind of that label it is.
        requests: how many it sent.
        said: the class it was given; `unknown` where it was given none.
        score: how sure of it the classifier was.
        baseline: what agent and network alone say.
        evidence: why it was given that class, in words.
    """

    origin: str
    label: str
    kind: str
    requests: int
    said: str
    score: float
    baseline: str
    evidence: tuple[str, ...] = ()


def label_of(labels: Counter[str]) -> str:
    """Give the reason that nine in ten requests have."""
    label, count = labels.most_common(1)[0]
    return label if count >= _PURE * labels.total() else "mixed"


def judge_enough(judged: Iterable[Judged]) -> list[Judged]:
    """Keep those whose class one can be right about: one reason, and enough requests to see it."""
    return [one for one in judged if one.label in CLASSES and one.requests >= ENOUGH]


def confusion(judged: Iterable[Judged], *, baseline: bool = False) -> Counter[tuple[str, str]]:
    """Count origins by what they are and what was said."""
    return Counter((one.label, one.baseline if baseline else one.said) for one in judged)


def recall(found: Counter[tuple[str, str]], label: str) -> float | None:
    """Give the share of a class that was found; None where there is none of it."""
    there = sum(count for (truth, _), count in found.items() if truth == label)
    return found[label, label] / there if there else None


def precision(found: Counter[tuple[str, str]], label: str) -> float | None:
    """Give how much of what was called so is so; None where nothing was."""
    called = sum(count for (_, said), count in found.items() if said == label)
    return found[label, label] / called if called else None


def f1(found: Counter[tuple[str, str]], label: str) -> float | None:
    """Give the harmonic mean of precision and recall, 0 where nothing was called so; None where there is none of it."""
    share, right = recall(found, label), precision(found, label)
    if share is None:
        return None
    return 2 * share * right / (share + right) if right else 0.0


def macro_f1(found: Counter[tuple[str, str]]) -> float:
    """Give the mean F1 of the classes that are there."""
    values = [value for label in CLASSES if (value := f1(found, label)) is not None]
    return sum(values) / len(values)


def reliability(judged: Iterable[Judged]) -> list[tuple[float, float, int, float]]:
    """Give of each bin of scores: from, to, how many answers, the share that is right; `unknown` is no answer."""
    answers = [one for one in judged if one.said != "unknown"]
    rows = []
    for low, high in pairwise(BINS):
        inside = [one for one in answers if low <= one.score < high or (one.score == high == BINS[-1])]
        if inside:
            rows.append((low, high, len(inside), sum(one.said == one.label for one in inside) / len(inside)))
    return rows


def recall_of_kinds(judged: Iterable[Judged]) -> dict[tuple[str, str], tuple[int, Counter[str]]]:
    """Give of every label and kind how many there are and what was said of them."""
    rows: dict[tuple[str, str], Counter[str]] = {}
    for one in judged:
        rows.setdefault((one.label, one.kind), Counter())[one.said] += 1
    return {key: (said.total(), said) for key, said in sorted(rows.items())}


def render_confusion(found: Counter[tuple[str, str]]) -> list[str]:
    """Draw the matrix: rows what they are, columns what was said."""
    said = [*CLASSES, "unknown"]
    lines = ["  " + " " * 12 + "".join(f"{name[:6]:>8}" for name in said) + "   recall  precision"]
    for label in CLASSES:
        cells = "".join(f"{found[label, name] or '·':>8}" for name in said)
        lines.append(f"  {label:<12}{cells}   {_share(recall(found, label))}    {_share(precision(found, label))}")
    return lines


def render_reliability(judged: Sequence[Judged]) -> list[str]:
    """Draw how often answers of each score are right."""
    return [f"  score {low:.2f}–{high:.2f}  {count:>6,} answers  {_share(right)} right" for low, high, count, right in reliability(judged)]


@dataclass(frozen=True)
class Estimate:
    """How many machines poll a package, or a version of it: the truth, and what was said."""

    package: str
    version: str | None
    truth: int
    said: float
    low: float
    high: float

    @property
    def is_covered(self) -> bool:
        """Tell whether the range holds the truth."""
        return self.low <= self.truth <= self.high


def coverage(estimates: Sequence[Estimate]) -> float:
    """Give the share of ranges that hold the truth."""
    return sum(estimate.is_covered for estimate in estimates) / len(estimates)


def _share(value: float | None) -> str:
    return "    –" if value is None else f"{value:5.3f}"
