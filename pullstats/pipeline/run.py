"""One ingest at work: each log is opened and recognised, and what is new of it goes to the workers.

Opening logs is done here, in one thread; `block_work` has workers parse, enrich and write the blocks
as Parquet and takes the results in order; `commits` makes several of them visible together,
rows and offsets in one transaction.
"""

from __future__ import annotations

from pullstats.errors import InputError, VanishedError
from pullstats.pipeline.block_work import BlockWork, LogWork, Ticker
from pullstats.pipeline.commits import Commits, RunFacts
from pullstats.pipeline.content import last_line
from pullstats.pipeline.decoder import LogDecoder
from pullstats.pipeline.half_lines import take_back_half
from pullstats.pipeline.identity import KnownLogs
from pullstats.pipeline.log_detection import detect_log
from pullstats.pipeline.map_check import find_missing_keys
from pullstats.pipeline.place import Place
from pullstats.pipeline.plan import IngestPlan, IngestSummary, ProgressHandler, SourceSummary
from pullstats.pipeline.preparation import Preparation
from pullstats.pipeline.recovery import recover_lost
from pullstats.pipeline.refusals import refuse_log, say_waiting
from pullstats.pipeline.remarks import remark_on_log
from pullstats.sources import Source, SourceFile, is_test_object, open_source
from pullstats.sources.streams import HEAD_LENGTH
from pullstats.store import Store


