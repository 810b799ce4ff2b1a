"""Help by topic: a command fits a screen, what many share is told once, and all of it is there."""

from __future__ import annotations

import re
import shutil
import subprocess

import click
import pytest

from pullstats.cli import _WITH_VALUE, _WITHOUT, COMMANDS
from pullstats.cli.environment import TABLES
from pullstats.cli.look import report
from pullstats.cli.options import SHARED, name_option
from support.command import all_commands, pullstats
from support.places import ROOT


def test_help_tells_every_option_of_every_command_once() -> None:
    shared = pullstats("help", "options").out + pullstats("help", "ingest").out
    for words, command in all_commands():
        text = pullstats("help", *words).out
        for option in command.params:
            if not isinstance(option, click.Option) or option.hidden:
                continue
            name = max(option.opts, key=len)
            assert len(re.findall(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text.partition("Options:")[2])) >= 1, (words, name)
            if option in SHARED:
                assert name_option(option) in text, (words, name)
                assert name in shared or "without effect" in SHARED[option], name


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("ingest", "versions")])
def test_the_help_of_a_command_fits_a_screen(name: str) -> None:
    assert pullstats("help", name).out.count("\n") <= 52


def test_options_that_may_stand_before_a_command_are_those_of_every_command() -> None:
    everywhere = [one for one in report.params if SHARED.get(one) == "Everywhere" and isinstance(one, click.Option)]
    assert {name for one in everywhere if not one.is_flag for name in one.opts} == _WITH_VALUE
    assert {name for one in everywhere if one.is_flag for name in one.opts} == _WITHOUT


def test_help_is_asked_in_either_way() -> None:
    assert pullstats("help", "report").out == pullstats("report", "--help").out
    assert pullstats("help", "clients", "test").out == pullstats("clients", "test", "-h").out
    assert pullstats("help").out == pullstats("--help").out
    assert "did you mean 'report'" in pullstats("help", "reprot", code=2).err
    assert "has no parts" in pullstats("help", "report", "x", code=2).err


def test_help_tells_every_variable_that_is_read() -> None:
    said = pullstats("help", "environment").words
    source = "\n".join(path.read_text() for path in ROOT.glob("pullstats/**/*.py"))
    read = set(re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', source))
    inner = {"SHELL", "ZDOTDIR", "XDG_DATA_HOME", "COMP_LINE", "COMP_POINT", "_PULLSTATS_COMPLETE"}
    assert {name for name in read - inner if name not in said and name != "PULLSTATS_STORE"} == set()
    assert all(name in said for table in TABLES for name, _ in table.rows)


def test_the_version_is_told_with_what_it_stands_on() -> None:
    first, second = pullstats("version").out.splitlines()
    assert first == pullstats("--version").out.replace(", version", "").strip()
    assert re.match(r"Python \S+, polars \S+, deltalake \S+, ", second)


def test_the_man_page_is_set_without_a_warning_and_tells_every_command() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed")
    said = subprocess.run(
        [groff, "-man", "-Tutf8", "-ww", "-P-c", "-rLL=80n", ROOT / "docs/pullstats.1"], capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert not said.stderr
    plain = re.sub(r".\x08", "", said.stdout)
    assert all(f"pullstats {name}" in plain for name in COMMANDS)
    assert "pullstats report --by country --window 30d" in plain
