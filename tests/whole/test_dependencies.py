"""What a user installs suffices: the main job with nothing at hand but what `requirements.lock` names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.places import ROOT

BARE = """
import re, sys
from importlib.metadata import packages_distributions

named = {re.split("[=;<>! ]", line)[0] for line in open(sys.argv[1]) if line[0].isalpha()} | {"pullstats"}
kept = lambda text: re.sub("[-_.]+", "-", text).lower() in named
foreign = {module for module, owners in packages_distributions().items() if not any(map(kept, owners))} - {"__editable__"}
foreign |= {"numpy", "pandas"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in foreign:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

sys.meta_path.insert(0, Absent())
from pullstats.cli import run

for line in sys.stdin.read().splitlines():
    if code := run(line.split("\\t")):
        sys.exit(f"{line} gave {code}")
print(sorted(foreign)[:3], file=sys.stderr)
"""


def test_the_main_job_needs_no_package_that_is_not_locked(tmp_path: Path) -> None:
    """Packages of tests and extras are at hand wherever we work; a user has only ours."""
    log = tmp_path / "odd.log"
    line = '81.2.69.{0} - al%C3%A9x [0{0}/Mar/2026:10:00:00 +0000] "GET /v2/acme/app/manifests/1.{0}?ip=0x51{0}1.2.3&a=1359021327 HTTP/1.1" 200 5 "-" "docker/27.0 go/go1.22"\n'
    log.write_text("".join(line.format(number) for number in range(1, 9)))
    jobs = [
        ["ingest", str(log), str(ROOT / "sample_logs" / "gateway-edge.log"), "--quiet", "--keep-addresses"],
        ["report", "--by", "country,client", "--metric", "downloads,checks,sessions,downloaders,users"],
        ["report", "--by", "origin", "--format", "ndjson"],
        ["series", "--every", "1d", "--format", "csv"],
        ["compare", "2026-03-02..2026-03-03", "2026-03-04..2026-03-05"],
        ["origins"],
        ["explain", "--window", "all"],
        ["export", "--set", "daily", "-o", str(tmp_path / "daily.csv")],
        ["export", "--set", "events", "-o", str(tmp_path / "events.parquet")],
        ["rebuild", "--dry-run"],
        ["verify"],
        ["doctor"],
    ]
    environment = {**os.environ, "PULLSTATS_STORE": str(tmp_path / "store"), "PYTHONPATH": str(ROOT)}
    jobs_text = "\n".join("\t".join(job) for job in jobs)
    command = [sys.executable, "-c", BARE, str(ROOT / "requirements.lock")]
    ran = subprocess.run(command, input=jobs_text, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
