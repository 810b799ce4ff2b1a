"""Ids of 64 bits: one number, one text, and what begins with which digits."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pullstats.hexadecimal import write_hexadecimal
from pullstats.ids import ID_DIGITS, ID_TYPE, begins_with, make_id, make_ids, shorten_hashes, write_id, write_ids

HASHES = st.lists(st.none() | st.binary(min_size=16, max_size=16) | st.sampled_from([b"\xff" * 16, bytes(16), b"\x80" + bytes(15)]), max_size=8)


@given(HASHES)
def test_an_id_reads_as_the_first_digits_of_its_hash(hashes: list[bytes | None]) -> None:
    texts = [None if one is None else one.hex()[:ID_DIGITS] for one in hashes]
    ids = make_ids("id", hashes)
    assert ids.dtype == ID_TYPE
    assert ids.to_frame().select(write_ids(pl.col("id"))).to_series().to_list() == texts
    assert pl.DataFrame({"id": hashes}, schema={"id": pl.Binary}).select(shorten_hashes(pl.col("id"))).to_series().to_list() == ids.to_list()
    assert [None if one is None else write_id(make_id(one)) for one in hashes] == texts


@given(HASHES, st.text("0123456789abcdef", min_size=1, max_size=32), st.integers(0, 16))
def test_what_begins_with_digits_is_what_its_text_says(hashes: list[bytes | None], digits: str, own: int) -> None:
    known = [one for one in hashes if one is not None]
    asked = known[0].hex()[:own] + digits if known else digits
    expected = [None if one is None else one.hex()[:ID_DIGITS].startswith(asked[:ID_DIGITS]) for one in hashes]
    found = make_ids("id", hashes).to_frame().select(begins_with(pl.col("id"), asked)).to_series()
    assert found.to_list() == expected


@given(st.lists(st.none() | st.integers(0, 2**32 - 1), max_size=5))
def test_numbers_are_written_as_python_writes_them(numbers: list[int | None]) -> None:
    written = write_hexadecimal(pl.Series("n", numbers, pl.UInt32), 4)
    assert written.to_list() == [None if number is None else f"{number:08x}" for number in numbers]
    wide = write_hexadecimal(pl.Series("n", [None if n is None else n << 32 | n for n in numbers], pl.UInt64), 8)
    assert wide.to_list() == [None if n is None else f"{n:08x}{n:08x}" for n in numbers]
