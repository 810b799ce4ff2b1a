"""Run a command once and take its wall time, CPU time and peak memory, the same way for every contestant."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


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
    """Run `command` in `folder` and wait for it with `wait4`, which reports the usage of that child alone.

    Output goes to files in `scratch`, so that no pipe of ours slows the child down.
    """
    out_path, err_path = scratch / "stdout", scratch / "stderr"
    with out_path.open("wb") as out, err_path.open("wb") as err:
        begun = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _pid, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
    child.returncode = code = os.waitstatus_to_exitcode(status)
    complaint = err_path.read_text(errors="replace").strip().rpartition("\n")[2] if code else ""
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, code, out_path.read_text(errors="replace"), complaint)
