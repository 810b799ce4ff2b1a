"""Whatever lies in a folder of logs, the logs in it are read: what is none is noted, what cannot be read is said at the end."""

from __future__ import annotations

import errno
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pullstats.cli import run
from pullstats.errors import InputError
from pullstats.pipeline import preparation
from pullstats.pipeline.plan import IngestSummary
from pullstats.sources import SourceFile, layers, paths, streams
from pullstats.store import open_store
from support.command import pullstats

TakeIn = Callable[..., IngestSummary]
Capture = pytest.CaptureFixture[str]
LINE = '192.0.2.{0} - - [02/Mar/2026:00:00:0{0} +0000] "GET /x HTTP/1.1" 200 1 "-" "{1}"\n'
HOLE = 100 << 30


def write(path: Path, number: int = 1, agent: str = "curl/8.0") -> Path:
    path.write_text(LINE.format(number, agent))
    return path


def events(folder: Path) -> int:
    return int(open_store(folder / "store").scan_events(["timestamp"]).collect().height)


@pytest.fixture(name="logs")
def _logs(tmp_path: Path) -> Path:
    """Lay two good logs around whatever a test adds."""
    (tmp_path / "logs").mkdir()
    write(tmp_path / "logs" / "a.log", 1)
    write(tmp_path / "logs" / "z.log", 2, "other/1")
    return tmp_path / "logs"


NAMES = [
    b"\xff\xe9.log", b"new\nline.log", b"\x1b[31mred\x1b[0m.log", b"-n", b"--store", b"[a-z]*?.log", b"n" * 251 + b".log", b"\xe2\x80\xae.log",
    b"caf\xc3\xa9.log", b" ", b"'\"$(id).log", b"%s{0}.log",
]  # fmt: skip


