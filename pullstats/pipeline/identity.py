"""Know a log again, whatever it is called by now: renamed, compressed, copied, cut short or grown.

A log is looked for under the hash of its first line, and is the one whose committed bytes it begins
with (`content`). All of that is read through the descriptor from which its lines are read afterwards.
Sources that a user gave different names are different ones, whatever they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from pullstats.enrich import HashKey
from pullstats.pipeline.content import HEAD, WHOLE, WINDOW, Content, window_places
from pullstats.pipeline.decoder import LogDecoder
from pullstats.pipeline.log_marks import Marks
from pullstats.pipeline.log_stems import name_mark, stem, stems
from pullstats.pipeline.old_logs import count_if_copied, old_stem, old_tail
from pullstats.pipeline.place import Place
from pullstats.sources import Source
from pullstats.sources.blocks import TAIL_LENGTH
from pullstats.sources.framing import LINE_LIMIT
from pullstats.sources.streams import HEAD_LENGTH, SKIP_CHUNK
from pullstats.store import STEM_LENGTH, SourceProgress, Store

_MARKS_HELD: Final = 64 << 20
"""Bytes of marks of a run's own logs that are held; those of further logs are read from the store."""


@dataclass(slots=True)
class _Read:
    """A log of this very run: the store does not know it yet."""

    progress: SourceProgress
    lines: Future[int]
    marks: bytes | None


