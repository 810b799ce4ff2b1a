"""Request lines are cut as the pattern of all of them takes them apart."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pullstats.enrich.request import match_requests, split_request
from support.effort import examples

PIECES = (
    "GET",
    "CONNECT",
    "connect",
    "G",
    "M-SEARCH",
    "-",
    "é",
    " ",
    "  ",
    "\n",
    "\t",
    "/",
    "//",
    "*",
    "?",
    "??",
    "#",
    "a",
    "http://a.b:80/",
    "%20",
    "=",
)
ENDS = (" HTTP/1.1", " HTTP/2.0", " HTTP/3.0", " HTTP/2", " HTTP/1.10", " http/1.1", " HTTP/1.1 ", "\n", "")
LINES = st.builds(lambda pieces, end: "".join(pieces) + end, st.lists(st.sampled_from(PIECES), max_size=6), st.sampled_from(ENDS))
REQUESTS = st.builds(
    "{} /{}{}".format, st.sampled_from(PIECES[:6]), st.lists(st.sampled_from(PIECES), max_size=4).map("".join), st.sampled_from(ENDS)
)


@given(st.lists(st.none() | LINES | REQUESTS | st.text(max_size=9), max_size=8))
@examples(300)
def test_lines_are_cut_as_the_pattern_takes_them_apart(lines: list[str | None]) -> None:
    requests = pl.Series("request", lines, pl.String)
    assert split_request(requests).equals(match_requests(requests))


def test_a_plain_line_among_odd_ones_keeps_its_place() -> None:
    found = split_request(pl.Series(["-", "GET /a?b?c HTTP/2.0", None, "\x16", "HEAD /d HTTP/1.1"]))
    assert found["url_path"].to_list() == [None, "/a", None, None, "/d"]
    assert found["url_query"].to_list() == [None, "b?c", None, None, None]
    assert found["network_protocol_version"].to_list() == [None, "2", None, None, "1.1"]
    assert found["parse_status"].to_list() == ["partial", "ok", "partial", "partial", "ok"]
