"""Load test cases from TOML: what it shows, an input, what is expected."""

from __future__ import annotations

import tomllib
from typing import Any

from support.places import CASES


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
