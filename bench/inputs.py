"""The logs that are measured: made once, and made anew where what makes them has changed."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import results
from generate import DAYS
from wrap import wrap_log

BENCH = Path(__file__).resolve().parent
SMALL_LINES = 20
GENERATOR = ("generate.py", "clients.py", "machines.py", "visits.py", "wrap.py")
SUFFIXES = {"combined": "log", "gz": "log.gz", "json": "json", "export": "export.log", "firehose": "firehose.json"}


def prepare_input(work: Path, lines: int, seed: int, shape: str, days: int = DAYS) -> Path:
    """Generate a log (`combined`, `json`, or the combined one as `gz`, `export` or `firehose`), or reuse it where its stamp fits."""
    path = work / f"access-{lines}-{seed}{'' if days == DAYS else f'-{days}d'}.{SUFFIXES[shape]}"
    stamp_path = path.with_name(path.name + ".stamp")
    source = hashlib.sha256(b"".join((BENCH / name).read_bytes() for name in GENERATOR)).hexdigest()
    if path.exists() and stamp_path.exists():
        stamp = json.loads(stamp_path.read_text())
        if stamp == {"source": source, "size": path.stat().st_size}:
            return path
    if shape == "gz":
        plain = prepare_input(work, lines, seed, "combined")
        with plain.open("rb") as log, gzip.open(path, "wb", compresslevel=6) as packed:
            shutil.copyfileobj(log, packed, 1 << 20)
    elif shape in ("export", "firehose"):
        wrap_log(prepare_input(work, lines, seed, "combined"), path, shape)
    else:
        subprocess.run(
            (
                sys.executable,
                str(BENCH / "generate.py"),
                "--lines",
                str(lines),
                "--seed",
                str(seed),
                "--days",
                str(days),
                "--format",
                shape,
                "-o",
                str(path),
            ),
            check=True,
        )
    stamp_path.write_text(json.dumps({"source": source, "size": path.stat().st_size}))
    return path


def small_logs(work: Path, seed: int) -> Path:
    """Cut a log into many small ones."""
    folder = work / f"small-{seed}"
    if not folder.exists():
        folder.mkdir()
        lines = prepare_input(work, results.SMALL_LOGS * SMALL_LINES, seed, "combined").read_text().splitlines(keepends=True)
        for number in range(results.SMALL_LOGS):
            (folder / f"{number:04}.log").write_text("".join(lines[number * SMALL_LINES : (number + 1) * SMALL_LINES]))
    return folder


def remove(path: Path | None) -> None:
    """Remove a file or folder of an earlier run."""
    if path is None or not path.exists():
        return
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
