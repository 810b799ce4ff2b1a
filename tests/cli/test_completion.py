"""What bash, zsh and fish offer while a command is typed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pullstats.cli import COMMANDS, COMPLETION_ASKED, run
from pullstats.cli.completion import SHELLS
from pullstats.metrics import DIMENSIONS
from support.command import pullstats, take_into

Offer = Callable[[str], list[str]]


@pytest.fixture(name="offer")
def _offer(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], sample_store: Path) -> Offer:
    """Ask as bash does, with a line that ends at the cursor."""
    monkeypatch.setenv("PULLSTATS_STORE", str(sample_store))

    def ask(line: str) -> list[str]:
        with monkeypatch.context() as patched:
            patched.setenv(COMPLETION_ASKED, "bash_complete")
            patched.setenv("COMP_LINE", line)
            patched.setenv("COMP_POINT", str(len(line.encode())))
            run([])
        said = capfd.readouterr()
        assert not said.err
        return [text.partition(",")[2] for text in said.out.splitlines() if text]

    return ask


def test_commands_options_and_names_are_offered(offer: Offer) -> None:
    assert offer("pullstats ") == list(COMMANDS)
    assert offer("pullstats rep") == ["report"]
    assert offer("pullstats report --wi") == ["--window"]
    assert offer("pullstats report --metric=down") == ["downloads", "downloaders"]
    assert offer("pullstats series --every d --by ") == list(DIMENSIONS)
    assert offer("pullstats report --by client,ar") == ["client,arch"]
    assert offer("pullstats report --window la") == ["last-week", "last-month", "last-year"]
    assert offer("pullstats report --unique-by net") == ["network"]
    assert offer("pullstats report --tz Europe/Berl") == ["Europe/Berlin"]


def test_bash_goes_on_where_it_cut_the_word(offer: Offer) -> None:
    assert offer("pullstats report --count-as pullstats@") == ["1", "2"]
    assert offer("pullstats report --where package=pearc") == ["pearctl", "pearcrate"]
    assert offer("pullstats report --where 'status<400 and package=pearc") == [f"status<400 and package={name}" for name in ("pearctl", "pearcrate")]
    assert offer("pullstats report --where 'status<400 and pack") == ["status<400 and package="]


def test_what_cannot_be_completed_offers_nothing_and_says_nothing(offer: Offer, tmp_path: Path) -> None:
    for line in (
        "pullstats nosuch --x",
        "pullstats report --where nosuch=",
        f"pullstats report --store {tmp_path} --where package=",
        "",
        "'",
        "pullstats \\",
    ):
        assert offer(line) in ([], list(COMMANDS)), line


def test_a_name_from_a_log_that_a_shell_might_run_is_not_offered(offer: Offer, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    names = ("good-1.0.tar.gz", "a$(id)-1.0.tar.gz", "b`id`-1.0.tar.gz", "c;id-1.0.tar.gz", "d%27-1.0.tar.gz", "e|f-1.0.tar.gz")
    log.write_text("".join(f'192.0.2.1 - - [01/Nov/2025:10:00:00 +0000] "GET /packages/{name} HTTP/1.1" 200 1 "-" "pip/24.0"\n' for name in names))
    take_into(tmp_path / "s", log)
    paths = offer(f"pullstats report --store {tmp_path / 's'} --where path=")
    assert paths == ["/packages/good-1.0.tar.gz"]


TRIES = {
    "bash": "source script; COMP_LINE='pullstats rep' COMP_POINT=13; _pullstats_completion pullstats; printf '%s\\n' \"${COMPREPLY[@]}\"",
    "zsh": "compdef() { :; }; compadd() { :; }; _describe() { print -l -- $completions_with_descriptions; }; words=(pullstats rep); CURRENT=2; "
    "source ./script; _pullstats_completion",
    "fish": "source script; complete -C 'pullstats rep'",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_real_shell_offers_commands(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    tmp_path.joinpath("script").write_text(pullstats("completion", shell).out)
    tmp_path.joinpath("pullstats").write_text(f'#!/bin/sh\nexec {sys.executable} -m pullstats "$@"\n')
    tmp_path.joinpath("pullstats").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    said = subprocess.run([program, "-c", TRIES[shell]], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert said.stdout.startswith("report"), said


def test_one_command_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_DATA_HOME", "ZDOTDIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for shell in SHELLS:
        monkeypatch.setenv("SHELL", f"/bin/{shell}")
        path = Path(pullstats("completion", "--install").out.removeprefix("written to ").partition(";")[0])
        assert path.read_text() == pullstats("completion", shell).out
    monkeypatch.setenv("SHELL", "/bin/csh")
    assert "say pullstats completion bash" in pullstats("completion", code=2).err
    tmp_path.joinpath("file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    assert "cannot make the folder" in pullstats("completion", "bash", "--install", code=2).err
