"""Files of dates: releases (`version,date` and, if wanted, `package` and `digest`) and what else happened (`date,label`).

CSV with a header. Dates are days, which begin in the zone of the question, or ISO 8601 times.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pullstats.clock import find_zone
from pullstats.errors import InputError
from pullstats.metrics.time.git_tags import read_tags
from pullstats.metrics.time.releases import Release
from pullstats.metrics.time.windows import midnight
from pullstats.small_files import read_small_text, tell_unreadable

_DAY_LENGTH: Final = len("2025-04-16")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, slots=True)
class Annotation:
    """Something that happened: a talk, a release.

    Attributes:
        moment: when, UTC.
        label: what.
    """

    moment: datetime
    label: str


def read_annotations(path: Path, tz: str) -> tuple[Annotation, ...]:
    """Read what happened when.

    Args:
        path: a file with a date and a label a line.
        tz: name of the zone whose days the dates are.

    Raises:
        InputError: the file cannot be read, or a line of it holds no date.
    """
    zone = find_zone(tz)
    return tuple(Annotation(_moment(row["date"], zone, path, line), row["label"]) for line, row in _rows(path, ("date", "label")))


def read_releases(path: Path, tz: str) -> tuple[Release, ...]:
    """Read when versions came out.

    Args:
        path: a CSV file, or `@` and the folder of a git checkout.
        tz: the zone in which days begin.

    Raises:
        InputError: the file cannot be read, or a line of it holds no date or version, or what is no digest for one; a checkout that has no tags.
    """
    if str(path).startswith("@"):
        return read_tags(Path(str(path)[1:] or "."))
    zone = find_zone(tz)
    rows = _rows(path, ("version", "date"))
    return tuple(
        Release(
            _read_version(row["version"], path, line),
            _moment(row["date"], zone, path, line),
            row.get("package") or None,
            _read_digest(row.get("digest"), path, line),
        )
        for line, row in rows
    )


def _read_version(text: str, path: Path, line: int) -> str:
    if not text:
        raise InputError(f"{path}:{line} names no version; write 1.4.0,2025-04-16")
    return text


def _read_digest(text: str | None, path: Path, line: int) -> str | None:
    if not text:
        return None
    if not _DIGEST.fullmatch(text.lower()):
        raise InputError(f"{path}:{line}: '{text}' is no digest; write sha256: and 64 hexadecimal digits")
    return text.lower()


def annotate_releases(releases: Sequence[Release]) -> tuple[Annotation, ...]:
    """Make of releases what is shown beside a series: each with its package, where that is told."""
    return tuple(Annotation(one.moment, f"{one.package} {one.version}" if one.package else one.version) for one in releases)


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        file = io.StringIO(read_small_text(path), newline="")
        reader = csv.DictReader(file, skipinitialspace=True, strict=True)
        heads = [name.strip().lower() for name in reader.fieldnames or ()]
        if missing := [name for name in needed if name not in heads]:
            raise InputError(f"'{path}' lacks the column {missing[0]}; its first line must name {','.join(needed)}")
        reader.fieldnames = heads
        for row in reader:
            if None in row or None in row.values():
                raise InputError(f"{path}:{reader.line_num} does not have {len(heads)} cells, as its first line says")
            yield reader.line_num, {name: value.strip() for name, value in row.items()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read '{path}': {tell_unreadable(error)}") from error


def _moment(text: str, zone: ZoneInfo, path: Path, line: int) -> datetime:
    try:
        if len(text) == _DAY_LENGTH:
            return midnight(date.fromisoformat(text), zone)
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(f"{path}:{line}: '{text}' is no date; write 2025-04-16 or 2025-04-16T09:00:00+02:00") from None
