"""Fuzz the readers, guided by the code they cover.

    python fuzz/fuzz.py --seconds 30              every target in turn, the kept corpus first
    python fuzz/fuzz.py --target lines --keep     keep inputs that cover new code in fuzz/corpus/

An input that fails is written to `fuzz/failures/`, and its name is printed.

Source: github.com/google/atheris.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
MAX_LENGTH = 4096
TIMEOUT = 20
"""Seconds that one input may take."""


def fuzz_one(name: str, corpus: Path, seconds: int) -> None:
    """Fuzz one target in this process, which ends with it."""
    import atheris  # noqa: PLC0415 - only there where fuzzing is asked for

    with atheris.instrument_imports(include=["pullstats"]):
        from targets import TARGETS  # noqa: PLC0415
    failures = HERE / "failures"
    failures.mkdir(exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_LENGTH}",
        f"-timeout={TIMEOUT}",
        "-rss_limit_mb=4096",
        "-verbosity=0",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={failures}/{name}-", str(corpus)], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    """Fuzz all targets, each in a process of its own; exit 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=30, help="seconds for all targets together")
    parser.add_argument("--target", action="append", help="only this one; repeatable")
    parser.add_argument("--keep", action="store_true", help="keep what covers new code")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        fuzz_one(options.one, options.corpus, options.seconds)
        return 0
    from targets import SEEDS, TARGETS  # noqa: PLC0415

    names = options.target or list(TARGETS)
    failed = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            corpus = Path(folder) / name
            kept = HERE / "corpus" / name
            shutil.copytree(kept, corpus) if kept.is_dir() else corpus.mkdir()
            for index, seed in enumerate(SEEDS.get(name, [])):
                (corpus / f"seed-{index}").write_bytes(seed)
            started = time.monotonic()
            command = [sys.executable, __file__, "--one", name, "--corpus", str(corpus), "--seconds", str(max(options.seconds // len(names), 1))]
            done = subprocess.run(command, capture_output=True, text=True, cwd=HERE, check=False)
            runs = next((line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line), "?")
            print(f"{name:12} {runs:>8} inputs, {time.monotonic() - started:5.1f} s, exit {done.returncode}", flush=True)
            if done.returncode:
                failed.append(name)
                print(done.stderr[-4000:])
            elif options.keep:
                kept.mkdir(parents=True, exist_ok=True)
                for found in corpus.iterdir():
                    if not found.name.startswith("seed-"):
                        shutil.copy(found, kept / found.name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.exit(main())
