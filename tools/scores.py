"""Print how much of the labelled agents and paths is read right: fields × sets, with the worst misses.

make scores
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from pullstats.enrich.agent import Agent
from pullstats.enrich.agents import classify_agents
from pullstats.enrich.escapes import unescape
from pullstats.enrich.packages import action_by_method, classify_paths

DATA: Final = Path(__file__).parent.parent / "tests" / "data"
_TAKEN: Final = (200, 301, 302, 303, 307, 308)
_TYPE_OF_LABEL: Final = {"go": "golang", "rubygems": "gem", "apt": "deb", "github-release": "github", "other": None}
_SHOWN: Final = 5


def main() -> None:
    """Score the labelled sets that the repository holds, or others in the same form."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=Path, default=DATA / "agents" / "registry_uas_dev.jsonl")
    parser.add_argument("--paths", type=Path, default=DATA / "packages" / "paths_dev.jsonl")
    asked = parser.parse_args()
    labelled, read = read_agents(asked.agents)
    show("agents", labelled, read, ("client", "version", "kind", "os", "arch", "ci", "runtime", "env"), "ua")
    labelled, read = read_paths(asked.paths)
    show("paths", labelled, read, ("ecosystem", "package", "version", "action", "os", "arch", "counts_as_download"), "path")


def load(path: Path) -> list[dict[str, Any]]:
    """Read labels, one JSON object a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def read_agents(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give labels, and what the rules read."""
    labels = load(path)
    rows = classify_agents(pl.Series([unescape(row["ua"]) for row in labels], dtype=pl.String)).rows()
    return labels, [describe_agent(Agent(*row)) for row in rows]


def describe_agent(agent: Agent) -> dict[str, Any]:
    """Name an agent's fields as the labels do."""
    runtime = f"{agent.runtime}/{agent.runtime_version}" if agent.runtime else None
    said = {"client": agent.name, "version": agent.version, "kind": agent.kind, "os": agent.os, "arch": agent.arch}
    return said | {"ci": agent.is_ci, "runtime": runtime, "env": agent.environment}


def read_paths(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give labels, with ecosystems as purl types, and what the rules read with the labels' hints."""
    labels = [row | {"ecosystem": _purl(row["ecosystem"])} for row in load(path)]
    hints = pl.Series([_purl(row.get("hint")) for row in labels], dtype=pl.String)
    methods = pl.Series("method", [row["method"] for row in labels])
    found = classify_paths(pl.Series([row["path"] for row in labels]), hints)
    found = found.with_columns(methods).with_columns(action=action_by_method(pl.col("method"), pl.col("action")))
    columns = {
        "ecosystem": "package_type",
        "package": "package_name",
        "version": "package_version",
        "action": "action",
        "os": "package_os",
        "arch": "package_arch",
    }
    read = []
    for label, row in zip(labels, found.iter_rows(named=True), strict=True):
        is_taken = label["method"] == "GET" and label["status"] in _TAKEN and row["is_downloadable"]
        read.append({name: row[column] for name, column in columns.items()} | {"counts_as_download": is_taken})
    return labels, read


def _purl(ecosystem: str | None) -> str | None:
    return _TYPE_OF_LABEL.get(ecosystem, ecosystem) if ecosystem else None


def show(title: str, labels: list[dict[str, Any]], read: list[dict[str, Any]], fields: Iterable[str], key: str) -> None:
    """Print a table, then the misses of every field."""
    print(f"{title}: {len(labels):,}")
    misses: dict[str, list[tuple[Mapping[str, Any], Any]]] = {}
    for name in fields:
        alike = loosely if name in ("client", "version") else exactly
        misses[name] = [(label, found[name]) for label, found in zip(labels, read, strict=True) if not alike(label[name], found[name])]
        print(f"  {name:<20} {1 - len(misses[name]) / max(1, len(labels)):.4f}   {len(misses[name])} wrong")
    for name, wrong in misses.items():
        for label, found in wrong[:_SHOWN]:
            print(f"    {name}: {label[name]!r} read as {found!r} in {label[key][:120]!r}")


Compare = Callable[[Any, Any], bool]


def exactly(label: Any, found: Any) -> bool:
    """Compare values as they are."""
    return bool(label == found)


def loosely(label: Any, found: Any) -> bool:
    """Compare without case, a leading v, and the spelling of blanks."""
    return bool(_plain(label) == _plain(found))


def _plain(value: Any) -> Any:
    return value.lower().replace("_", "-").replace(" ", "-").removeprefix("v") if isinstance(value, str) else value


if __name__ == "__main__":
    main()
