"""What is written goes where it is meant to go: files whole, streams through, and a full disk in one sentence."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pullstats.cli import run
from pullstats.small_files import read_small
from support.command import pullstats

LINE = '192.0.2.1 - - [02/Mar/2026:00:00:01 +0000] "GET /x HTTP/1.1" 200 1 "-" "curl/8.0"\n'
REPORT = ["report", "--by", "status", "--metric", "requests", "--window", "all", "--format", "csv"]
WRITTEN = "status,requests\n200,1\n"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    (folder / "a.log").write_text(LINE)
    assert run(["ingest", str(folder / "a.log"), "--store", str(folder / "store"), "--key-file", str(folder / "key"), "--quiet"]) == 0
    return folder / "store"


def test_a_pipe_is_written_through(store: Path, tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for path in (pipe, tmp_path / "link"):
        reader = threading.Thread(target=lambda path=path: got.append(path.read_text()))
        reader.start()
        assert run([*REPORT, "--store", str(store), "-o", str(path)]) == 0
        reader.join()
    assert got == [WRITTEN, WRITTEN]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_hyphen_is_standard_output(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    assert pullstats(*REPORT, "--store", store, "-o", "-").out == WRITTEN
    assert pullstats("export", "--set", "events", "--store", store, "-o", "-").out.startswith("timestamp,")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_a_name_of_standard_output_is_standard_output(name: str, store: Path, capfd: Capture) -> None:
    assert run([*REPORT, "--store", str(store), "-o", name]) == 0
    assert capfd.readouterr().out == WRITTEN


def test_a_file_that_is_open_is_written_on(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    with path.open("ab") as file:
        for _ in range(2):
            assert run([*REPORT, "--store", str(store), "-o", f"/dev/fd/{file.fileno()}"]) == 0
    assert path.read_text() == WRITTEN * 2


def test_a_link_stays_a_link_and_its_target_is_replaced(store: Path, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to("target.csv")
    for _ in range(2):
        assert run([*REPORT, "--store", str(store), "-o", str(tmp_path / "link.csv")]) == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "target.csv").read_text() == WRITTEN


@pytest.mark.parametrize("name", ["/dev/full", "circle.csv", "/dev/fd/99", "n" * 300, "/nowhere/x.csv", "/proc/x.csv", "."])
def test_what_cannot_be_written_is_one_sentence(name: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "circle.csv").symlink_to("circle.csv")
    (said,) = pullstats(*REPORT, "--store", store, "-o", name, code=2).err.splitlines()
    assert said.startswith("pullstats: ")
    assert "internal" not in said


def test_a_device_stays_a_device(store: Path) -> None:
    assert run([*REPORT, "--store", str(store), "-o", "/dev/null"]) == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


STREAMS = """
ps() { PYTHON -m pullstats "$@"; }
ps REPORT > /dev/full; echo "full $?"
ps counts show pullstats > /dev/full; echo "text on full $?"
ps REPORT >&-; echo "closed $?"
ps REPORT | head -0; echo "unread ${PIPESTATUS[0]}"
ps report --by nope --store STORE 2> /dev/full; echo "mute $?"
ps ingest -q LOG --store other <&- >&- 2>&-; echo "all closed $?"
COLUMNS=wide TERM=$'\\xff' LANG=xx_YY PYTHONIOENCODING=ascii ps counts show pullstats > /dev/null; echo "odd surroundings $?"
"""


def test_standard_output_may_be_full_closed_or_unread(store: Path, tmp_path: Path) -> None:
    script = (
        STREAMS.replace("PYTHON -m", f"{sys.executable} -m").replace("REPORT", f"{' '.join(REPORT)} --store {store}").replace("STORE", str(store))
    )
    done = subprocess.run(
        ["bash", "-c", script.replace("LOG", str(store.parent / "a.log"))], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["full 2", "text on full 2", "closed 2", "unread 0", "mute 2", "all closed 0", "odd surroundings 0"]
    assert [line.partition(": cannot write standard output: ")[::2] for line in done.stderr.splitlines()] == [
        ("pullstats", "no space left on the disk"),
        ("pullstats", "no space left on the disk"),
        ("pullstats", "Bad file descriptor"),
    ]


@pytest.mark.parametrize(
    ("path", "says"),
    [("/dev/zero", "a device"), ("/", "a folder"), ("pipe", "nobody writes"), ("large", "larger than 8 bytes"), ("a\0b", "NUL"), ("circle", "links")],
)
def test_a_small_file_is_read_within_bounds(path: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("large").write_bytes(b"123456789")
    Path("circle").symlink_to("circle")
    with pytest.raises(OSError, match=says):
        read_small(Path(path), 8)
    assert read_small(Path("/dev/null")) == b""


def test_a_small_file_may_be_a_pipe_that_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("limit = 1\n")
    script = f"{sys.executable} -m pullstats report --store s --config <(sleep 0.1; cat x.toml) --config <(cat x.toml)"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no store" in done.stderr
