"""Lists of releases and packages from which little or nothing can be told: each is answered in a sentence, and nothing is guessed."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.command import pullstats, take_into
from support.crowd import NOON
from support.effort import some
from support.released import DAY

DIGESTS = ["sha256:" + letter * 64 for letter in "abc"]
ASKED = {"acme/two": ["1.0.0"] * 20 + ["1.1.0"] * 20, "acme/one": ["2.0.0"] * 40, "acme/bare": [DIGESTS[day % 3] for day in range(40)]}
"""What is asked for on each day, each day by an address of its own, and by one that always comes."""
GOOD = "version,date\n1.1.0,2025-03-23\n"
TWO, ONE, BARE = (("--where", f"package={name}") for name in ASKED)


CASES: list[tuple[str, tuple[str, ...], Any, str]] = [
    (f"{GOOD}7.7.7,2025-03-20\n", ("versions", "--adoption", *TWO), 0, "7.7.7 are listed, but nobody asked for them here"),
    (f"{GOOD}7.7.7,2025-03-20\n", ("versions", "--adoption", "7.7.7", *TWO), 2, "nobody asked for a version '7.7.7' in this window"),
    (f"{GOOD}1.0.0,2025-02-31\n", ("versions", "--lag", *TWO), 2, "releases.csv:3: '2025-02-31' is no date; write 2025-04-16"),
    (f"{GOOD}1.0.0,99999-01-01\n", ("series", "--annotate", "releases"), 2, "releases.csv:3: '99999-01-01' is no date"),
    (f"{GOOD}\x1b[31m,2025-03-20\n", ("versions", "--adoption", *TWO), 0, "are listed, but nobody asked for them here"),
    (f"{GOOD}v1.1.0,2025-03-22\n1.1.0,2025-03-24\n", ("versions", "--adoption", "1.1.0", *TWO), 0, "since 2025-03-22 00:00"),
    (f"{GOOD}1.2.0,2031-01-01\n", ("versions", "--adoption", *TWO), 0, "1.2.0 came out after these logs end"),
    (f"{GOOD}1.2.0,2031-01-01\n", ("versions", "--window", "14d after 1.2.0", *TWO), (0, 2, 4), ""),
    ("version,date\n", ("versions", "--adoption", *TWO), 0, "dates that no list tells are those of the first request"),
    ("@empty", ("versions", "--adoption", *TWO), 2, "tells of no release: it has no tags; git fetch --tags gets them, or write a CSV"),
    ("@nowhere", ("versions", "--adoption", *TWO), 2, "is no folder; write @ and the folder of a git checkout"),
    ("nowhere.csv", ("versions", "--adoption", *TWO), 2, "cannot read"),
    (GOOD, ("versions", "--adoption", *ONE), 0, "no release came out a day or more before the end of these logs, as far as is known"),
    (GOOD, ("versions", "--lag", *ONE), 0, "no release in this window came out while somebody was on an older version"),
    (GOOD, ("versions", "--echo", *ONE), 0, "none of them the echo of a release"),
    (GOOD, ("versions", "--window", "all", *ONE), 0, "80 downloads of 1 package in 1 version, 100.0 % of them of the newest, 2.0.0"),
    (GOOD, ("versions", "--window", "all", *BARE), 0, "no tag was ever seen with these digests"),
    (GOOD, ("versions", "--adoption", *BARE), 0, "no release came out a day or more before the end"),
    (GOOD, ("versions", "--lag", *BARE), 0, "no release in this window came out while somebody was on an older version"),
    (GOOD, ("versions", "--echo", *BARE), 0, "so there is no echo of one"),
    (GOOD, ("versions", "--would-miss", DIGESTS[0], *BARE), 0, f"asked for {DIGESTS[0]} in the last 30 days"),
    (GOOD, ("cohorts", "--every", "d", "--look-back", "1", *ONE), 0, "37 origins first seen in 37 days"),
    (GOOD, ("versions", "--of", "arch", *TWO), 0, "nobody who asked within 30 days states arch; 31 more state none"),
]
"""A list of releases, a command, how it ends, and what it says."""


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mistakes")
    lines: list[str] = []
    for day in range(40):
        for number, (package, references) in enumerate(ASKED.items()):
            for who in (f"198.18.{number}.{day}", f"198.18.{number}.200"):
                time = NOON + day * DAY + timedelta(minutes=len(lines))
                lines.append(
                    f'{who} - - [{time:%d/%b/%Y:%H:%M:%S +0000}] "GET /v2/{package}/manifests/{references[day]} HTTP/1.1" 200 9 "-" "containerd/1.7.2"\n'
                )
    (folder / "access.log").write_text("".join(sorted(lines, key=lambda line: line[line.index("[") :])))
    take_into(folder / "store", folder / "access.log", key_file=folder / "key")
    (folder / "empty").mkdir()
    subprocess.run(["git", "init", "-q", str(folder / "empty")], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("words", [("--adoption",), ("--lag",), ("--echo",), ("--would-miss", "9"), ("--of", "arch")], ids=" ".join)
def test_nothing_to_tell_is_no_row_in_any_format(words: tuple[str, ...], folder: Path) -> None:
    for form in some(("json", "csv", "md", "ndjson"), 4):
        said = pullstats("versions", *words, *BARE, "--store", folder / "store", "--format", form)
        assert form != "json" or words[0] in {"--echo", "--of"} or said.rows == []


@pytest.mark.parametrize(("listed", "words", "code", "told"), some(CASES, 2))
def test_what_little_can_be_told_is_told_in_a_sentence(listed: str, words: tuple[str, ...], code: int, told: str, folder: Path) -> None:
    """Cohorts are of one each: every day one address comes that was never seen, and never comes again."""
    path = folder / "releases.csv"
    if "," in listed:
        path.write_text(listed)
    given = f"@{folder / listed[1:]}" if listed.startswith("@") else path if "," in listed else folder / listed
    said = pullstats(*words, "--releases", given, "--store", folder / "store", code=code)
    text = " ".join((said.out + said.err).split())
    assert told in text
    assert "\x1b" not in text
    assert "Traceback" not in text
