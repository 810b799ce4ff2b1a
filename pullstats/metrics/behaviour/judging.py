"""From features to a class: the signs that are there add up, and what they say is told in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Final

import polars as pl

from pullstats.metrics.behaviour.feature_names import WORDS
from pullstats.metrics.behaviour.rules import FIELD, ClassRules, Sign
from pullstats.metrics.vocabulary import CLASSES

CLASS: Final = "class"
SCORE: Final = "score"
UNKNOWN: Final = "unknown"
PRODUCTION: Final = "production"
PROBABILITY: Final = "in_production"
EVIDENCE: Final = "evidence"
_PLACE: Final = "place"
_FACTS: Final = "facts_told"
_DOUBT: Final = "no pattern is clear enough: {requests} in {visits}"
_TOLD: Final = 0.5
"""A sign is told as evidence where it adds as much to the log odds of the class."""


def weigh(features: pl.DataFrame, rules: ClassRules) -> pl.DataFrame:
    """Add the log odds of each class up.

    Args:
        features: a row an owner, with every feature.
        rules: the table of classes.

    Returns:
        As many rows, a column a class (`CLASSES`).
    """
    signs = _find_seen(features, rules)
    strengths = features.lazy().select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias(_PLACE), *(_strength(sign).alias(_column(sign)) for sign in signs)
    )
    return strengths.select(pl.col(_PLACE), *(_odds(name, signs, rules).alias(name) for name in CLASSES)).drop(_PLACE).collect()


def _find_seen(features: pl.DataFrame, rules: ClassRules) -> list[Sign]:
    """List the signs that any row can show, by the least and the most of each of their features: the others need not be looked for."""
    names = sorted({feature for sign in rules.signs.values() for feature, _, _ in sign.when})
    numbers = [pl.col(name).cast(pl.Float64) for name in names]
    least, most = (features.select(bound).row(0, named=True) for bound in ([one.min() for one in numbers], [one.max() for one in numbers]))
    return [sign for sign in rules.signs.values() if all(_reaches(least[name], most[name], none, full) for name, none, full in sign.when)]


def _reaches(least: float | None, most: float | None, none: float, full: float) -> bool:
    """Tell whether a feature between two bounds is ever past the point where it begins to be a sign."""
    end = most if full > none else least
    return end is not None and (isnan(end) or (end - none) / (full - none) > 0)


def choose(odds: pl.DataFrame, rules: ClassRules) -> pl.DataFrame:
    """Choose the likeliest class.

    Args:
        odds: as `weigh` gives them.
        rules: the table of classes.

    Returns:
        As many rows: `class`, `score`, the probability that the table gives it, and `in_production`, that of production.
    """
    best = pl.max_horizontal(CLASSES)
    total = pl.sum_horizontal((pl.col(name) - best).exp() for name in CLASSES)
    first = pl.min_horizontal(pl.when(pl.col(name) == best).then(pl.lit(place, pl.UInt8)) for place, name in enumerate(CLASSES))
    told = odds.lazy().select(
        pl.lit(pl.Series(CLASSES)).gather(first).alias(CLASS),
        (1 / total).alias(SCORE),
        ((pl.col(PRODUCTION) - best).exp() / total).alias(PROBABILITY),
    )
    is_told = pl.col(SCORE) >= rules.least_score
    return told.with_columns(pl.when(is_told).then(CLASS).otherwise(pl.lit(UNKNOWN)).alias(CLASS)).collect()


def _column(sign: Sign) -> str:
    return f"sign {sign.name}"


def _strength(sign: Sign) -> pl.Expr:
    """Tell how much of a sign is there, from 0 to 1; nothing where a feature is not known."""
    ramps = [((pl.col(feature).cast(pl.Float64) - none) / (full - none)).clip(0, 1).fill_nan(0).fill_null(0) for feature, none, full in sign.when]
    return pl.min_horizontal(ramps)


def _odds(name: str, signs: Sequence[Sign], rules: ClassRules) -> pl.Expr:
    weighed = [pl.col(_column(sign)) * sign.weights[name] for sign in signs if name in sign.weights]
    return (pl.lit(rules.prior[name]) + pl.sum_horizontal(weighed)) * rules.scale if weighed else pl.lit(rules.prior[name] * rules.scale)


def describe_evidence(judged: pl.DataFrame, rules: ClassRules) -> pl.Series:
    """Write of each row the signs that speak for its class, in the order of the table; of what is unknown why it is.

    Of signs whose words tell the same features, as many artifacts of which so many are different, the first that is there is told.

    Args:
        judged: features with `class`.
        rules: the table of classes.
    """
    rows = judged.with_row_index(_PLACE).rechunk()  # polars makes no text of a chunk without rows
    signs = {_column(sign): sign for sign in _find_seen(judged, rules) if sign.words}
    loud = rows.select(pl.col(_PLACE), *(_is_told(sign, rules.scale).alias(name) for name, sign in signs.items()))
    told = pl.concat(
        [_write(rows.clear(), _DOUBT), *(_write(rows.filter(loud[name]), sign.words) for name, sign in signs.items() if loud[name].any())]
    )
    first = told.unique([_PLACE, _FACTS], keep="first", maintain_order=True).sort(_PLACE, maintain_order=True)
    texts = first.group_by(_PLACE, maintain_order=True).agg(pl.col(EVIDENCE).str.join("; "))
    silent = rows.join(texts, on=_PLACE, how="anti")
    return pl.concat([texts, _write(silent, _DOUBT).drop(_FACTS)]).sort(_PLACE)[EVIDENCE]


def _is_told(sign: Sign, scale: float) -> pl.Expr:
    """Tell for the class of which rows a sign speaks loud enough to be told."""
    weight = pl.col(CLASS).replace_strict(_weigh(sign), default=0.0, return_dtype=pl.Float64)
    return _strength(sign) * weight * scale >= _TOLD


def _write(rows: pl.DataFrame, words: str) -> pl.DataFrame:
    """Write words of some rows: their `place`, `evidence`, and `facts_told`, the features that are told, or the words where none is."""
    fields = FIELD.findall(words)
    facts = pl.lit(", ".join(fields) or words).alias(_FACTS)
    if not rows.height:
        return rows.select(_PLACE, pl.lit("").alias(EVIDENCE), facts)
    text = pl.format(FIELD.sub("{}", words), *(WORDS[field] for field in fields)) if fields else pl.lit(words)
    return rows.select(_PLACE, text.alias(EVIDENCE), facts).drop_nulls(EVIDENCE)


def _weigh(sign: Sign) -> Mapping[str, float]:
    return sign.weights or {UNKNOWN: 0.0}
