"""Rules change: what a store holds is derived anew as a fresh ingest would have it."""

from __future__ import annotations

import gzip
import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pullstats.enrich.rulebook import RuleSources
from pullstats.enrich.tables import load_own
from pullstats.pipeline import rebuild as module
from pullstats.pipeline.doctor import examine
from pullstats.pipeline.rebuild import rebuild
from pullstats.store import open_store
from support.command import pullstats, take_into
from support.effort import SOAK
from support.places import SAMPLES

RULES = """
[[agent]]
client = "skopeo-x"
kind = "ci"
starts = ["skopeo/"]
samples = ["skopeo/1.9.3"]

[[agent]]
client = "docker"
kind = "container-runtime"
pattern = '^docker/(?P<version>[0-9.]+).* os/(?P<os>\\w+)'
samples = ["docker/24.0.7 go/go1.20 os/windows arch/amd64"]

[[path]]
name = "api"
package_type = "generic"
pattern = '^/v2/(?P<name>orchard/[^/]+)/manifests/(?P<version>[^/]+)$'
samples = ["/v2/orchard/api/manifests/1.0"]

[[network]]
type = "education"
as_numbers = [15169, 2501]
"""


@pytest.fixture(name="rules", scope="module")
def _rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "mine.toml"
    path.write_text(RULES)
    return path


@pytest.fixture(name="logs", scope="module")
def _logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the beginnings of the bundled logs; all of them in a soak."""
    folder = tmp_path_factory.mktemp("logs")
    for path in SAMPLES.glob("*log*"):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        (folder / path.name.removesuffix(".gz")).write_bytes(b"".join(data.splitlines(keepends=True)[: None if SOAK else 300]))
    return folder


@pytest.fixture(name="read", scope="module")
def _read(tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Path:
    """Give a store of the logs, read by the bundled rules; nobody writes to it."""
    store = tmp_path_factory.mktemp("read") / "store"
    take_into(store, logs)
    return store


@pytest.fixture(name="store")
def _store(tmp_path: Path, read: Path) -> Path:
    return Path(shutil.copytree(read, tmp_path / "store"))


@pytest.fixture(name="fresh", scope="module")
def _fresh(tmp_path_factory: pytest.TempPathFactory, logs: Path, rules: Path) -> pl.DataFrame:
    """Give the events of the logs, read by `RULES` from the first."""
    store = tmp_path_factory.mktemp("fresh") / "store"
    take_into(store, logs, rules=RuleSources(rules))
    return events_of(store)


def events_of(store: Path) -> pl.DataFrame:
    return open_store(store).scan_events().sort("source_id", "source_line").collect()


def die_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let a rebuild die at its file of this number, from 0; call what is given to let it live."""
    real, calls = vars(module)["rederive"], iter(range(1000))

    def die(*args: object, **named: object) -> pl.DataFrame:
        if next(calls) == number:
            raise KeyboardInterrupt
        found: pl.DataFrame = real(*args, **named)
        return found

    monkeypatch.setattr(module, "rederive", die)
    return lambda: monkeypatch.setattr(module, "rederive", real)


def test_a_rebuilt_store_is_what_a_fresh_ingest_gives(store: Path, logs: Path, fresh: pl.DataFrame, rules: Path) -> None:
    before = events_of(store)
    summary = rebuild(store, rules=RuleSources(rules))
    after = events_of(store)
    assert after.equals(fresh)
    assert summary.events == before.height == after.height
    assert 0 < summary.changed < before.height
    assert {"user_agent_name", "origin_id", "package_type", "network_type", "is_ci"} <= summary.columns.keys()
    take_into(store, logs, rules=RuleSources(rules))
    assert events_of(store).equals(after)  # the logs once more add nothing
    back = rebuild(store)
    assert back.changed == summary.changed
    assert events_of(store).equals(before)


def test_the_same_rules_change_nothing(read: Path) -> None:
    files = open_store(read).event_files()
    summary = rebuild(read)
    assert summary.files == 0
    assert open_store(read).rule_sets().keys() == {summary.rule_set_version}
    assert open_store(read).event_files() == files


