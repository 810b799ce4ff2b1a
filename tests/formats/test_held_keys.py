"""What a sample of JSON lines tells of their keys."""

from __future__ import annotations

import json
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.formats.held_keys import HeldKeys
from pullstats.formats.json_keys import KNOWN, KeyTable
from support.effort import examples

KEYS = ["status", "ip", "time", "a.b", "é", ":1,", "request", "headers"]
TABLE = KeyTable(
    {"status": [("status",)], "remote_addr": [("ip",), (":1,",)], "msec": [("time",), ("a.b",), ("é",)], "uri": [("request", "headers")]}
)
VALUES = st.recursive(
    st.sampled_from([0, 7, -12, 10**15, 123456789012345, 1.5, True, None, "", ":1,", 'a":1,', "x"]),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from(KEYS), below, max_size=3),
    max_leaves=6,
)
LINES = st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5), min_size=1, max_size=4)


def expected_type(key: str, lines: list[bytes]) -> pl.DataType:
    """Look a key up by itself: a whole number on each line, or what its values begin with."""
    name = re.escape(f'"{key}"'.encode())
    if all(re.search(name + rb":\s*-?[0-9]{1,15}\s*[,}]", line) for line in lines):
        return pl.Int64()
    kinds = {found[1] for line in lines for found in re.finditer(name + rb"\s*:\s*([\[{]?)", line)}
    return pl.List(pl.String) if kinds == {b"["} else pl.String()


@examples(200)
@given(found=LINES, is_wide=st.booleans())
def test_all_keys_at_once_are_told_as_each_by_itself(found: list[dict[str, object]], is_wide: bool) -> None:  # noqa: FBT001 - drawn
    found = [{**item, "pad": "x" * 200} for item in found]  # none is so short that the sample misses it
    lines = [json.dumps(item, ensure_ascii=False, separators=(", ", ": ") if is_wide else (",", ":")).encode() for item in found]
    keys = HeldKeys(b"".join(line + b"\n" for line in lines), TABLE)
    for key, below in keys.tree.items():
        if below is None:
            assert keys.schema[key] == expected_type(key, lines), key


@pytest.mark.parametrize("data", [b"1.2.3.4 - - x\n", b'{"nothing":1}\n', b'{"status":\n{"status":200}\n'])
def test_lines_that_tell_no_key_have_no_pattern_compiled_for_each_that_is_known(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []
    monkeypatch.setattr("re._compiler.compile", lambda pattern, *_: compiled.append(pattern))
    keys = HeldKeys(data, KNOWN)
    assert not compiled
    assert set(keys.schema) <= set(KNOWN.tree)
