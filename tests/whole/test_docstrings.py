"""What a signature does not say, a docstring does: columns of frames, fields of values, each of several parameters; and it names nothing that is not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from support.places import ROOT

FRAME = re.compile(r"\b(?:DataFrame|LazyFrame)\b")
SEE = re.compile(r"[Ss]ee `(\w+)`")
ARGUMENT = re.compile(r"^    \*{0,2}(\w+):", re.MULTILINE)
ARGUMENTS = re.compile(r"^Args:\n((?:    .*\n?|\n)*)", re.MULTILINE)
SEVERAL = 3
"""Parameters from which on each is named."""


@dataclass(frozen=True)
class Told:
    """A public function or value: what it is called, what it says of itself, and the types of its parameters or fields."""

    name: str
    text: str
    types: dict[str, str]
    result: str = ""
    is_value: bool = False


def read(source: str, name: str) -> Iterator[Told]:
    """List the public functions, methods and values of a module."""
    for item in ast.parse(source).body:
        if isinstance(item, ast.ClassDef) and not item.name.startswith("_"):
            fields = {
                one.target.id: ""
                for one in item.body
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.target.id[0] != "_"
            }
            is_value = any("dataclass" in ast.unparse(one) for one in item.decorator_list) or "NamedTuple" in map(ast.unparse, item.bases)
            if is_value:
                yield Told(f"{name}.{item.name}", ast.get_docstring(item) or "", fields, is_value=True)
            yield from (told for one in item.body for told in read_function(one, f"{name}.{item.name}"))
        else:
            yield from read_function(item, name)


def read_function(item: ast.stmt, name: str) -> Iterator[Told]:
    if not isinstance(item, ast.FunctionDef) or item.name.startswith("_"):
        return
    given = item.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *(one for one in (given.vararg, given.kwarg) if one)]
    types = {one.arg: ast.unparse(one.annotation) if one.annotation else "" for one in every if one.arg not in {"self", "cls"}}
    yield Told(f"{name}.{item.name}", ast.get_docstring(item) or "", types, ast.unparse(item.returns) if item.returns else "")


@cache
def read_all(*stages: str) -> tuple[Told, ...]:
    paths = sorted(path for stage in stages for path in (ROOT / "pullstats" / stage).rglob("*.py"))
    return tuple(told for path in paths for told in read(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()))


def is_named(text: str, name: str) -> bool:
    return re.search(rf"`[^`\n]*\b{re.escape(name)}\b[^`\n]*`|^ *\**{re.escape(name)}: ", text, re.MULTILINE) is not None


def find_faults(told: Told) -> list[str]:
    """Say what a docstring keeps to itself; one that points to another (see `Count`) has it said there."""
    if told.is_value:
        return [f"{told.name}: the field {name} is not described" for name in told.types if not is_named(told.text, name)]
    if SEE.search(told.text):
        return []
    frames = [name for name, kind in told.types.items() if FRAME.search(kind)]
    wanted = list(told.types) if len(told.types) >= SEVERAL else frames
    faults = [f"{told.name}: the parameter {name} is not described" for name in wanted if not is_named(told.text, name)]
    if (frames or FRAME.search(told.result)) and "`" not in told.text:
        faults.append(f"{told.name}: no column of its frame is named")
    return faults


def test_what_a_signature_does_not_say_is_said_in_the_half_that_answers() -> None:
    everything = read_all("metrics", "render")
    assert len(everything) > 400
    assert not [fault for told in everything for fault in find_faults(told)]


def test_no_docstring_names_what_is_not_there() -> None:
    """A parameter that went leaves its description behind; a thing that is renamed, the pointer to it."""
    everything = read_all("")
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "pullstats").rglob("*.py"))
    words = set(re.findall(r"^ *(?:class|def)? ?(\w+)(?=\(|:| = )", code, re.MULTILINE))
    assert len(everything) > 1_000
    for told in everything:
        listed = ARGUMENTS.search(told.text)
        if listed and not told.is_value:
            assert set(ARGUMENT.findall(listed[1])) <= set(told.types), told.name
        assert set(SEE.findall(told.text)) <= words, told.name


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ('def keep(rows: pl.LazyFrame) -> None:\n    """Keep rows."""', "parameter rows"),
        ('def find() -> pl.DataFrame:\n    """Give a row an owner."""', "no column"),
        ('def cut(a: int, b: int, c: int) -> None:\n    """Cut.\n\n    Args:\n        a: one.\n        b: two.\n    """', "parameter c"),
        ('@dataclass\nclass Pair:\n    """Two.\n\n    Attributes:\n        a: one.\n    """\n    a: int\n    b: int', "field b"),
    ],
)
def test_what_is_kept_silent_is_found(source: str, fault: str) -> None:
    (found,) = [one for told in read(source, "made_up") for one in find_faults(told)][:1]
    assert fault in found
