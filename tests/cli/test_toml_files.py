"""Files of TOML that options name: each reader takes the same, and refuses the same in the same words, with the line and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.command import pullstats
from support.effort import across, examples

READERS = {
    "the classes": ["behaviour", "--window", "all", "--class-rules"],
    "--offences": ["offenders", "--window", "all", "--offences"],
    "the configuration": ["report", "--window", "all", "--config"],
    "the rules": ["doctor", "--rules"],
}
GOOD = {
    "the classes": 'version = "ours@1"\r\n[prior]\r\nci = 1.0\r\n',
    "--offences": "[polling]\r\nleast = 10\r\n",
    "the configuration": "[report]\r\nlimit = 3\r\n",
    "the rules": "[[network]]\r\ntype = 'isp'\r\nwords = ['strange telecom']\r\n",
}
BAD: dict[str, tuple[bytes, str]] = {
    "no value": (b"a = 1\nb =\n", "line 2, column 4, is not understood"),
    "no sign": (b"a = 1\n\nlimit 3\n", "line 3, column 7, is not understood"),
    "a word": (b"a = yes\n", "line 1, column 5, is not understood"),
    "twice": (b"a = 1\nb = 2\na = 3\n", "line 3 names once more what an earlier line has named; leave one of the two"),
    "twice in braces": (b"a = { b = 1, b = 2 }\n", "line 1 names once more"),
    "a table twice": (b"[a]\n[b]\n[a]\n", "line 3 names once more"),
    "a table over a value": (b"a = 1\n[a]\n", "line 2 names once more"),
    "open bracket": (b"a = [1,\n2\n", "that is open on line 2 is not closed"),
    "open table": (b"a = 1\n[polling", "line 2 is not understood"),
    "open quote": (b"a = '''x\n\ny", "that is open on line 3 is not closed"),
    "a quote that its line does not end": (b'a = 1\nb = "x\nc = 2\n', "that is open on line 2 is not closed"),
    "no date": (b"a = 2026-02-31\n", "line 1 holds no date of the calendar"),
    "latin-1": (b"a = 1\nb = 'caf\xe9'\n", "line 2 holds bytes that are no UTF-8; save it as UTF-8"),
    "utf-16": ("a = 1\n".encode("utf-16"), "line 1 holds bytes that are no UTF-8"),
    "control": (b"a = '\x1b[31m'\n", "line 1"),
    "deep": (b"x = " + b"[" * 20_000, "its brackets are nested too deep"),
    "digits": (b"a = " + b"9" * 5000, "it holds a number of more digits than are read"),
}
FOREIGN = re.compile(r"Errno|Error|codec|recursion|conversion|namespace|\(at |Expected|Invalid|'utf|position|<class|unexpected")
"""Words of libraries and not ours."""


def refuse(called: str, store: Path, path: Path) -> str:
    said = pullstats(*READERS[called], path, "--store", store, code=2)
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert not FOREIGN.search(said.err.replace(str(path), "")), said.err
    return said.err


@pytest.mark.parametrize(("called", "name"), across(READERS, BAD))
def test_a_broken_file_is_refused_with_its_line_whoever_reads_it(called: str, name: str, few_store: Path, tmp_path: Path) -> None:
    content, says = BAD[name]
    path = tmp_path / "own.toml"
    path.write_bytes(content)
    said = refuse(called, few_store, path)
    assert said.startswith(f"pullstats: cannot read {called} '{path}': ")
    assert says in said


@pytest.mark.parametrize("called", READERS)
def test_what_is_no_file_is_refused_in_words(called: str, few_store: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    says = {"nowhere.toml": "No such file", "folder.toml": "it is a folder", "circle": "symbolic links", "/dev/zero": "it is a device and no file"}
    for name, reason in says.items():
        if called == "the rules" and name in {"nowhere.toml", "folder.toml", "circle"}:  # a folder of rules is what it takes
            continue
        assert reason in refuse(called, few_store, tmp_path / name)


@pytest.mark.parametrize("called", READERS)
def test_a_byte_order_mark_and_ends_of_lines_are_no_matter(called: str, few_store: Path, tmp_path: Path) -> None:
    answers = []
    for mark in (b"", b"\xef\xbb\xbf"):
        path = tmp_path / "own.toml"
        path.write_bytes(mark + GOOD[called].encode())
        answers.append(pullstats(*READERS[called], path, "--store", few_store).out)
    assert answers[0] == answers[1]


@settings(examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=40), st.text("[]{}='\"\n.a1-#\\u,", max_size=30).map(str.encode)), called=st.sampled_from(list(READERS)))
def test_whatever_a_file_holds_is_taken_or_refused_in_our_own_words(content: bytes, called: str, few_store: Path, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(content)
    said = pullstats(*READERS[called], path, "--store", few_store, code=(0, 2, 4))
    assert "internal error" not in said.err
    assert said.code != 2 or not FOREIGN.search(said.err.replace(str(path), "")), said.err
