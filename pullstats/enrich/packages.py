"""Read from a request path which artifact it asks for: ecosystem, package, version, platform, action.

The knowledge is in `rules/packages/*.toml`. To add an ecosystem: add a file there, with keys,
rules and samples, and a case in `tests/cases/packages/`.

    canonical_paths ─► path_rules, level by level ─► path_layouts ─► path_reading
                                                 └─► path_hints, for what is left

Source: the registries' protocols, named at the top of each rule file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import polars as pl

from pullstats.enrich.canonical_paths import canonical_paths
from pullstats.enrich.held_texts import HeldTexts
from pullstats.enrich.path_hints import client_ecosystem, read_hinted
from pullstats.enrich.path_reading import ANSWER_SCHEMA, read_taken, take_rules
from pullstats.enrich.path_rules import Family, PathRule, find_groups, is_taken, load_families, load_levels
from pullstats.enrich.routes import label_names

__all__ = ["PACKAGE_SCHEMA", "action_by_method", "classify_paths", "client_ecosystem"]

PACKAGE_SCHEMA: Final = pl.Schema([*((name, kind) for name, kind in ANSWER_SCHEMA.items() if name != "row"), ("needs_hint", pl.Boolean())])

_PUBLISHED: Final = ("download", "manifest", "blob", "index", "metadata")


def classify_paths(paths: pl.Series, hints: pl.Series | None = None, own: Sequence[tuple[Family, PathRule]] = ()) -> pl.DataFrame:
    """Read request paths.

    Args:
        paths: distinct paths as logged: percent-encoded or not, null or anything at all. A query is
            not needed; where one is there, the scope of a token request names the repository.
        hints: for each path the ecosystem (purl type) that its site or its client suggests, or null.
            Used only where the path alone cannot tell.
        own: a user's forms of path, asked before all others.

    Returns:
        A row per path, in order, with the columns of `PACKAGE_SCHEMA`. `is_downloadable` is true
        where taking this path takes the artifact itself, `needs_hint` where the path alone cannot
        tell the ecosystem and a hint could. A path that names no artifact has action `other` and
        null elsewhere; a null path is all null but the two flags, which are false.
    """
    frame = canonical_paths(paths)
    frame = frame.with_columns(pl.lit(None, pl.String).alias("hint") if hints is None else hints.cast(pl.String).alias("hint"))
    mine = _read_own(frame, own) if own else ANSWER_SCHEMA.to_frame()
    alone = _read_alone(frame.join(mine.select("row"), on="row", how="anti", maintain_order="left") if mine.height else frame)
    if mine.height:
        alone = pl.concat([mine, alone])
    left = frame.join(alone.select("row", "package_type"), on="row", how="left", maintain_order="left")
    hinted, needs = read_hinted(left.filter(pl.col("path").str.starts_with("/")))
    if hinted.height:
        alone = pl.concat([alone.join(hinted.select("row"), on="row", how="anti"), hinted])
    answers = frame.select("row", is_path=pl.col("path").is_not_null()).join(alone, on="row", how="left", maintain_order="left")
    if needs.height:
        answers = answers.join(needs, on="row", how="left", maintain_order="left")
    else:
        answers = answers.with_columns(needs_hint=pl.lit(value=False))
    return answers.select(
        *ANSWER_SCHEMA.names()[1:-2],
        pl.when("is_path").then(pl.col("action").fill_null("other")).alias("action"),
        pl.col("is_downloadable", "needs_hint").fill_null(value=False),
    )


def _read_own(frame: pl.DataFrame, own: Sequence[tuple[Family, PathRule]]) -> pl.DataFrame:
    """Give paths to a user's rules; of two that take one path, the first by name."""
    answers = [ANSWER_SCHEMA.to_frame()]
    left = frame.filter(pl.col("path").is_not_null())
    for family, rule in sorted(own, key=lambda pair: pair[1].name):
        taken = find_groups(left.filter(is_taken(rule, pl.col("path"))), rule)
        if taken.height:
            labels = label_names([rule])
            said = pl.struct(labels).struct.json_encode() if labels else None
            answers.append(read_taken(taken, family, rule, said))
            left = left.join(taken.select("row"), on="row", how="anti", maintain_order="left")
    return pl.concat(answers)


def _read_alone(frame: pl.DataFrame) -> pl.DataFrame:
    """Give each path to the rule that takes it, level by level, and read it."""
    paths = frame.select("row", "path").filter(pl.col("path").str.starts_with("/")).with_row_index("place")
    held = HeldTexts(paths["path"], _texts_of_rules())
    families = [(family, rows) for family in load_families() if (rows := held.tell(*family.keys)).any()]
    is_open = pl.repeat(value=True, n=paths.height, dtype=pl.Boolean, eager=True)
    answers = [ANSWER_SCHEMA.to_frame()]
    for level in load_levels() if families else ():
        for family, rows in families:
            rules = [rule for rule in family.rules if rule.fallback == level]
            candidates = rows & is_open
            if not rules or not candidates.any():
                continue
            for rule, taken in take_rules(paths, family, [(rule, candidates & held.tell(rule.contains)) for rule in rules]):
                is_open = is_open.scatter(taken["place"], values=False)
                answers.append(read_taken(taken, family, rule))
    return pl.concat(answers)


@cache
def _texts_of_rules() -> frozenset[str]:
    """Give the texts of which a path must hold one before a family's rules look at it, and those without which a rule cannot match."""
    families = load_families()
    return frozenset((*(key for family in families for key in family.keys), *(rule.contains for family in families for rule in family.rules)))


def action_by_method(method: pl.Expr, action: pl.Expr) -> pl.Expr:
    """Correct a path's action by the method: what is put there is published, what is deleted is neither.

    Args:
        method: request method, null where unknown (the action then stays).
        action: the action of the path.
    """
    verb = method.str.to_uppercase()
    is_publish = (verb.is_in(["PUT", "POST", "PATCH"]) & action.is_in(_PUBLISHED)).fill_null(value=False)
    is_delete = (verb == "DELETE").fill_null(value=False)
    return pl.when(is_publish).then(pl.lit("upload")).when(is_delete).then(pl.lit("other")).otherwise(action)
