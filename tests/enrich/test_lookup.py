"""Every distinct value is looked at once, and every row gets the answer of its own value."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pullstats.lookup import Lookup


def shout(values: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"loud": values.str.to_uppercase() + "!", "size": values.str.len_chars()})


def answers(lookup: Lookup, values: Sequence[str | None]) -> list[str | None]:
    return lookup.apply(pl.Series(values, dtype=pl.String))["loud"].cast(pl.String).to_list()


@given(st.lists(st.lists(st.none() | st.sampled_from("abcdefgh") | st.text(max_size=3)), max_size=5))
def test_each_row_gets_its_own_answer(blocks: list[list[str | None]]) -> None:
    lookup = Lookup("test", shout)
    for values in blocks:
        assert answers(lookup, values) == [None if value is None else value.upper() + "!" for value in values]


def test_answers_stay_right_when_nothing_else_uses_the_codes() -> None:
    lookup = Lookup("test", shout)
    for start in range(0, 200, 7):
        words = [f"w{number % 50}" for number in range(start, start + 7)]
        assert answers(lookup, words) == [word.upper() + "!" for word in words]
        gc.collect()


def test_a_value_is_computed_once_and_memory_is_bounded() -> None:
    seen: list[str] = []

    def note(values: pl.Series) -> pl.DataFrame:
        seen.extend(values)
        return shout(values)

    lookup = Lookup("test", note, max_kept=10)
    answers(lookup, ["a", "b", "a"])
    answers(lookup, ["b", "c"])
    assert seen == ["a", "b", "c"]
    answers(lookup, [f"x{number}" for number in range(20)])
    assert answers(lookup, ["a"]) == ["A!"]
    assert seen[-1] == "a"


def test_a_lookup_that_no_log_needs_asks_nothing() -> None:
    asked: list[int] = []

    def note(values: pl.Series) -> pl.DataFrame:
        asked.append(values.len())
        return shout(values)

    lookup = Lookup("test", note)
    assert asked == []
    assert lookup.apply(pl.Series([], dtype=pl.String)).schema == lookup.apply(pl.Series(["a"])).schema
    assert asked == [0, 1]


def test_threads_share_one_memory() -> None:
    lookup = Lookup("test", shout)
    blocks = [[f"v{(number * step) % 97}" for number in range(300)] for step in range(1, 25)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda words: answers(lookup, words), blocks))
    assert results == [[word.upper() + "!" for word in words] for words in blocks]
