"""The tests themselves: each can fail, none judges by the clock, and what is skipped says why."""

from __future__ import annotations

import ast
import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from support import effort
from support.case_files import UPDATE, CaseFile
from support.places import ROOT, TESTS

CLOCKS = {"perf_counter", "monotonic", "process_time", "perf_counter_ns", "monotonic_ns"}


@cache
def trees() -> dict[Path, ast.Module]:
    """Give every file of the tests and their helpers, parsed."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(TESTS.rglob("*.py"))}


@cache
def functions() -> dict[str, ast.AST]:
    """Give every function of the tests and their helpers by its file and name; a name alone finds it, too."""
    found: dict[str, ast.AST] = {}
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                found[f"{path.relative_to(TESTS)}::{node.name}"] = found[node.name] = node
    return found


def called_in(node: ast.AST) -> set[str]:
    """Name what is called in a function, or handed on in it."""
    names = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
    return names | {item.attr for item in ast.walk(node) if isinstance(item, ast.Attribute)}


def checks_something(node: ast.AST) -> bool:
    """Tell whether a function itself can fail by what it finds."""
    return any(isinstance(item, ast.Assert) for item in ast.walk(node)) or bool(called_in(node) & {"raises", "warns", "fail"})


def can_fail(node: ast.AST, seen: frozenset[str] = frozenset()) -> bool:
    """Tell whether a function, or one that it calls, checks something."""
    if checks_something(node):
        return True
    return any(can_fail(functions()[name], seen | {name}) for name in called_in(node) - seen if name in functions())


def test_every_test_can_fail() -> None:
    tests = {place: node for place, node in functions().items() if "::test_" in place}
    assert len(tests) > 500
    assert [place for place, node in tests.items() if not can_fail(node)] == []


def test_every_test_stands_in_the_folder_of_a_stage_under_a_name_of_its_own() -> None:
    files = sorted(TESTS.rglob("test_*.py"))
    stages = {path.name for path in (ROOT / "pullstats").iterdir() if (path / "__init__.py").exists()}
    assert {path.parent for path in files} == {TESTS / stage for stage in {*stages, "whole"}}
    assert len({path.name for path in files}) == len(files)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("assert f() == 1", True),
        ("with pytest.raises(ValueError): f()", True),
        ("f()", False),
        ("compare(f())", True),  # a helper of these tests that asserts
    ],
)
def test_what_checks_nothing_is_found(text: str, wanted: bool) -> None:  # noqa: FBT001 - a column of the table above
    assert can_fail(ast.parse(text)) == wanted


def test_no_test_judges_by_the_clock() -> None:
    assert [place for place, node in functions().items() if "::test_" in place and called_in(node) & CLOCKS] == []


def test_a_skip_says_why() -> None:
    silent = [
        path.name
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("skip", "skipif")
        if not (node.args[:1] if node.func.attr == "skip" else [word for word in node.keywords if word.arg == "reason"])
    ]
    assert silent == []


def test_a_case_holds_or_fails_and_is_written_anew_where_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.toml"
    path.write_text('# kept\nshows = "one"\nlog = "line"\n\n[expected]\nformat = "json"\nignored = 4\n')
    case = CaseFile(path, {"log": "line"}, {"format": "json", "ignored": 4})
    moment = datetime(2025, 6, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    found = {"format": "clf", "events": [{"time": moment, "agent": 'a "\\', "path": "it's \"\x1b\x7f", "status": 200, "ci": True}, {"time": moment}]}
    monkeypatch.delenv(UPDATE, raising=False)
    case.hold(dict(case.expected))
    with pytest.raises(AssertionError):
        case.hold(found)
    monkeypatch.setenv(UPDATE, "1")
    with pytest.raises(AssertionError, match=r"one\.toml was written anew") as told:
        case.hold(found)
    assert '\n-format = "json"\n' in str(told.value)
    assert '\n+format = "clf"\n' in str(told.value)
    written = tomllib.loads(path.read_text())
    assert path.read_text().startswith("# kept\n")
    assert (written["log"], written["expected"]) == ("line", found)
    CaseFile(path, {}, written["expected"]).hold(found)


def test_a_soak_tries_all_and_a_usual_run_some_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for soak, tried, kept in ((0, (10, 5, 3), [1, 6]), (1, (100, 20, 3), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), (10, (1000, 200, 30), list(range(10)))):
        monkeypatch.setattr(effort, "SOAK", soak)
        assert tuple(map(effort.count_examples, (100, 20, 3))) == tried
        assert effort.some(range(10), first=1) == kept


def test_a_usual_run_tries_each_value_of_each_axis_and_a_soak_all_combinations(monkeypatch: pytest.MonkeyPatch) -> None:
    axes = ("abcd", range(3), [True, False])
    for soak in (0, 1):
        monkeypatch.setattr(effort, "SOAK", soak)
        tried = effort.across(*axes)
        assert len(set(tried)) == len(tried) == (24 if soak else 4)
        assert [set(values) for values in zip(*tried, strict=True)] == [set(axis) for axis in axes]
