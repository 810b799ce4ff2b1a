"""Write docs/behaviour-examples.md: origins of each class of a made-up world, what is said of them, and what they asked for.

`make examples`. The world is the same in every run, so the page changes only where what is said does.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from pullstats.metrics.vocabulary import CLASSES  # noqa: E402 - as below
from support.labelled import answers  # noqa: E402 - the generator lives beside the tests
from support.labelled.build import build  # noqa: E402
from support.labelled.town import Sent, Town  # noqa: E402
from support.labelled.world import WORLDS, World  # noqa: E402

PAGE: Final = ROOT / "docs" / "behaviour-examples.md"
WORLD: Final = WORLDS[0].smaller(0.2, 21)
_EACH: Final = 3
_FIRST: Final = 12
"""Requests that are shown of each."""
_INTRODUCTION: Final = """# Origins of each class, explained

Three origins of each class that a made-up world shows (`tests/support/labelled`), with the evidence that `pullstats behaviour` gives, why they
really came, and the beginning of what they asked for. They are the first, the middle and the last of their class by score: the surest and
the most doubtful. Written by `make examples`; times are UTC, addresses are left out.
"""


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = folder
        PAGE.write_text(write_page(WORLD, Path(folder)), encoding="utf-8")


def write_page(world: World, folder: Path, seed: int = 1) -> str:
    """Write what is said of a world.

    Args:
        world: its parameters.
        folder: where its log and store may lie.
        seed: of its draws.
    """
    town = build(world, seed)
    store = answers.take_in(town, folder / "town")
    rows = answers.ask(store, "behaviour", "--window", "all")
    whose = {row["origin"]: (row["client_address"], row["user_agent_original"]) for row in answers.find_origins(store).iter_rows(named=True)}
    parts = [_INTRODUCTION]
    for name in CLASSES:
        # Ids hang on a key that each run makes anew; what is said of two alike is in the order of their first requests.
        of_class = sorted((row for row in rows if row["class"] == name), key=lambda row: (-row["score"], row["first_seen"], row["evidence"]))
        parts += [f"\n## {name}\n"] if of_class else []
        parts += [_tell(row, town, [sent for sent in town.sent if (sent.address, sent.agent) == whose[row["origin"]]]) for row in _choose(of_class)]
    return "".join(parts)


def _choose(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    places = {0, (len(rows) - 1) // 2, len(rows) - 1} if rows else set()
    return [rows[place] for place in sorted(places)][:_EACH]


def _tell(row: dict[str, Any], town: Town, sent: Sequence[Sent]) -> str:
    kind = town.kinds()[sent[0].address, sent[0].agent]
    lines = [
        "",
        f"**{row['client'] or 'no agent'}, {row['network_type'] or 'unknown network'}**: {row['class']}, score {row['score']:.2f}; really {sent[0].label} ({kind})",
        "",
        *(f"- {part}" for part in row["evidence"].split("; ")),
        "",
        *(f"    {text}" for text in _draw(sent)),
    ]
    return "\n".join(lines) + "\n"


def _draw(sent: Sequence[Sent]) -> Iterator[str]:
    """Write the first requests, each with the pause before it."""
    before = None
    for one in sent[:_FIRST]:
        pause = "" if before is None else f"+{one.time - before:,.0f} s"
        path = one.step.path if len(one.step.path) <= 70 else f"{one.step.path[:60]}…"
        yield f"{datetime.fromtimestamp(one.time, UTC):%a %Y-%m-%d %H:%M:%S} {pause:>12}  {one.step.method:4} {path} → {one.step.status}"
        before = one.time
    if len(sent) > _FIRST:
        yield f"… and {len(sent) - _FIRST:,} more until {datetime.fromtimestamp(sent[-1].time, UTC):%a %Y-%m-%d %H:%M}"


if __name__ == "__main__":
    main()
