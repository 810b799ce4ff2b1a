"""User agents: the client, not the library under it, and only what the agent says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from case_files import load_cases
from hypothesis import given
from hypothesis import strategies as st

from pullstats.enrich.agents import AGENT_SCHEMA, classify_agents, load_agent_rules, read_agent
from pullstats.enrich.escapes import unescape

# 159 labelled agents of registry clients. Licence: this project's.
LABELLED = [json.loads(line) for line in (Path(__file__).parent / "data" / "agents" / "registry_uas_dev.jsonl").read_text().splitlines()]
BY_HAND = load_cases("agents", {"agents"})[0][1]["agents"]


@pytest.mark.parametrize("case", BY_HAND, ids=lambda case: f"{case['name']}-{case['agent'][:20]}")
def test_agents_read_by_hand(case: dict[str, Any]) -> None:
    found = read_agent(case["agent"])
    assert (found.name, found.version, found.kind) == (case["name"], case.get("version"), case["kind"])
    assert (found.os, found.arch, found.is_ci, found.environment) == (case.get("os"), case.get("arch"), case.get("ci"), case.get("environment"))


@pytest.mark.parametrize("field", ["client", "version", "kind", "os", "arch", "ci"])
def test_labelled_agents_are_read_right(field: str) -> None:
    names = {"client": "name", "version": "version", "kind": "kind", "os": "os", "arch": "arch", "ci": "is_ci"}
    misses = [(row["ua"], row[field], found) for row in LABELLED if (found := getattr(read_agent(unescape(row["ua"])), names[field])) != row[field]]
    assert len(misses) <= len(LABELLED) * 0.01, misses


def test_no_beginning_is_claimed_twice() -> None:
    starts = Counter(start for rule in load_agent_rules() for start in rule.starts)
    assert not [start for start, count in starts.items() if count > 1]


def test_every_rule_names_what_its_beginning_says() -> None:
    for rule in load_agent_rules():
        for start in rule.starts:
            assert read_agent(f"{start}1.0" if start.endswith("/") else f"{start} 1.0").name == rule.client, start


@given(st.text(max_size=200))
def test_any_text_is_one_row(text: str) -> None:
    frame = classify_agents(pl.Series([text, None], dtype=pl.String))
    assert frame.schema == AGENT_SCHEMA
    assert frame.height == 2
    assert frame["user_agent_name"].null_count() == 0


def test_long_and_broken_agents_do_not_hang() -> None:
    for text in (
        "a" * 100_000,
        "docker/" + "(" * 50_000,
        'pip/1 {"installer":' + "{" * 50_000,
        "Mozilla/5.0 " + "x/1 " * 30_000,
        "\x00\u202e" * 1000,
    ):
        assert read_agent(text).name
