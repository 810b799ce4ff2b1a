"""The lines of the outlets' crontab are commands that run."""

from __future__ import annotations

import shlex
from pathlib import Path

from support.command import pullstats
from support.places import ROOT


def test_every_line_of_the_crontab_runs(few_store: Path, tmp_path: Path) -> None:
    lines = [line.split(maxsplit=6)[6] for line in (ROOT / "examples" / "outlets" / "cron").read_text().splitlines() if line[:1].isdigit()]
    made = 0
    for line in lines:
        words = shlex.split(line)[1:]
        if "-o" not in words:
            continue
        path = tmp_path / Path(words[-1]).name
        pullstats(*words[:-1], path, "--quiet", "--store", few_store, code=(0, 4))
        made += path.stat().st_size > 0
    assert made == 3
