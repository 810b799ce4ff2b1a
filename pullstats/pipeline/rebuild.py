"""The way from old rules to new ones: derived columns of the store, without the logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from pullstats.enrich import RuleSources, load_digests, load_rules
from pullstats.enrich.rederive import rederive
from pullstats.pipeline.asking import ask_store
from pullstats.pipeline.key_check import check_key
from pullstats.store import derive_events, open_store, rewrite_events
from pullstats.store.snapshot import LiveFile


@dataclass(slots=True)
class RebuildSummary:
    """What a rebuild did.

    Attributes:
        files: files written anew, or that would be: those that other rules had made, and those in which digests change something.
        events: events in them.
        changed: events of which a column is now another.
        columns: by column, how many events it changed in.
        before: events by the rule set that had derived them.
        rule_set_version: the rule set now.
        is_dry_run: nothing was kept.
        warnings: files that were left as they are, and why.
    """

    files: int
    events: int
    changed: int
    columns: dict[str, int]
    before: dict[str, int]
    rule_set_version: str
    is_dry_run: bool
    warnings: tuple[str, ...] = ()


def rebuild(
    store: Path,
    *,
    rules: RuleSources | None = None,
    digests: tuple[Path, ...] = (),
    key_file: Path | None = None,
    is_dry_run: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    lock_timeout: float = 0,
) -> RebuildSummary:
    """Derive agent, package and network columns of a store anew.

    Args:
        store: folder of the store.
        rules: where the user's own rules and routes are; None for the usual folder.
        digests: image indexes that name the platform of a digest; with them, every file is looked at.
        key_file: the key of the hashes, None for the user's own.
        is_dry_run: count what would change, change nothing.
        tell: takes a sentence on what may take its time before the first file is read.
        lock_timeout: seconds to wait for another process that writes.

    Raises:
        UserError: rules, key or store that cannot be used; files already rebuilt stay so.
    """
    book = load_rules(rules)
    platforms = load_digests(digests) if digests else None
    opened = open_store(store)
    key = check_key(opened, key_file).key
    before, _ = ask_store(store, lambda asked: asked.rule_sets())
    summary = RebuildSummary(0, 0, 0, {}, before, book.version, is_dry_run)

    derive = partial(rederive, rules=book, key=key, digests=platforms)
    # No version of rules tells which digests a file was read with, so that all files are looked at where some are named.
    is_every = platforms is not None
    if is_dry_run:
        _sum_up(derive_events(opened, derive, book.version, is_every=is_every), summary)
    else:
        with opened.lock(tell, lock_timeout):
            _sum_up(rewrite_events(opened, derive, book.version, is_every=is_every), summary)
            opened.sweep()
    return replace(summary, warnings=tuple(opened.warnings()))


def _sum_up(files: Iterable[tuple[LiveFile, pl.DataFrame, pl.DataFrame]], summary: RebuildSummary) -> None:
    for _, before, after in files:
        summary.files += 1
        summary.events += before.height
        _compare(before, after, summary)


def _compare(before: pl.DataFrame, after: pl.DataFrame, summary: RebuildSummary) -> None:
    differs = [before[name].ne_missing(after[name]).alias(name) for name in before.columns]
    flags = pl.DataFrame(differs)
    for name in flags.columns:
        if count := int(flags[name].sum()):
            summary.columns[name] = summary.columns.get(name, 0) + count
    summary.changed += int(flags.select(pl.any_horizontal(pl.all()).sum()).item())
