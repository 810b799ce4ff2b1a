"""Request paths: every ecosystem's forms, labelled requests, disjoint rules, any text."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.enrich import packages, path_rules
from pullstats.enrich.canonical_paths import canonical_paths
from pullstats.enrich.packages import PACKAGE_SCHEMA, action_by_method, classify_paths, client_ecosystem
from pullstats.enrich.path_reading import take_rules
from pullstats.enrich.path_rules import Family, PathRule, load_families, load_hinted_rules
from pullstats.enrich.platforms import load_vocabularies
from pullstats.enrich.tables import read_table
from support.case_files import load_cases
from support.effort import examples
from support.places import DATA

LABELLED = DATA / "packages" / "paths_dev.jsonl"
TYPE_OF_LABEL = {"go": "golang", "rubygems": "gem", "apt": "deb", "github-release": "github", "other": None}
COUNTED = {200, 301, 302, 303, 307, 308}
COLUMN_OF_KEY = {
    "type": "package_type",
    "name": "package_name",
    "version": "package_version",
    "os": "package_os",
    "arch": "package_arch",
    "kind": "reference_kind",
    "action": "action",
}
CASES = load_cases("packages", {"paths"})


def expected_row(entry: dict[str, Any]) -> dict[str, Any]:
    row = {column: entry.get(key) for key, column in COLUMN_OF_KEY.items()}
    row["action"] = entry.get("action", "other")
    row["is_downloadable"] = entry.get("downloadable", False)
    row["needs_hint"] = entry.get("needs_hint", False)
    if "kind" not in entry:
        del row["reference_kind"]
    return row


@pytest.mark.parametrize(("name", "case"), CASES, ids=[name for name, _ in CASES])
def test_case(name: str, case: dict[str, Any]) -> None:
    entries = case["paths"]
    for entry in entries:
        unknown = set(entry) - set(COLUMN_OF_KEY) - {"path", "hint", "downloadable", "needs_hint"}
        assert not unknown, f"{name}: unknown keys {sorted(unknown)}"
    answers = classify_paths(pl.Series([entry["path"] for entry in entries]), pl.Series([entry.get("hint") for entry in entries], dtype=pl.String))
    for entry, answer in zip(entries, answers.to_dicts(), strict=True):
        expected = expected_row(entry)
        assert {key: answer[key] for key in expected} == expected, entry["path"]


def test_every_ecosystem_has_a_case() -> None:
    shown = {entry.get("type") for _, case in CASES for entry in case["paths"]}
    assert {family.package_type for family in load_families()} <= shown


def test_labelled_requests() -> None:
    records = [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]
    hints = [TYPE_OF_LABEL.get(record["hint"], record["hint"]) for record in records]
    frame = classify_paths(pl.Series([record["path"] for record in records]), pl.Series(hints, dtype=pl.String))
    methods = pl.Series("method", [record["method"] for record in records])
    frame = frame.with_columns(methods).with_columns(action=action_by_method(pl.col("method"), pl.col("action")))
    wrong: Counter[str] = Counter()
    for record, answer in zip(records, frame.to_dicts(), strict=True):
        counts = record["method"] == "GET" and record["status"] in COUNTED and answer["is_downloadable"]
        pairs = {
            "ecosystem": (TYPE_OF_LABEL.get(record["ecosystem"], record["ecosystem"]), answer["package_type"]),
            "package": (record["package"], answer["package_name"]),
            "version": ((record["version"] or "").removeprefix("v"), (answer["package_version"] or "").removeprefix("v")),
            "action": (record["action"], answer["action"]),
            "os": (record["os"], answer["package_os"]),
            "arch": (record["arch"], answer["package_arch"]),
            "counts_as_download": (record["counts_as_download"], counts),
        }
        for field, (label, got) in pairs.items():
            if label != got:
                wrong[field] += 1
                print(f"{field}: {got!r} for {label!r}: {record['path']}")  # noqa: T201  # pytest shows it on failure
    assert all(count <= len(records) // 100 for count in wrong.values()), dict(wrong)


def claims(paths: list[str]) -> Counter[tuple[str, int]]:
    """Count, per path and level, the rules that claim it."""
    frame = canonical_paths(pl.Series(paths))
    taken = ((rule, found) for family, rule in all_rules() for _, found in take_rules(frame, family, [(rule, frame["path"].is_not_null())]))
    return Counter((paths[row], rule.fallback) for rule, found in taken for row in found["row"])


def all_rules() -> list[tuple[Family, PathRule]]:
    return [(family, rule) for family in load_families() for rule in family.rules]


def known_paths() -> list[str]:
    samples = [sample for _, rule in all_rules() for sample in rule.samples]
    labelled = [json.loads(line)["path"].split("?")[0] for line in LABELLED.read_text(encoding="utf-8").splitlines()]
    return sorted({*samples, *labelled, *(entry["path"] for _, case in CASES for entry in case["paths"])})


def test_no_two_rules_of_a_level_claim_one_path() -> None:
    found = claims(known_paths())
    assert len({path for path, _ in found}) > len(all_rules())
    assert [claim for claim, count in found.items() if count > 1] == []


@pytest.mark.parametrize(("family", "rule"), all_rules(), ids=[rule.name for _, rule in all_rules()])
def test_a_rule_takes_its_samples(family: Family, rule: PathRule) -> None:
    assert rule.samples
    answers = classify_paths(pl.Series(rule.samples))
    for sample, answer in zip(rule.samples, answers.to_dicts(), strict=True):
        assert answer["package_type"] == family.package_type, sample
        assert answer["action"] in {rule.action, "metadata"}, sample


def test_hinted_rules_take_their_samples() -> None:
    for kind, rules in load_hinted_rules().items():
        for rule in rules:
            answers = classify_paths(pl.Series(rule.samples), pl.Series([kind] * len(rule.samples)))
            assert answers["package_type"].to_list() == [kind] * len(rule.samples), rule.name
            assert answers["needs_hint"].all(), rule.name


def test_order_of_rules_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = pl.Series(known_paths())
    answers = classify_paths(paths)
    shuffled = [
        path_rules.Family(
            **{slot: getattr(family, slot) for slot in family.__slots__} | {"rules": tuple(random.sample(family.rules, len(family.rules)))}
        )
        for family in random.sample(load_families(), len(load_families()))
    ]
    monkeypatch.setattr(packages, "load_families", lambda: tuple(shuffled))
    assert classify_paths(paths).equals(answers)


@examples(60)
@given(
    st.lists(st.one_of(st.none(), st.text(max_size=60), st.text("/v2.-_@%+:~ab1", max_size=60))),
    st.sampled_from([None, "npm", "cargo", "gem"]),
)
def test_any_text_gives_a_row(texts: list[str | None], hint: str | None) -> None:
    answers = classify_paths(pl.Series(texts, dtype=pl.String), pl.Series([hint] * len(texts), dtype=pl.String))
    assert answers.schema == PACKAGE_SCHEMA
    assert answers.height == len(texts)
    assert answers["is_downloadable"].null_count() == 0
    assert (answers["action"].is_null().to_list()) == [text is None for text in texts]


def test_rows_do_not_influence_each_other() -> None:
    paths = known_paths()
    together = classify_paths(pl.Series(paths))
    apart = pl.concat([classify_paths(pl.Series(paths[start::7])) for start in range(7)])
    order = [index for start in range(7) for index in range(start, len(paths), 7)]
    assert apart.equals(together[order])


def test_a_very_long_path_and_none_at_all() -> None:
    answers = classify_paths(pl.Series(["/" + "a/" * 20_000 + "widget-1.0.zip", None, "", "*"]))
    assert answers["package_type"].null_count() == len(answers)
    assert classify_paths(pl.Series([], dtype=pl.String)).schema == PACKAGE_SCHEMA


def test_escapes_in_either_case_join() -> None:
    answers = classify_paths(pl.Series(["/@acme%2fui-kit", "/@acme%2Fui-kit", "/%40acme%2fui-kit", "/npm/@acme/ui-kit"]))
    assert answers["package_name"].unique().to_list() == ["@acme/ui-kit"]


def test_what_is_put_is_an_upload() -> None:
    rows = [("PUT", "manifest", "upload"), ("POST", "auth", "auth"), ("post", "index", "upload"), ("DELETE", "manifest", "other")]
    rows += [("GET", "download", "download"), ("HEAD", "manifest", "manifest"), ("PATCH", "upload", "upload"), ("POST", "search", "search")]
    frame = pl.DataFrame([*rows, (None, "download", "download"), ("PUT", None, None)], schema=["method", "action", "expected"], orient="row")
    assert frame.select(action_by_method(pl.col("method"), pl.col("action"))).to_series().to_list() == frame["expected"].to_list()


def test_clients_name_their_ecosystem() -> None:
    names = pl.Series(["npm", "bundler", "curl", None, "apt", "go"])
    assert client_ecosystem(names).to_list() == ["npm", "gem", None, None, "deb", "golang"]
    known = {family.package_type for family in load_families()}
    assert set(read_table("client-ecosystems.toml")["clients"].values()) | set(read_table("prefixes.toml")["types"].values()) <= known


def test_every_named_vocabulary_exists() -> None:
    named = {rule.platform or family.platform for family, rule in all_rules()} - {None}
    assert named <= set(load_vocabularies())
