"""One pass over many texts finds in each what looking for one after the other finds."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pullstats.enrich.held_texts import HeldTexts
from pullstats.enrich.path_rules import load_families
from support.effort import examples

WORDS = st.text("ab/é", max_size=4)


@given(st.lists(st.none() | st.text("ab/éc", max_size=12), max_size=6), st.lists(WORDS, min_size=1, max_size=6), st.data())
@examples(200)
def test_one_pass_finds_what_many_find(values: list[str | None], texts: list[str], data: st.DataObject) -> None:
    held = HeldTexts(pl.Series("path", values, pl.String), texts)
    some = data.draw(st.lists(st.sampled_from(texts), max_size=3))
    expected = [any(text in (value or "") for text in some) for value in values]
    assert held.tell(*some).to_list() == expected


def test_no_rule_matches_without_the_text_it_says_it_needs() -> None:
    missing = [(rule.name, path) for family in load_families() for rule in family.rules for path in rule.samples if rule.contains not in path]
    assert not missing