class Run:
    """One ingest: reads logs one after the other, works on their blocks side by side, commits in groups."""

    def __init__(
        self, plan: IngestPlan, ready: Preparation, store: Store | None, summary: IngestSummary, on_progress: ProgressHandler | None
    ) -> None:
        """Prepare to read.

        Args:
            plan: what to ingest.
            ready: what was checked and loaded for it.
            store: where to, locked; None where nothing is kept and nothing is there.
            summary: filled in.
            on_progress: called after every block.
        """
        self._plan = plan
        self._ready = ready
        self._store = None if plan.is_dry_run else store
        self._summary = summary
        self._facts = RunFacts(ready.enrichment.rules.version, plan.source_name)
        self._commits = Commits(self._store, self._facts, ready.key.transactions, is_due_without_rows=plan.is_new_key_epoch)
        self._ticker = Ticker(on_progress, ready.bytes_total)
        self._blocks = BlockWork(
            store,
            ready.enrichment.make,
            self._commits,
            self._ticker,
            workers=plan.workers,
            note=summary.note,
            finish_log=self._finish_log,
        )
        self._known = KnownLogs(store, ready.key.key, plan.source_name, self._blocks.settle)
        self._lost = self._find_lost()

    def try_to_read(self, file: SourceFile) -> None:
        """Read one log from where it was left, or say why not: one that cannot be read keeps no other from being read."""
        try:
            self._read(file)
        except InputError as error:
            if file.path is None:
                raise
            self._summary.fail(str(error), is_failure=file.is_named or not isinstance(error, VanishedError))

    def _read(self, file: SourceFile) -> None:
        with open_source(file, self._ready.limit) as source:
            self._known.watch(source)
            # What can only be read forward is looked at before it moves.
            log = None if source.is_seekable else detect_log(source, self._ready.detector, self._plan.tz_in)
            place = self._known.find(source)
            if place is not None and self._is_known(source, place):
                self._pass_known(source, place, log)
            else:
                log = log or self._detect(file, source, place)
                place = place or self._known.find_old(source, log) or self._known.begin(source)
                if log.detection.best is None:
                    self._pass_over(file, source, log)
                elif place.is_complete:
                    self._recover(source, place, log)
                    self._pass_known(source, place, log)
                else:
                    self._recover(source, place, log)
                    if self._store is not None:
                        place = take_back_half(source, place, log, self._store, self._facts)
                    if file not in self._ready.found:
                        self._note_missing_keys(file, log)
                    self._read_log(source, place, log)
            self._ticker.bytes_before += source.size

    def _note_missing_keys(self, file: SourceFile, log: LogDecoder) -> None:
        missing = find_missing_keys(log, self._ready.detector)
        for item in missing if log.detection.best is not None else missing[:1]:
            self._summary.note(file.name, item.text)

    def _detect(self, file: SourceFile, source: Source, place: Place | None) -> LogDecoder:
        """Tell how to read a log that is seekable; it stands afterwards where it stood."""
        found, detector = self._ready.found.get(file), self._ready.detector
        if found is not None and found.inode == source.inode:
            return found.log
        if place is None:
            return detect_log(source, detector, self._plan.tz_in)
        source.seek(0)
        log = detect_log(source, detector, self._plan.tz_in)
        source.seek(place.offset)
        return log

    def _is_known(self, source: Source, place: Place) -> bool:
        """Tell whether nothing of a log is new, and nothing lost of what was read."""
        return place.source_id not in self._lost and (place.is_complete or not source.peek(1))

    def _recover(self, source: Source, place: Place, log: LogDecoder) -> None:
        """Read again what the store has lost of a log."""
        if self._store is None or place.source_id not in self._lost:
            return
        note = recover_lost(source, log, place.source_id, self._store, self._blocks.enricher, self._facts.run_id, self._ready.limit)
        self._lost = self._find_lost()
        if note:
            self._summary.note(source.file.name, note)

    def _find_lost(self) -> frozenset[str]:
        """Name the logs of which the store has lost lines."""
        return frozenset() if self._store is None else frozenset(lost.source_id for loss in self._store.losses() for lost in loss.ranges)

    def _pass_known(self, source: Source, place: Place, log: LogDecoder | None = None) -> None:
        """Count a log of which nothing is new."""
        summary = SourceSummary(source.file.name, place.source_id, *self._told(place.source_id, log))
        summary.lines = summary.duplicates = place.lines_known
        self._summary.sources.append(summary)
        if place.is_to_note:
            self._commits.note(place.progress(place.offset, place.lines_known, last_line(place.before)))
        self._note_damage(source)

    def _told(self, source_id: str, log: LogDecoder | None) -> tuple[str, float, str | None]:
        """Tell format, confidence and wrapper of a log that is known."""
        if log is not None and log.detection.best is not None:
            return log.detection.name or "", log.detection.sure, log.wrapper
        read = next((source for source in self._summary.sources if source.source_id == source_id), None)
        return (read.format, read.confidence, read.wrapper) if read is not None else self._ready.earlier.format_of(source_id)

    def _read_log(self, source: Source, place: Place, log: LogDecoder) -> None:
        """Read what is new of a log."""
        summary = SourceSummary(source.file.name, place.source_id, log.detection.name or "", log.detection.sure, log.wrapper)
        summary.lines = summary.duplicates = place.lines_known
        self._summary.sources.append(summary)
        work = LogWork(source.file, log, summary, is_new_stream=not source.is_seekable and not place.offset)
        read = self._blocks.read(source, place, work, self._plan.block_size)
        if read is not None:
            self._known.note(place, read.end, read.tail, read.line, read.marks)
        self._note_damage(source)
        if source.held_back and not source.is_seekable:
            self._summary.note(source.file.name, "its last line has no end yet and was left; it counts once it is given again as a whole line")
        self._blocks.end_log(work)

    def _note_damage(self, source: Source) -> None:
        if source.damage:
            self._summary.fail(f"{source.file.name}: {source.damage}; what came before is kept")
        if source.is_cut_off:
            self._summary.note(
                source.file.name, "it was cut off while it was read (a rotation that copies and truncates); what was not read is in its copy"
            )

    def _finish_log(self, work: LogWork) -> None:
        """Say what can be said of a log once all of it was read."""
        for remark in remark_on_log(work.summary, work.log, is_trusting=bool(self._plan.trusted_proxies)):
            self._summary.note(work.file.name, remark)
        overlap = self._ready.earlier.remark_on_stream(work.summary.first, work.summary.last) if work.is_new_stream else None
        if overlap:
            self._summary.note(work.file.name, overlap)

    def _pass_over(self, file: SourceFile, source: Source, log: LogDecoder) -> None:
        """Note a log that cannot be read, or fail if it was asked for by name."""
        if is_test_object(source.peek(64)):
            self._summary.note(file.name, "the object CloudWatch writes to test an export; no log; passed over")
        elif source.damage:
            self._summary.fail(f"{file.name}: {source.damage}; nothing can be read of it")
        elif not log.sample:
            self._summary.note(file.name, say_waiting(source.peek(HEAD_LENGTH), HEAD_LENGTH))
        elif file.is_named:
            raise refuse_log(file.name, log, self._ready.detector, is_chosen=self._plan.formats.is_made)
        else:
            self._note_missing_keys(file, log)
            self._summary.note(file.name, "no known log format fits; passed over")

    def finish(self) -> None:
        """Take in and commit what is left."""
        self._blocks.finish()
