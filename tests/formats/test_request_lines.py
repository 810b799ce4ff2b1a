"""Request lines that are put together at once are those that are weighed part by part."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pullstats.clock import Clock
from pullstats.formats.shaping import put_together, shape_reading
from support.effort import examples

PARTS = {
    "request": st.sampled_from(["GET /a HTTP/1.1", "-", None]),
    "request_method": st.sampled_from(["GET"] * 8 + ["-", "", None, " "]),
    "request_uri": st.sampled_from(["/a", "/b?c", "/ "] * 3 + ["-", "", None]),
    "uri": st.sampled_from(["/a", "/d/e"] * 4 + ["/a?b", "-", "", None]),
    "args": st.sampled_from([None] * 6 + ["a=1", "-"]),
    "query_string": st.sampled_from([None] * 6 + ["a=1", ""]),
    "server_protocol": st.sampled_from(["HTTP/1.1", "HTTP/2.0"] * 4 + ["HTTP/1.1 ", "HTTP/", "1.1", "https", "-", None]),
    "operation": st.sampled_from(["GetBlob", "-", None]),
}


@st.composite
def raw_frames(draw: st.DrawFn) -> pl.DataFrame:
    """Rows of some of the columns that say what was asked for."""
    names = draw(st.lists(st.sampled_from(sorted(PARTS)), unique=True)) + draw(st.sampled_from([[], ["request_method", "server_protocol", "uri"]]))
    height = draw(st.integers(0, 3))
    columns = {name: draw(st.lists(PARTS[name], min_size=height, max_size=height)) for name in dict.fromkeys(names)}
    places = {name: pl.Series(range(height), dtype=pl.Int64) for name in ("source_line", "source_offset")}
    return pl.DataFrame({name: pl.Series(values, dtype=pl.String) for name, values in columns.items()} | places)


@examples(300)
@given(raw=raw_frames())
def test_a_request_line_is_the_same_where_every_row_says_all_of_it(raw: pl.DataFrame) -> None:
    shaped = shape_reading(raw, Clock()).select("request")
    weighed = raw.select(pl.repeat(None, pl.len(), dtype=pl.String).alias("none"), put_together(raw.columns).cast(pl.String).alias("request"))
    assert_frame_equal(shaped, weighed.select("request"))


def test_method_target_and_protocol_are_one_line() -> None:
    raw = pl.DataFrame(
        {"request_method": ["GET"], "uri": ["/a"], "args": [None], "server_protocol": ["HTTP/2.0"], "source_line": [1], "source_offset": [0]}
    )
    assert shape_reading(raw, Clock())["request"].to_list() == ["GET /a HTTP/2.0"]