def test_any_name_is_read_and_shown_escaped(logs: Path, tmp_path: Path, capfd: Capture) -> None:
    for number, name in enumerate(NAMES):
        Path(os.fsdecode(os.fsencode(logs) + b"/" + name)).write_text(LINE.format(3, f"agent/{number}"))
    store = ["--store", str(tmp_path / "store")]
    assert run(["ingest", str(logs), *store, "--format", "json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["events"] == len(NAMES) + 2
    assert f"{logs}/\\xff\\xe9.log" in [source["name"] for source in json.loads(out)["sources"]]
    shown = err
    for command in (["status"], ["status", "--format", "json"], ["export", "--set", "rejects"], ["ingest", str(logs)]):
        assert run([*command, *store]) == 0
        shown += "".join(capfd.readouterr())
    assert "\x1b[31m" not in shown
    assert "\u202e" not in shown
    shown.encode()


def test_a_name_that_is_no_text_may_be_named(tmp_path: Path, take_in: TakeIn, capfd: Capture) -> None:
    path = write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.log")))
    assert take_in(path).total("events") == 1
    assert "no such file or folder" in pullstats("ingest", f"{path}x", "--store", tmp_path / "store", code=2).err
    assert pullstats("formats", "detect", path, "--format", "json").rows[0]["file"].endswith("\\xff.log")


def lay_none(logs: Path) -> None:
    """Lay what is no log, and nothing that could not be read."""
    (logs / "dangling.log").symlink_to(logs / "nowhere")
    (logs / "circle.log").symlink_to(logs / "circle.log")
    (logs / "up.log").symlink_to(logs)
    (logs / "folder.log").mkdir()
    (logs / "empty.log").touch()
    (logs / "empty.gz").write_bytes(gzip.compress(b""))
    os.mkfifo(logs / "pipe.log")
    for name, text in (("list", "[1]"), ("null", "null"), ("text", '"x"'), ("object", "{}"), ("deep", "[" * 5000), ("number", "1e999")):
        (logs / f"{name}.json").write_text(text + "\n")
    for depth in (4, 9):
        data = LINE.encode()
        for _ in range(depth):
            data = gzip.compress(data)
        (logs / f"packed-{depth}.gz").write_bytes(data)


def test_what_is_no_log_is_a_note(logs: Path, tmp_path: Path, capfd: Capture) -> None:
    lay_none(logs)
    assert run(["ingest", str(logs), "--store", str(tmp_path / "store")]) == 0
    assert events(tmp_path) == 2
    err = capfd.readouterr().err
    assert "internal" not in err
    for name in ("dangling.log", "circle.log", "pipe.log", "empty.log", "packed-9.gz", "list.json", "deep.json"):
        assert name in err, name


@pytest.mark.parametrize("name", ["list", "null", "text", "object", "deep", "number", "packed-4", "circle", "dangling"])
def test_what_is_no_log_and_named_is_one_sentence(logs: Path, name: str, tmp_path: Path, capfd: Capture) -> None:
    lay_none(logs)
    (path,) = logs.glob(f"{name}.*")
    assert run(["ingest", str(logs / "a.log"), str(path), "--store", str(tmp_path / "store")]) in ({0, 2} if name == "object" else {2})
    err = capfd.readouterr().err
    assert "internal error" not in err
    assert not (tmp_path / "store").exists() or name == "object"


@pytest.mark.parametrize(
    ("happens", "code", "says"),
    [
        ("vanishes", 0, "is no longer there"),
        ("becomes a folder", 0, "is no longer there"),
        ("becomes a pipe", 0, "is no longer there"),
        ("becomes unreadable", 2, "Permission denied"),
        ("cannot be read", 2, "Input/output error"),
    ],
)
def test_what_changes_between_listing_and_opening_keeps_no_other_log(
    happens: str, code: int, says: str, logs: Path, tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(logs / "m.log", 3, "third/1")
    opened = paths.open_file

    def meddle(file: SourceFile) -> int:
        if file.path == path and happens != "cannot be read":
            path.unlink(missing_ok=True)
            if happens == "becomes a folder":
                path.mkdir(exist_ok=True)
            elif happens == "becomes a pipe":
                os.mkfifo(path)
            elif happens == "becomes unreadable":
                raise_from = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
                message = f"cannot open '{file.name}': {raise_from.strerror}"
                raise InputError(message) from raise_from
        return opened(file)

    class Failing(layers.Peekable):
        def read(self, _: int, /) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(layers, "open_file", meddle)
    if happens == "cannot be read":
        undone = layers.decompress
        monkeypatch.setattr(
            streams, "decompress", lambda raw: (undone(raw)[0], Failing(raw)) if b"third" in os.pread(raw.fileno(), 200, 0) else undone(raw)
        )
    assert run(["ingest", str(logs), "--store", str(tmp_path / "store")]) == code
    err = capfd.readouterr().err
    assert says in " ".join(err.split())
    assert "m.log" in err
    assert events(tmp_path) == 2


def test_half_a_gzip_is_kept_and_said(logs: Path, tmp_path: Path, capfd: Capture) -> None:
    packed = gzip.compress(b"".join(LINE.format(n % 10, f"agent/{n * n * 7919}").encode() for n in range(5000)))
    (logs / "half.log.gz").write_bytes(packed[: len(packed) // 2])
    (logs / "none.log.gz").write_bytes(packed[:12])
    (said,) = pullstats("ingest", logs, "--store", tmp_path / "store", "--quiet", code=2).err.splitlines()
    assert "the gz data ends early or is damaged" in said
    assert "1 more like it" in said
    assert events(tmp_path) > 500
    assert "nothing can be read of" in pullstats("ingest", logs / "a.log", logs / "none.log.gz", "--store", tmp_path / "other", code=2).err
    assert not (tmp_path / "other").exists()


def test_a_named_log_that_vanishes_is_one_sentence_and_the_others_stay(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    checked = vars(preparation)["_check_named"]

    def check(*arguments: object) -> object:
        found: object = checked(*arguments)
        (logs / "a.log").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(preparation, "_check_named", check)
    assert "a.log' is no longer there" in pullstats("ingest", logs / "a.log", logs / "z.log", "--store", tmp_path / "store", "-q", code=2).err
    assert events(tmp_path) == 1


def test_a_hole_is_passed_over_and_the_lines_behind_it_are_read(logs: Path, tmp_path: Path, take_in: TakeIn) -> None:
    """As copytruncate leaves it where the server goes on writing at its old place, a terabyte later."""
    path = logs / "hole.log"
    with path.open("wb") as file:
        file.write(LINE.format(3, "before/1").encode() * 3)
        file.seek(HOLE)
        file.write(LINE.format(4, "behind/1").encode() * 2)
        file.seek(2 * HOLE)
        file.write(LINE.format(5, "behind/2").encode())
    with (logs / "cut.log").open("wb") as file:
        file.write(LINE.format(6, "first/1").encode() + b"192.0.2.1 - - [02/Mar")
        file.seek(HOLE)
        file.write(b"2026\n" + LINE.format(7, "last/1").encode())
    with (logs / "nothing.log").open("wb") as file:
        file.truncate(HOLE)
    summary = take_in(logs)
    assert (summary.total("events"), summary.total("rejected"), summary.failures) == (10, 1, [])
    found = open_store(tmp_path / "store").scan_events(["user_agent_original", "source_line"]).collect()
    assert found.filter(found["user_agent_original"] == "behind/2")["source_line"].to_list() == [6]
    assert found.filter(found["user_agent_original"] == "last/1")["source_line"].to_list() == [3]
    with path.open("ab") as file:
        file.write(LINE.format(8, "behind/3").encode())
    again = take_in(logs)
    assert (again.total("events"), again.total("rejected")) == (1, 0)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"])
def test_a_device_is_no_log(device: str, tmp_path: Path, capfd: Capture) -> None:
    assert "is no file and no stream" in pullstats("ingest", device, "--store", tmp_path / "store", code=2).err
    (tmp_path / "link.log").symlink_to(device)
    assert run(["ingest", str(tmp_path / "link.log"), "--store", str(tmp_path / "store")]) == 2
    assert run(["formats", "detect", device]) == 2


def test_streams_are_logs(tmp_path: Path) -> None:
    """A pipe given as a file, standard input by its name, and none at all."""
    script = (
        "set -e; ps() { " + sys.executable + ' -m pullstats "$@"; };'
        " ps ingest -q <(cat a.log) --store s; ps ingest -q /dev/stdin --store s --source web < b.log; ps ingest -q /dev/null --store s;"
        " ps ingest - --store s < /dev/zero && exit 9; ps ingest - --store s <&- && exit 9; true"
    )
    write(tmp_path / "a.log", 1)
    write(tmp_path / "b.log", 2)
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()
    assert len(said) == 2
    assert all("standard input" in line for line in said)
    assert open_store(tmp_path / "s").scan_events(["timestamp"]).collect().height == 2
