"""Planted values, by spelling and place: none is left in any form in the store or in what is printed; what is no secret stays.

`python -m support.planting`, run in `tests/`, prints the table.
"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from pullstats.cli import run
from pullstats.enrich.agents import classify_agents
from pullstats.enrich.packages import classify_paths
from pullstats.enrich.redact import redact_values
from pullstats.enrich.redaction_rules import load_rules
from pullstats.pipeline.rebuild import rebuild
from support.places import DATA
from support.planting import ADDRESSES, SPELLINGS, cells, is_left, left_over, write_line


def test_planted_lines_became_events_or_rejects() -> None:
    _, events, rejects = left_over()
    places = [place.startswith("reject") for _, place, _ in cells()]
    assert (events, rejects) == (places.count(False), places.count(True))


@pytest.mark.parametrize("spelling", [*SPELLINGS, *ADDRESSES])
def test_nothing_planted_is_left(spelling: str) -> None:
    assert spelling in {one for one, _, _ in cells()}
    assert not [place for one, place, number in cells() if one == spelling and is_left(spelling, number)]


COORDINATES = [
    "/@scope/name/-/name-1.2.3.tgz", "/@scope%2fname", "/lodash@4.17.21/lodash.min.js", "/npm/react@18/umd/react.min.js", "/npm:chalk@5.3.0/index.js",
    "/gh/owner/repo@v1.2.3/file.js", "/gh/owner/repo@main/file.js", "/npm/left-pad@next.min.js", "/github.com/o/r/@v/v1.0.0.info", "/github.com/o/r/@latest",
    "/v2/app:1.2@sha256:0123456789abcdef/x", "/v2/acme/token/manifests/1.2.3.4", "/v2/acme/user/manifests/latest", "/v2/users/app/manifests/latest",
    "/api/v1/crates/users/1.0.0/download", "/api/v1/crates/cookie/0.18.0/download", "/simple/pypi-simple/", "/packages/ab/cd/pypi_simple-1.0.tar.gz",
    "/python@3.11--3.11.6.arm64_sonoma.bottle.tar.gz", "/pool/main/o/openssl/openssl_1.1.1k-1+deb11u2_amd64.deb", "/com/foo/bar/1.0/bar-1.0.jar",
    "/v2/token?scope=repository:acme/password:pull&service=registry.example", "scope=repository%3Aacme%2Fcookie%3Apull,push", "git@github.com:o/r.git",
    "com.foo:bar:1.0@aar", "pkg:npm/%40scope/name@1.0.0", "docker/24.0.7 go/go1.20.10 git-commit/311b9ff kernel/5.15.0-91-generic os/linux arch/amd64 UpstreamClient(x)",
    'pip/24.0 {"ci":null,"cpu":"x86_64","installer":{"name":"pip","version":"24.0"},"python":"3.11.2"}', "Chrome/120.0.0.0 Safari/537.36",
    "/token-service/1.0/x", "/asia-docker.pkg.dev/v2/x", "/s.js", "/hub/tags?page_size=100&last=v1", "/v2/_catalog?n=100&last=a%2Fb",
]  # fmt: skip


@pytest.mark.parametrize("text", COORDINATES)
def test_what_names_a_package_stays(text: str) -> None:
    assert redact_values(pl.Series([text])).item() == text


def sample_values(name: str, key: str) -> list[str]:
    return [json.loads(line)[key] for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("packages/paths_dev.jsonl", "path"),
        ("agents/registry_uas_dev.jsonl", "ua"),
        ("agents/linehaul.jsonl", "ua"),
        ("agents/crawler_instances.jsonl", "agent"),
    ],
)
def test_no_sample_is_read_otherwise_for_it(name: str, key: str) -> None:
    texts = pl.Series(sample_values(name, key)).unique(maintain_order=True)
    clean = redact_values(texts)
    read = classify_paths if key == "path" else classify_agents
    assert read(clean).equals(read(texts))
    if key == "path" or "crawler" not in name:
        assert clean.equals(texts)


def test_rebuilding_from_what_was_kept_is_a_fresh_ingest(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    samples = [*sample_values("packages/paths_dev.jsonl", "path"), *(path for path in COORDINATES if path.startswith("/"))]
    planted = "".join(f"{write_line(*cell)}\n" for cell in cells() if cell[1] in ("path", "query", "agent"))
    agents = sample_values("agents/registry_uas_dev.jsonl", "ua")
    lines = [
        json.dumps(
            {
                "time": "2026-03-02T00:00:01Z",
                "remote_addr": "192.0.2.9",
                "request": f"GET {path} HTTP/1.1",
                "status": 200,
                "http_user_agent": agents[number % len(agents)],
            }
        )
        for number, path in enumerate(samples)
    ]
    log.write_text("".join(f"{line}\n" for line in lines) + planted)
    assert run(["ingest", "-q", str(log), "--store", str(tmp_path / "s")]) == 0
    summary = rebuild(tmp_path / "s", is_dry_run=True)
    assert summary.changed == 0, summary.columns


def test_every_shape_has_a_source() -> None:
    assert all(rule["source"] and rule["hints"] for rule in [*load_rules()["shape"], *load_rules()["place"]])
