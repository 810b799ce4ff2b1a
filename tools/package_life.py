"""Write docs/package-life.md: the life of a made-up package in five commands, each beside what it was made with; and that of a real log.

`make examples`. The life is the same in every run, so the page changes only where what is said does.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Final
from unittest import mock

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.command import pullstats, take_into  # noqa: E402 - the generator lives beside the tests
from support.oracle import find_downloads_2  # noqa: E402
from support.places import SAMPLES  # noqa: E402
from support.released import DAY, VERSIONS, World, add_machines, answered, as_read, make_life, take_in  # noqa: E402

PAGE: Final = ROOT / "docs" / "package-life.md"
SEED: Final = 11
WIDTH: Final = "80"
RELEASE: Final = "1.10.0"
ACTIVE: Final = 14
"""Days."""
_LISTED: Final = "--releases releases.csv"
_INTRODUCTION: Final = """# One package's life

What happened to a package after each release, in five commands. The log is made up (`tests/support/released.py`): 30 people ask for an image for ten weeks,
take what they are on, and move to each release some days after it came out, or never; five scanners take each release within a day. So the truth is known,
and stands below each answer, counted from what was made and not by pullstats. Then the same of a real log, which is short, and says so. Written by
`make examples`.
"""
_QUESTIONS: Final = (
    ("Who takes which version", f"versions --active {ACTIVE} --window all {_LISTED}"),
    ("Did the release land", f"versions --adoption {RELEASE} --limit 14 {_LISTED}"),
    ("How long did people take to move", f"versions --lag --active {ACTIVE} {_LISTED}"),
    ("May it be dropped", f"versions --would-miss {RELEASE} --active {ACTIVE}"),
    ("How much of it was machines", f"versions --echo {_LISTED}"),
)
_REAL: Final = (
    "versions --window all --limit 5",
    "versions --adoption",
    "versions --lag",
    "versions --would-miss 1.0.0",
    "cohorts",
)


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = folder
        PAGE.write_text(write_page(Path(folder)), encoding="utf-8")


def write_page(folder: Path) -> str:
    """Write what is said of the life, and of the real log.

    Args:
        folder: where logs and stores may lie; it is gone into, so that no name of a log holds its own.
    """
    world = make_life(SEED, people=30)
    add_machines(world, SEED)
    (folder / "real").mkdir()
    with chdir(folder), mock.patch.dict(os.environ, {"COLUMNS": WIDTH, "NO_COLOR": "1"}):
        return "".join(_write_parts(world))


def _write_parts(world: World) -> Iterator[str]:
    take_in(world, Path())
    yield _INTRODUCTION
    for (title, words), truth in zip(_QUESTIONS, tell_truths(world), strict=True):
        yield f"\n## {title}\n{_show(words, Path('store'))}\nMade with: {truth}.\n"
    take_into(Path("real", "store"), SAMPLES / "rubygems-2018.jsonl.gz", key_file=Path("key"))
    yield "\n# The same of a real log\n\nHalf a thousand requests to RubyGems' servers, spread over eight months of 2018 (sample_logs/README.md).\n"
    yield from (_show(words, Path("real", "store")) for words in _REAL)


def _show(words: str, store: Path) -> str:
    """Ask, and show the command with what it printed."""
    said = pullstats(*shlex.split(words), "--store", store, code=(0, 4))
    lines = (f"    {line}".rstrip() for line in said.out.splitlines())
    return f"\n    $ pullstats {words}\n\n" + "\n".join(lines) + "\n"


def tell_truths(world: World) -> Sequence[str]:
    """Count in plain Python what each question is about, in its order."""
    taken = find_downloads_2(as_read(world.rows))
    by_version = Counter(row["reference"] for row in taken)
    return (
        "downloads of " + ", ".join(f"{version}: {by_version[version]}" for version in reversed(VERSIONS)),
        _tell_adoption(world),
        _tell_moves(world),
        _tell_askers(world),
        _tell_echo(world),
    )


def _tell_adoption(world: World) -> str:
    at = world.moments[RELEASE].replace(second=0)
    taken = [row for row in find_downloads_2(as_read(world.rows)) if at <= row["time"] < at + 14 * DAY]
    newer = sum(VERSIONS.index(row["reference"]) >= VERSIONS.index(RELEASE) for row in taken)
    return f"{len(taken)} downloads in the first 14 days after {at:%Y-%m-%d %H:%M}, {newer} of them of {RELEASE} or newer"


def _tell_moves(world: World) -> str:
    """Count who was on an older version before each release, and who moved."""
    told = []
    for version in ("2.0.0", RELEASE, "1.9.0"):
        place, at = VERSIONS.index(version), world.moments[version].replace(second=0)
        newer: dict[int, object] = {}
        before = set()
        for row in answered(world.rows):
            if VERSIONS.index(row["reference"]) >= place:
                newer.setdefault(row["who"], row["time"])
            elif at - ACTIVE * DAY <= row["time"] < at:
                before.add(row["who"])
        people = {who for who in before if who not in newer or newer[who] >= at}  # type: ignore[operator]
        told.append(f"{version}: {len(people)} before it, {len(people & {*newer})} moved")
    return "; ".join(told)


def _tell_askers(world: World) -> str:
    since = max(row["time"] for row in world.rows) - ACTIVE * DAY
    rows = [row for row in answered(world.rows) if row["time"] >= since and row["reference"] == RELEASE]
    return f"{len({row['who'] for row in rows})} asked for {RELEASE} in the last {ACTIVE} days"


def _tell_echo(world: World) -> str:
    taken = find_downloads_2(as_read(world.rows))
    echo = sum(row["client"] == "trivy" for row in taken)
    return f"{len(taken)} downloads, {echo} of them by scanners within a day after a release"


if __name__ == "__main__":
    main()