class KnownLogs:
    """The logs of a store and of a running ingest."""

    def __init__(self, store: Store | None, key: HashKey, name: str | None, settle: Callable[[], None]) -> None:
        """Know what the store knows.

        Args:
            store: where logs were read into; None knows nothing.
            key: makes the digests.
            name: of the source, as a user gave it.
            settle: has all that was read so far worked on and, but for a dry run, committed.
        """
        self._store = store
        self._key = key
        self._name = name_mark(name, key.log_secret) if name is not None else 0
        self._settle = settle
        self._stored: dict[str, list[SourceProgress]] = {}
        self._read: dict[str, dict[str, _Read]] = {}
        self._marks: dict[str, Marks] = {}
        self._marks_held = 0
        self._has_old = store is not None and any(name.endswith(":tail") for name in store.transactions())

    def find(self, source: Source) -> Place | None:
        """Find a log that was read before; None if it is new, and then it stands at its beginning.

        Args:
            source: the log, watched, of which no more than a look was taken.
        """
        content = source.watcher
        assert isinstance(content, Content)
        head = source.peek(HEAD)
        candidates = self._candidates(stems(head, self._key.log_secret)) if head else []
        if not candidates:
            return None
        return self._find_in_file(source, candidates) if source.is_plain else self._find_in_stream(source, content, candidates)

    def find_old(self, source: Source, log: LogDecoder) -> Place | None:
        """Find a log among those that a store of 0.1 kept no digests of: by a telling line and the line at the end."""
        if not self._has_old or self._store is None or not source.is_seekable:
            return None
        start = old_stem(source.peek(HEAD_LENGTH), self._key.secret, log.unwrapper.telling if log.unwrapper else None)
        for known in self._all_like(start):
            if not self._may_be(known):
                continue
            content = self._read_to(source, known.end_offset)
            if content is not None and self._is_old(content, known):
                return self._place(source, known, content, is_to_note=known.digest is None)
            if content is None and (lines := count_if_copied(source, self._store, known, log)) is not None:
                return Place(known.source_id, Content(b""), is_complete=True, lines_known=lines)
            self._begin_again(source)
        return None

    def _is_old(self, content: Content, known: SourceProgress) -> bool:
        """Tell whether a log is one that a store of 0.1 read, by its digest if it was read on since."""
        if known.digest is not None:
            return content.digest(known.end_offset, content.tail()) == known.digest
        return old_tail(content.tail(), self._key.secret) == known.tail

    def begin(self, source: Source) -> Place:
        """Give a new log, which stands at its beginning, an id of its own."""
        start = stem(source.peek(HEAD), self._key.log_secret)
        taken = {known.source_id for known in self._all_like(start)}
        number = len(taken)
        while (source_id := f"{start}-{number}" if number else start) in taken:
            number += 1
        assert isinstance(source.watcher, Content)
        return Place(source_id, source.watcher, self._name)

    def note(self, place: Place, end: int, tail: bytes, lines: Future[int], marks: bytes) -> None:
        """Keep in mind how far a log of this run was read.

        Args:
            place: where reading began.
            end: offset behind its last line.
            tail: that line, its last bytes if it is long.
            lines: will tell the number of the line that follows.
            marks: of what was read, packed.
        """
        same = self._read.setdefault(place.source_id[:STEM_LENGTH], {})
        earlier = same[place.source_id].marks if place.source_id in same else None if place.offset else b""
        held = None if earlier is None or self._marks_held + len(marks) > _MARKS_HELD else earlier + marks
        self._marks_held += len(marks) if held is not None else 0
        same[place.source_id] = _Read(place.progress(end, 0, tail), lines, held)
        self._marks.pop(place.source_id, None)

    def watch(self, source: Source) -> Content:
        """Digest all that will be read of a log that stands at its beginning."""
        content = Content(self._key.log_secret, is_counting=not source.is_plain)
        source.watcher = content
        return content

    def _begin_again(self, source: Source) -> Content:
        source.rewind()
        return self.watch(source)

    def _all_like(self, start: str) -> list[SourceProgress]:
        """List where the logs stand that begin with a line: those of this run as far as they were read by now."""
        if start not in self._stored:
            self._stored[start] = self._store.sources_like(start) if self._store is not None else []
        read = self._read.get(start, {})
        return [*(known for known in self._stored[start] if known.source_id not in read), *(log.progress for log in read.values())]

    def _candidates(self, starts: Sequence[str]) -> list[SourceProgress]:
        """List logs that begin with one of some lines, the longest first, but for those that a user named otherwise."""
        found = (known for start in starts for known in self._all_like(start) if known.digest is not None and self._may_be(known))
        return sorted(found, key=lambda known: -known.end_offset)

    def _may_be(self, known: SourceProgress) -> bool:
        return not known.name or not self._name or known.name == self._name

    def _find_in_file(self, source: Source, candidates: Sequence[SourceProgress]) -> Place | None:
        """Find a plain file: any place of it can be looked at."""
        beginning = Content(self._key.log_secret)
        beginning.feed(0, source.at(0, HEAD))
        heads: dict[int, int] = {}
        piece: Content | None = None
        for known in candidates:
            size = min(known.end_offset, HEAD)
            if size not in heads and size <= beginning.position:
                heads[size] = beginning.beginning(size)
            if heads.get(size, known.head) != known.head:
                continue
            if known.end_offset > source.size:
                piece = piece or self._read_to(source, _line_end(source))
                if piece is not None and self._is_piece(piece, known):
                    return Place(known.source_id, piece, is_complete=True, lines_known=_count_lines(source, piece.line_end))
                continue
            content = self._read_to(source, known.end_offset)
            if content is not None and content.digest(known.end_offset, content.tail()) == known.digest:
                return self._place(source, known, content)
        return None

    def _find_in_stream(self, source: Source, content: Content, candidates: Sequence[SourceProgress]) -> Place | None:
        """Find a log that can only be read forward: what is short is looked at ahead, what is long is read up to where it was left."""
        ahead = source.peek(WHOLE + 1)
        for known in candidates:
            end = known.end_offset
            if end <= min(len(ahead), WHOLE) and known.head == content.beginning(end) and content.digest(end, b"") == known.digest:
                source.skip(end)
                return self._place(source, known, content, ahead[max(end - WINDOW, 0) : end])
        if len(ahead) <= WHOLE:
            return next((self._place_of_piece(known, content) for known in candidates if self._is_piece(content, known)), None)
        long = [known for known in candidates if known.end_offset > WHOLE and known.head == content.beginning(HEAD)]
        return self._find_further(source, content, [known for known in long if content.begins_as(self._marks_of(known))])

    def _find_further(self, source: Source, content: Content, candidates: Sequence[SourceProgress]) -> Place | None:
        """Read a long stream up to where each of some logs was left, the shortest first; nearly always there is one."""
        if not candidates:
            return None
        found: SourceProgress | None = None
        passed = 0
        source.keep()
        for known in reversed(candidates):
            if not source.skip(known.end_offset - passed):
                if found is None and self._is_piece(content, known):
                    return self._place_of_piece(known, content)
                break
            passed = known.end_offset
            if content.digest(passed, content.tail()) == known.digest:
                found = known
        if found is not None and content.position == found.end_offset:
            return self._place(source, found, content)
        content = self._begin_again(source)
        if found is None:
            return None
        source.skip(found.end_offset)
        return self._place(source, found, content)

    def _read_to(self, source: Source, length: int) -> Content | None:
        """Look at what a log holds up to a length; None if it is shorter. A compressed one is read anew up to there."""
        if not source.is_plain:
            content = self._begin_again(source)
            return content if source.skip(length) else None
        before = source.at(max(length - WINDOW, 0), min(length, WINDOW))
        if not length or len(before) < min(length, WINDOW):
            return None
        content = Content(self._key.log_secret)
        places = window_places(length) if length > WHOLE else ()
        content.know(length, source.at(0, min(length, WHOLE)), {place: source.at(place, WINDOW) for place in places}, before)
        return content

    def _is_piece(self, content: Content, known: SourceProgress) -> bool:
        """Tell whether a log is the beginning of a longer one."""
        return content.line_end < known.end_offset and content.is_beginning_of(self._marks_of(known))

    def _marks_of(self, known: SourceProgress) -> Marks:
        source_id = known.source_id
        if source_id not in self._marks:
            read = self._read.get(source_id[:STEM_LENGTH], {}).get(source_id)
            packed = read.marks if read is not None else None
            if packed is None:
                if read is not None:
                    self._settle()
                packed = self._store.marks(source_id) if self._store is not None else b""
            self._marks[source_id] = Marks(packed)
        return self._marks[source_id]

    def _place_of_piece(self, known: SourceProgress, content: Content) -> Place:
        return Place(known.source_id, content, is_complete=True, lines_known=content.lines)

    def _place(self, source: Source, known: SourceProgress, content: Content, before: bytes | None = None, *, is_to_note: bool = False) -> Place:
        """Let a log be read on where it was left."""
        before = content.before() if before is None else before
        if source.is_plain:
            source.watcher = content
            source.go_on_at(known.end_offset, content.start(WINDOW), before)
        content.forget_marks(known.end_offset)
        lines = known.lines
        if (read := self._read.get(known.source_id[:STEM_LENGTH], {}).get(known.source_id)) is not None:
            self._settle()
            lines = read.lines.result() - 1
        is_to_note = is_to_note or (bool(self._name) and not known.name)
        name = known.name or self._name
        return Place(known.source_id, content, name, known.end_offset, lines + 1, lines_known=lines, before=before, is_to_note=is_to_note)


def _line_end(source: Source) -> int:
    """Find where the last whole line of a plain file ends; 0 if there is none near its end."""
    start = max(source.size - LINE_LIMIT - TAIL_LENGTH, 0)
    cut = source.at(start, source.size - start).rfind(b"\n") + 1
    return start + cut if cut else 0


def _count_lines(source: Source, end: int) -> int:
    """Count the lines of a plain file up to a place."""
    return sum(source.at(start, min(SKIP_CHUNK, end - start)).count(b"\n") for start in range(0, end, SKIP_CHUNK))
