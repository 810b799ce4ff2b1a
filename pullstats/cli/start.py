"""The command that shows pullstats at work."""

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path
from typing import Any, Final

import click

from pullstats.cli.options import Command
from pullstats.errors import InputError

STEPS: Final = (
    ("Read the sample logs into a store.", "ingest {logs}"),
    ("Who takes what? Downloads and how many take them, by package.", "report --window all --limit 8"),
    ("Which clients ask, on which platform?", "report --by client,platform --metric requests,origins --window all --limit 8"),
    ("From where?", "report --by country --metric requests,origins,bytes --window all --percent --limit 6"),
    ("How did requests run, day by day?", "series --every d --metric requests,origins,errors --window 2015-05"),
    ("Which clients were busy when?", "series --every 6h --by client --metric requests --window 2015-05 --limit 5"),
    (
        "One log under several counting rules, side by side.",
        "report --by package --metric downloads --count-as pullstats,docker-dvp,scarf,raw --where ecosystem=oci --window all",
    ),
    ("How many are that? Networks, addresses and clients: none of them counts people.", "uniques --window 2015-05"),
    ("How much of it do a few make up?", "concentration --metric requests --window 2015-05"),
    ("How did a number come about?", "explain --metric downloads --where ecosystem=oci --window all"),
    ("Container images only, as JSON for a script.", "report --where ecosystem=oci --metric pulls,origins --window all --format json"),
    ("What is in the store?", "status"),
)


@click.command(cls=Command)
@click.option("--debug", is_flag=True, help="Show a traceback where something fails.")
def demo(**_: Any) -> int:
    """Walk through pullstats on the bundled sample logs, in a store that is thrown away."""
    from pullstats.cli import run  # noqa: PLC0415 - the commands import this package

    logs = find_sample_logs()
    with tempfile.TemporaryDirectory(prefix="pullstats-demo-") as folder:
        os.environ["PULLSTATS_STORE"] = str(Path(folder) / "store")
        for text, command in STEPS:
            click.secho(f"\n# {text}", fg="green")
            click.secho(f"$ pullstats {command.format(logs='sample_logs/')}\n", bold=True)
            code = run([str(logs) if part == "{logs}" else part for part in shlex.split(command)])
            if code:
                return code
    click.echo("\nNow your own: pullstats ingest /var/log/nginx/access.log")
    return 0


def find_sample_logs() -> Path:
    """Find the sample logs, beside the package in a checkout or inside it once installed.

    Raises:
        InputError: they are not there.
    """
    package = Path(__file__).parent.parent
    for folder in (package / "sample_logs", package.parent / "sample_logs"):
        if folder.is_dir():
            return folder
    raise InputError("the sample logs are not installed; get them from the source distribution")
