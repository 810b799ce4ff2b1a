"""distribution's messages are taken apart alike by the pattern of their order of keys and by that of all lines."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.formats import FORMATS, logfmt
from support.effort import examples

HEADS = ['time="2018-07-06T11:34:21Z" level=info msg="response completed"', 'time=1 level=error msg="response completed with error"']
HEADS += ["INFO[0012] response completed", 'time=1 level=info msg="response"', 'time="a level=info msg="response completed"', "level=info", ""]
PAIRS = ["http.request.host=a:5000", "http.request.id=1", "http.request.method=GET", 'http.request.uri="/v2/ a=b http.response.status=1"']
PAIRS += ["http.request.uri=/a?b=c", 'http.request.useragent="a \\"b\\" c"', "http.response.status=200", "http.response.written=", "go.version=go1.9"]
PAIRS += ["http.request.uri", 'http.request.method="GET', 'a="b"c', "é=1", "a\tb=1", 'vars.name="x\\', "http.response.duration=1ms", "a=b=c"]


@st.composite
def messages(draw: st.DrawFn) -> str:
    """A message whose keys are mostly in order."""
    pairs = draw(st.lists(st.sampled_from(PAIRS[:9]), max_size=6, unique=True).map(sorted))
    if draw(st.booleans()):
        pairs = draw(st.permutations([*pairs, *draw(st.lists(st.sampled_from(PAIRS), max_size=2))]))
    return draw(st.sampled_from([" ", " ", " ", "  ", "\t"])).join([draw(st.sampled_from(HEADS[:3] + HEADS)), *pairs]) + draw(
        st.sampled_from(["", " "])
    )


@examples(100)
@given(lines=st.lists(messages(), min_size=1, max_size=6))
def test_an_order_of_keys_changes_nothing(lines: list[str]) -> None:
    reader = logfmt.LogfmtReader()
    found = reader.read_safe(pl.Series("line", lines, pl.String))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logfmt, "pattern_of", lambda _: None)
        plain = reader.read_safe(pl.Series("line", lines, pl.String))
    assert found.equals(plain.select(found.columns))


def test_the_usual_order_has_apattern_of_its_own() -> None:
    order = pl.Series([FORMATS["distribution-messages"].sample]).str.replace_all(f"={logfmt.VALUE}", "=").item()
    assert logfmt.pattern_of(order) is not None
