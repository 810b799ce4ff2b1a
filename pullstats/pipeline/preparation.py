"""What is asked of an ingest, checked before anything is written: formats, key, rules, and the logs that were named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pullstats.clock import find_zone
from pullstats.enrich import GeoDatabase, RuleBook, TrustedProxies, load_digests, load_own_networks, load_rules, open_geo
from pullstats.errors import InputError
from pullstats.formats import Detector, choose_formats
from pullstats.pipeline.decoder import LogDecoder
from pullstats.pipeline.earlier import EarlierLogs
from pullstats.pipeline.identity import KnownLogs
from pullstats.pipeline.key_check import CheckedKey, check_key
from pullstats.pipeline.log_detection import detect_log
from pullstats.pipeline.map_check import refuse_missing_keys
from pullstats.pipeline.plan import IngestPlan
from pullstats.pipeline.refusals import refuse_log
from pullstats.sources import Expansion, Source, SourceFile, expand_paths, is_test_object, open_source, parse_expansion
from pullstats.store import is_store, open_store

if TYPE_CHECKING:
    from pullstats.enrich.enricher import Enricher


@dataclass(frozen=True, slots=True)
class FoundLog:
    """How to read a log that was looked at before the run.

    Attributes:
        log: its format and wrappers.
        inode: the file that was looked at; by now another one may have its name.
    """

    log: LogDecoder
    inode: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What makes events of lines, loaded.

    Attributes:
        make: makes the enricher, which is not needed where nothing is new.
        geo: tells country and network of an address.
        rules: tell clients, packages and networks.
        notes: what the user should know of them.
    """

    make: Callable[[], Enricher]
    geo: GeoDatabase
    rules: RuleBook
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preparation:
    """All that an ingest needs to begin.

    Attributes:
        files: the logs.
        found: how to read those that were looked at.
        detector: tells the formats of the others.
        limit: how far a compressed log may expand.
        key: the key, held against the store's.
        earlier: what was read before.
        enrichment: what makes events of lines.
        notes: what the user should know.
        failures: those of the notes that tell of logs that cannot be read.
    """

    files: tuple[SourceFile, ...]
    found: dict[SourceFile, FoundLog]
    detector: Detector
    limit: Expansion
    key: CheckedKey
    earlier: EarlierLogs
    enrichment: Enrichment
    notes: tuple[str, ...]
    failures: tuple[str, ...]

    @property
    def bytes_total(self) -> int:
        """Bytes of all logs on disk."""
        return sum(_size(file) for file in self.files)


def prepare(plan: IngestPlan) -> Preparation:
    """Check and load all that an ingest needs, and make the key where there is none yet; nothing of the store is touched.

    Args:
        plan: what to ingest, and how.

    Raises:
        UserError: a path, format, key, database or store that cannot be used.
    """
    detector = Detector(choose_formats(plan.formats))
    find_zone(plan.tz_in)
    limit = parse_expansion(plan.max_expanded)
    proxies = TrustedProxies(plan.trusted_proxies) if plan.trusted_proxies else None
    expanded = expand_paths(plan.paths, exclude=plan.store)
    there = open_store(plan.store) if is_store(plan.store) else None
    found = _check_named(expanded.files, detector, plan) if there is None else {}
    checked = check_key(there, plan.key_file, is_new_epoch=plan.is_new_key_epoch)
    earlier = EarlierLogs(there, plan.source_name, checked.unknowable_before)
    if there is not None:
        found = _check_named(expanded.files, detector, plan, KnownLogs(there, checked.key, plan.source_name, lambda: None), earlier)
    enrichment = _load_enrichment(plan, checked, proxies)
    notes = (*expanded.notes, *checked.notes, *enrichment.notes)
    return Preparation(tuple(expanded.files), found, detector, limit, checked, earlier, enrichment, notes, tuple(expanded.failures))


def _load_enrichment(plan: IngestPlan, checked: CheckedKey, proxies: TrustedProxies | None) -> Enrichment:
    digests = load_digests(plan.digests) if plan.digests else None
    geo = open_geo(plan.geo_db)
    rules = load_rules(plan.rules)
    networks = load_own_networks(plan.networks)
    stale = geo.warn_if_stale(datetime.now(UTC).date())

    def make() -> Enricher:
        from pullstats.enrich.enricher import Enricher  # noqa: PLC0415 - a log that is known needs none

        keeps = plan.keep_addresses
        return Enricher(checked.key, geo, keep_addresses=keeps, digests=digests, proxies=proxies, rules=rules, networks=networks)

    return Enrichment(make, geo, rules, (*networks.notes, *filter(None, [stale])))


def _check_named(
    files: Sequence[SourceFile], detector: Detector, plan: IngestPlan, known: KnownLogs | None = None, earlier: EarlierLogs | None = None
) -> dict[SourceFile, FoundLog]:
    """Look at the files that the user named, before anything is written: what is not known must have a format.

    Raises:
        InputError: no format fits; or a log may have been read before, and there is no telling.
    """
    found: dict[SourceFile, FoundLog] = {}
    is_telling = earlier is None or earlier.is_telling
    for file in files:
        if (not file.is_named and is_telling) or file.path is None or not file.path.is_file():
            continue
        with open_source(file) as source:
            if known is not None:
                known.watch(source)
                if known.find(source) is not None:
                    continue
            log = detect_log(source, detector, plan.tz_in)
            if file.is_named:
                refuse_missing_keys(file, log, detector)
            found[file] = FoundLog(log, source.inode)
            if file.is_named:
                _refuse_unread(file, source, log, detector, plan)
            if earlier is not None and not plan.is_again:
                earlier.refuse(file.name, log)
    return found


def _refuse_unread(file: SourceFile, source: Source, log: LogDecoder, detector: Detector, plan: IngestPlan) -> None:
    """Refuse a log that was asked for by name and that no format fits.

    Raises:
        InputError: always but for what an object of a service is known to be, and for a log without a whole line.
    """
    if log.detection.best is not None:
        return
    if source.damage and b"\n" not in log.sample:
        raise InputError(f"nothing can be read of '{file.name}': {source.damage}" + (" before its first line is whole" if log.sample else ""))
    if log.sample and not is_test_object(source.peek(64)):
        raise refuse_log(file.name, log, detector, is_chosen=plan.formats.is_made)


def _size(file: SourceFile) -> int:
    try:
        return file.path.stat().st_size if file.path is not None else 0
    except OSError:  # gone by now; reading it will say so
        return 0
