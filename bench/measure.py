"""Run a command once and take its wall time, CPU time and peak memory, the same way for every contestant."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STARTER: Final = Path(__file__).resolve().with_name("starter.py")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command.

    Attributes:
        wall: seconds from start to exit of the process.
        cpu: user and system seconds of the process and the children it waited for.
        peak: largest resident set of the process, in bytes (`ru_maxrss`; pages of mapped files count).
        code: exit code.
        stdout: what it wrote to stdout.
        complaint: last line of stderr, where the exit code is not 0.

    """

    wall: float
    cpu: float
    peak: int
    code: int
    stdout: str
    complaint: str = ""


@final
@dataclass(slots=True)
class Series:
    """All rounds of one contestant; `note` says why there are none."""

    name: str
    lines: int = 0
    runs: list[Run] = field(default_factory=list)
    note: str = ""

    @property
    def wall(self) -> float:
        """Median wall time in seconds."""
        return statistics.median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        """Median CPU time in seconds."""
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak(self) -> int:
        """Largest peak memory of all rounds in bytes."""
        return max(run.peak for run in self.runs)

    @property
    def spread(self) -> tuple[float, float]:
        """Shortest and longest wall time in seconds."""
        walls = [run.wall for run in self.runs]
        return min(walls), max(walls)


def run_once(command: Sequence[str], folder: Path, environment: Mapping[str, str], scratch: Path) -> Run:
    """Run `command` in `folder` by `starter.py` and wait for it; what it took is that process's and that of the children it waited for.

    Output goes to files in `scratch`, so that no pipe of ours slows the child down.
    """
    out_path, err_path = scratch.resolve() / "stdout", scratch.resolve() / "stderr"
    started = [sys.executable, "-S", "-E", str(STARTER), str(out_path), str(err_path), *command]
    took = json.loads(subprocess.run(started, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, check=True, stdout=subprocess.PIPE).stdout)
    complaint = err_path.read_text(errors="replace").strip().rpartition("\n")[2] if took["code"] else ""
    return Run(**took, stdout=out_path.read_text(errors="replace"), complaint=complaint)