def test_a_dry_run_keeps_the_store(read: Path, rules: Path) -> None:
    before, files = events_of(read), open_store(read).event_files()
    assert rebuild(read, rules=RuleSources(rules), is_dry_run=True).changed > 0
    assert open_store(read).event_files() == files
    assert events_of(read).equals(before)


def test_a_rebuild_that_dies_goes_on_where_it_stopped(store: Path, fresh: pl.DataFrame, rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mend = die_at(1, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        rebuild(store, rules=RuleSources(rules))
    assert len(open_store(store).rule_sets()) == 2
    assert events_of(store).height == fresh.height
    mend()
    rebuild(store, rules=RuleSources(rules))
    assert events_of(store).equals(fresh)


ARM, AMD, OTHER = (f"sha256:{letter * 64}" for letter in "abc")
INDEX = {
    "manifests": [
        {"digest": ARM, "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": AMD, "platform": {"os": "linux", "architecture": "amd64"}},
    ]
}


@pytest.fixture(name="digests")
def _digests(tmp_path: Path) -> Path:
    path = tmp_path / "index.json"
    path.write_text(json.dumps(INDEX))
    return path


@pytest.fixture(name="asked")
def _asked(tmp_path: Path) -> Path:
    """Write a log of manifests by tag and digest, of blobs and of referrers, over five days; the last holds no digest that the index names."""
    paths = [f"manifests/{ARM}", f"manifests/{AMD}", f"manifests/{OTHER}", "manifests/latest", f"blobs/{ARM}", f"blobs/{OTHER}", f"referrers/{AMD}"]
    line = '203.0.113.{n} - - [0{day}/Nov/2026:03:04:{n:02} +0000] "{method} /v2/acme/api/{path} HTTP/1.1" 200 5 "-" "containerd/1.7"\n'
    days = dict.fromkeys(range(1, 5), paths) | {5: ["manifests/latest", f"blobs/{OTHER}"]}
    rows = [(day, n, method, path) for day, asked in days.items() for n, path in enumerate(asked, 1) for method in ("HEAD", "GET")]
    log = tmp_path / "asked.log"
    log.write_text("".join(line.format(day=day, n=n, method=method, path=path) for day, n, method, path in rows))
    return log


def changes(before: pl.DataFrame, after: pl.DataFrame) -> dict[str, int]:
    """Count, column by column, the rows that are not what they were."""
    pairs = {name: sum(one != other for one, other in zip(before[name], after[name], strict=True)) for name in before.columns}
    return {name: count for name, count in pairs.items() if count}


@pytest.mark.parametrize("has_rules", [False, True])
def test_digests_change_in_a_store_what_its_dry_run_says_and_once(
    *, has_rules: bool, tmp_path: Path, asked: Path, digests: Path, rules: Path
) -> None:
    options: dict[str, Any] = {"key_file": tmp_path / "key", "digests": (digests,), "rules": RuleSources(rules if has_rules else None)}
    store = tmp_path / "store"
    take_into(store, asked, key_file=tmp_path / "key")
    before, files = events_of(store), open_store(store).event_files()
    said = rebuild(store, is_dry_run=True, **options)
    assert open_store(store).event_files() == files
    done = rebuild(store, **options)
    after = events_of(store)
    kept = set(files) & set(open_store(store).event_files())
    assert (said.files, said.events, said.changed, said.columns) == (done.files, done.events, done.changed, done.columns)
    assert changes(before, after) == done.columns
    assert done.changed == sum(one != other for one, other in zip(before.iter_rows(), after.iter_rows(), strict=True)) > 0
    assert len(kept) == (0 if has_rules else 1)  # of the last day, of which nothing is told
    take_into(tmp_path / "fresh", asked, key_file=tmp_path / "key", digests=(digests,), rules=options["rules"])
    assert after.equals(events_of(tmp_path / "fresh"))
    files = open_store(store).event_files()
    for is_dry_run in (True, False):
        again = rebuild(store, is_dry_run=is_dry_run, **options)
        assert (again.files, again.events, again.changed, again.columns) == (0, 0, 0, {})
    assert open_store(store).event_files() == files


def test_a_rebuild_with_digests_that_dies_goes_on_where_it_stopped(
    tmp_path: Path, asked: Path, digests: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    take_into(store, asked, key_file=tmp_path / "key")
    options: dict[str, Any] = {"key_file": tmp_path / "key", "digests": (digests,)}
    whole = rebuild(store, is_dry_run=True, **options)
    mend = die_at(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        rebuild(store, **options)
    mend()
    left = rebuild(store, is_dry_run=True, **options)
    assert (left.files, left.changed) == (whole.files - 2, whole.changed // 2)  # two of four equal days
    assert rebuild(store, **options).changed == left.changed
    take_into(tmp_path / "fresh", asked, key_file=tmp_path / "key", digests=(digests,))
    assert events_of(store).equals(events_of(tmp_path / "fresh"))


def test_compaction_keeps_the_rule_set(store: Path) -> None:
    found = open_store(store)
    before = found.rule_sets()
    with found.lock():
        found.compact()
    assert found.rule_sets() == before


def test_unknown_agents_and_paths_most_frequent_first(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    line = '203.0.113.{n} - - [02/Nov/2026:03:04:{n:02}+0000] "GET {path} HTTP/1.1" 200 5 "-" "{agent}"\n'.replace("}+0000", "} +0000")
    rows = [
        ("/odd/1/thing", "oddly/1.0 =cmd|x"),
        ("/odd/2/thing", "oddly/1.0 =cmd|x"),
        ("/rare", "seldom/2 \x1b[31m"),
        ("/simple/django/", "pip/23.1"),
    ]
    log.write_text("".join(line.format(n=number, path=path, agent=agent) for number, (path, agent) in enumerate(rows)))
    take_into(tmp_path / "store", log, key_file=tmp_path / "key")
    found = examine(tmp_path / "store")
    said = [(row["unknown"], row["value"], row["requests"]) for row in found.unknown.to_dicts()]
    assert said == [("agent", "oddly/1.0 =cmd|x", 2), ("agent", "seldom/2 \x1b[31m", 1), ("path", "/odd/{n}/thing", 2), ("path", "/rare", 1)]
    assert found.share == {"agent": 0.75, "path": 0.75}
    hints = found.hints()
    assert hints.isprintable() is False  # newlines, and nothing else
    assert hints.replace("\n", "").isprintable()
    own = tmp_path / "hints.toml"
    own.write_text(hints)
    assert [rule["client"] for rule in tomllib.loads(hints)["agent"]] == ["oddly", "seldom"]
    assert len(load_own(own).rows["path"]) == 2
    assert rebuild(tmp_path / "store", rules=RuleSources(own), key_file=tmp_path / "key").changed > 0


@pytest.fixture(name="run")
def _run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: str | None = None) -> str:
        return pullstats(*arguments, stdin=stdin).out

    return call


def test_clients_test_says_which_rule_and_why(run: Callable[..., str]) -> None:
    said = run("clients", "test", "docker/24.0.7 go/go1.20.10 kernel/5.15.0-1041-azure os/linux arch/amd64")
    assert "docker (agents/containers.toml)" in said
    assert "names a kernel with -azure" in said
    row = json.loads(
        run("clients", "test", "-", "--format", "ndjson", stdin="pip/23.1 {\\x22ci\\x22:true,\\x22installer\\x22:{\\x22name\\x22:\\x22uv\\x22}}\n")
    )
    assert (row["client"], row["ci"], row["reasons"]["ci"]) == ("uv", True, 'the agent says "ci":true')


def test_packages_test_reads_paths_and_objects(run: Callable[..., str]) -> None:
    said = run("packages", "test", "-", "--format", "ndjson", stdin='/react\n{"path": "/react", "hint": "npm", "status": 404}\n{bad\n')
    rows = [json.loads(line) for line in said.splitlines()]
    assert [row["ecosystem"] for row in rows] == [None, "npm", None]
    assert [row["needs_hint"] for row in rows] == [True, True, False]
