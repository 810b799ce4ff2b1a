"""Start one command, wait for it, and say what it took: as JSON on standard output.

    python -S -E bench/starter.py STDOUT STDERR COMMAND …

A process begins with the peak memory of whoever started it, because Linux counts the memory it had before it became the command. So the one that
starts it is this small one, not the measuring program, which has held whole logs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Print `wall` and `cpu` in seconds, `peak` in bytes and the exit `code`."""
    out_path, err_path, *command = sys.argv[1:]
    with open(out_path, "wb") as out, open(err_path, "wb") as err:  # noqa: PTH123 – pathlib would be the largest thing here
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _pid, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
    child.returncode = code = os.waitstatus_to_exitcode(status)
    sys.stdout.write(json.dumps({"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024, "code": code}))


if __name__ == "__main__":
    main()
