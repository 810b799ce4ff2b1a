"""What pullstats says of a labelled log: ingested, asked, and put beside the truth."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from pullstats.ids import write_ids
from pullstats.store.store import open_store
from support.command import pullstats, take_into
from support.labelled.build import write_log
from support.labelled.scoring import Estimate, Judged, label_of
from support.labelled.town import Town, Who

_AS_IT_IS = {"mirror": "mirror", "update-poller": "updater", "scanner": "scanner", "probe": "probe", "bot": "bot", "browser": "browser"}


def take_in(town: Town, folder: Path) -> Path:
    """Ingest a town's log into a store of its own, with addresses, so that the truth finds its origin."""
    folder.mkdir(exist_ok=True)
    log, store = folder / "access.log", folder / "store"
    write_log(town, log)
    take_into(store, log, keep_addresses=True)
    return store


def ask(store: Path, *arguments: str) -> Any:
    """Run a command of pullstats and read its JSON."""
    return pullstats(*arguments, "--store", store, "--format", "json").rows


def find_origins(store: Path) -> pl.DataFrame:
    """Give each origin's id, address, agent, and what agent and network say of it."""
    columns = ["origin_id", "client_address", "user_agent_original", "user_agent_kind", "user_agent_name", "network_type", "is_ci"]
    events = open_store(store).scan_events(columns)
    return events.unique().with_columns(origin=write_ids(pl.col("origin_id"))).collect()


def use_case(kind: str | None, client: str | None, network: str | None) -> str:
    """Say what `docker-use-case` would: who is on a cloud is no developer, whatever they do."""
    on_cloud = network in ("cloud", "hosting")
    if kind in _AS_IT_IS:
        return _AS_IT_IS[kind]
    if on_cloud:
        return "production" if kind == "ci" or client in ("containerd", "cri-o") else "ci"
    return "ci" if kind == "ci" else "development"


def judge(town: Town, store: Path, said: list[dict[str, Any]] | None = None) -> list[Judged]:
    """Put what is said of each origin beside why it came.

    Args:
        town: the truth.
        store: its log, ingested.
        said: rows of `behaviour`, which is asked if they are not given.
    """
    rows = ask(store, "behaviour", "--window", "all", "--limit", "0") if said is None else said
    classes = {row["origin"]: row for row in rows}
    labels, kinds = town.labels(), town.kinds()
    merged: dict[str, tuple[Counter[str], Who, str]] = {}
    for row in find_origins(store).iter_rows(named=True):
        who = (row["client_address"], row["user_agent_original"])
        baseline = use_case(row["user_agent_kind"], row["user_agent_name"], row["network_type"])
        merged.setdefault(row["origin"], (Counter(), who, baseline))[0].update(labels[who])
    return [
        Judged(origin, label_of(found), kinds[who], found.total(), *_said(classes.get(origin)), baseline, _evidence(classes.get(origin)))
        for origin, (found, who, baseline) in merged.items()
    ]


def count_instances(town: Town, store: Path, *, by_version: bool) -> list[Estimate]:
    """Put the estimate of running instances beside the machines that poll, by package or by package and tag."""
    truth: Counter[tuple[str, str | None]] = Counter()
    for machine in town.machines:
        if machine.version or not by_version:
            truth[machine.package, machine.version if by_version else None] += 1
    by = "package,version" if by_version else "package"
    rows = ask(store, "report", "--metric", "instances", "--by", by, "--window", "all", "--limit", "0")
    said = {(row["package"], row.get("version")): [row[name] or 0 for name in ("instances", "instances_low", "instances_high")] for row in rows}
    return [Estimate(*key, count, *said.get(key, (0, 0, 0))) for key, count in sorted(truth.items(), key=repr)]


def _said(row: dict[str, Any] | None) -> tuple[str, float]:
    return (row["class"], float(row["score"] or 0)) if row else ("unknown", 0.0)


def _evidence(row: dict[str, Any] | None) -> tuple[str, ...]:
    return tuple(row["evidence"].split("; ")) if row else ()
