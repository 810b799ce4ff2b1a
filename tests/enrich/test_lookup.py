"""Every distinct value is looked at once, and every row gets the answer of its own value."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pullstats.lookup import FEW, SMALL, Lookup

KINDS: Final = (1, 2, FEW // 2, FEW, FEW + 1, 5 * FEW)


def shout(values: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"loud": values.str.to_uppercase() + "!", "size": values.str.len_chars()})


def answers(lookup: Lookup, values: Sequence[str | None]) -> list[str | None]:
    return lookup.apply(pl.Series(values, dtype=pl.String))["loud"].cast(pl.String).to_list()


@given(st.lists(st.lists(st.none() | st.sampled_from("abcdefgh") | st.text(max_size=3)), max_size=5))
def test_each_row_gets_its_own_answer(blocks: list[list[str | None]]) -> None:
    lookup = Lookup("test", shout)
    for values in blocks:
        assert answers(lookup, values) == [None if value is None else value.upper() + "!" for value in values]


@given(st.lists(st.tuples(st.integers(0, 2 * FEW), st.integers(0, 2 * FEW) | st.just(SMALL + 1)), max_size=4))
def test_few_texts_are_an_enum_and_answers_stay_right_when_they_become_many(blocks: list[tuple[int, int]]) -> None:
    def name_kinds(values: pl.Series) -> pl.DataFrame:
        numbers = values.cast(pl.Int64)
        said = pl.select(pl.when(numbers % 7 > 0).then(numbers)).to_series()
        return pl.DataFrame({f"of-{kind}": (said % kind).cast(pl.String) for kind in KINDS})

    lookup = Lookup("test", name_kinds)
    seen: set[int] = set()
    for start, count in blocks:
        numbers = range(start, start + count)
        found = lookup.apply(pl.Series([*map(str, numbers), None], dtype=pl.String))
        seen |= {number for number in numbers if number % 7}
        for kind in KINDS:
            expected = [*(str(number % kind) if number % 7 else None for number in numbers), None]
            assert found[f"of-{kind}"].cast(pl.String).to_list() == expected
            assert isinstance(found[f"of-{kind}"].dtype, pl.Enum) == (len({number % kind for number in seen}) <= FEW)


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
    assert lookup.apply(pl.Series([], dtype=pl.String)).columns == lookup.apply(pl.Series(["a"])).columns
    assert asked == [0, 1]


def test_threads_share_one_memory() -> None:
    lookup = Lookup("test", shout)
    blocks = [[f"v{(number * step) % 97}" for number in range(300)] for step in range(1, 25)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda words: answers(lookup, words), blocks))
    assert results == [[word.upper() + "!" for word in words] for words in blocks]
