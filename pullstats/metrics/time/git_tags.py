"""When versions came out, as the tags of a git checkout tell: `v1.4.0`, `1.4.0`, `release-1.4.0`, and `name@1.4.0` of a repository of several packages.

An annotated tag came out when it was made, a plain one when its commit was. Nothing is fetched, and nothing of the checkout is run.
"""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pullstats.errors import InputError
from pullstats.metrics.time.releases import Release

_TAG: Final = re.compile(r"(?:(?P<package>@?[^@\s]+)@)?(?:(?:release|rel|version|ver)[-_/])?v?(?P<version>[0-9][0-9A-Za-z.+~_-]{0,127})", re.ASCII)
_SECONDS: Final = 60
_LAST_SECOND: Final = 253_402_300_799
"""Of the year 9999."""


def read_tags(folder: Path) -> tuple[Release, ...]:
    """Read the releases of a checkout, or of a bare repository.

    Args:
        folder: of the checkout.

    Raises:
        InputError: there is no such folder, it is no repository, git is not installed, or no tag names a version.
    """
    if not folder.is_dir():
        raise InputError(f"--releases '@{folder}' is no folder; write @ and the folder of a git checkout, or the name of a CSV file")
    lines = [line.partition(" ") for line in _list_tags(folder).splitlines()]
    found = [
        Release(match["version"], datetime.fromtimestamp(int(seconds), UTC), match["package"], source="git tag")
        for seconds, _, tag in lines
        if (match := _TAG.fullmatch(tag)) and seconds.isdigit() and int(seconds) <= _LAST_SECOND
    ]
    if not found:
        named = f"none of its {len(lines):,} tags names a version, such as v1.4.0 or name@1.4.0" if lines else "it has no tags"
        raise InputError(f"--releases '@{folder}' tells of no release: {named}; git fetch --tags gets them, or write a CSV of version,date")
    return tuple(found)


def _list_tags(folder: Path) -> str:
    """List the tags, each behind the second it was made."""
    command = ("git", "--no-pager", "-C", str(folder), "for-each-ref", "--format=%(creatordate:unix) %(refname:strip=2)", "refs/tags")
    quiet = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        quiet.pop(name, None)
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS, env=quiet, stdin=subprocess.DEVNULL)  # noqa: S603 - no shell reads the folder's name
    except FileNotFoundError as error:
        raise InputError(f"--releases '@{folder}' needs git, which is not installed; write a CSV of version,date instead") from error
    except subprocess.TimeoutExpired as error:
        raise InputError(f"git did not list the tags of '{folder}' within {_SECONDS} seconds; write a CSV of version,date instead") from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().partition("\n")[0].removeprefix("fatal: ")
        raise InputError(f"git cannot list the tags of '{folder}': {reason}")
    return done.stdout.decode(errors="replace")
