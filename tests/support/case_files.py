"""Cases in TOML files: what one shows, what is given, what is expected of it; `pytest --update-cases` writes anew what is expected."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from support.places import CASES

UPDATE: Final = "PULLSTATS_UPDATE_CASES"
"""Set by `--update-cases`, for the workers too."""
_HEAD = "\n[expected]\n"


def load_cases(stage: str, allowed: set[str]) -> list[tuple[str, dict[str, Any]]]:
    """Load all cases of a stage as (name, case); a key that is not allowed is an error."""
    cases = []
    for path in sorted((CASES / stage).rglob("*.toml")):
        case = tomllib.loads(path.read_text(encoding="utf-8"))
        unknown = set(case) - allowed - {"shows"}
        assert not unknown, f"{path}: unknown keys {sorted(unknown)}"
        assert case.get("shows"), f"{path}: says not what it shows"
        cases.append((path.stem, case))
    assert cases, f"no cases for {stage}"
    return cases


@dataclass(frozen=True)
class CaseFile:
    """One case: the file it stands in, what is given, what is expected."""

    path: Path
    given: dict[str, Any]
    expected: dict[str, Any]

    def hold(self, found: dict[str, Any]) -> None:
        """Fail unless what was found is what is expected; with `--update-cases`, write it into the file and fail with what changed there."""
        if not os.environ.get(UPDATE):
            assert found == self.expected
        elif found != self.expected:
            raise AssertionError(f"{self.path.name} was written anew:\n{self.rewrite(found)}")

    def rewrite(self, found: dict[str, Any]) -> str:
        """Write into the file what was found; give the changed lines."""
        before = self.path.read_text(encoding="utf-8")
        after = before.partition(_HEAD)[0] + _HEAD + "".join(f"{key} = {write_value(value)}\n" for key, value in found.items())
        self.path.write_text(after, encoding="utf-8")
        return "\n".join(difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="", n=1))


def load_case_files(stage: str, given: set[str], expected: set[str]) -> list[CaseFile]:
    """Load the cases of a stage, each a file of its own with what is given and a table `expected`."""
    found = load_cases(stage, given | {"expected"})
    cases = [CaseFile(CASES / stage / f"{name}.toml", case, case.get("expected", {})) for name, case in found]
    for case in cases:
        unknown = set(case.expected) - expected
        assert not unknown, f"{case.path}: unknown keys {sorted(unknown)} in expected"
    return cases


def write_value(value: Any) -> str:
    """Write a value in TOML: the rows of a list each on a line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {write_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[\n" + "".join(f"  {write_value(item)},\n" for item in value) + "]"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, str) and re.fullmatch(r"[^'\x00-\x1f\x7f]*", value) and re.search(r'["\\]', value):
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
