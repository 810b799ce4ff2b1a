"""The wheel holds what the program needs, and runs without what only development needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from support.places import ROOT

DEVELOPMENT = ("pytest", "hypothesis", "mypy", "ruff", "importlinter", "duckdb")
RUN = f"import sys; sys.modules.update(dict.fromkeys({DEVELOPMENT!r})); from pullstats.cli import run; sys.exit(run(sys.argv[1:]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(folder.glob("*.tar.gz"))
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_rules_data_and_samples(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("enrich/rules/agents/containers.toml", "enrich/rules/packages/oci.toml", "enrich/rules/secrets.toml", "enrich/data/geo.mmdb.xz"):
        assert f"pullstats/{name}" in names, name
    assert "pullstats/enrich/data/NOTICE" in names
    assert any(name.startswith("pullstats/sample_logs/gateway-edge") for name in names)
    assert not any("tests" in name.split("/") for name in names)


def test_the_sdist_holds_all_that_its_tests_read(wheel: Path) -> None:
    with tarfile.open(next(wheel.parent.glob("*.tar.gz"))) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    read = ["Makefile", "CONTRIBUTING.md", "pyproject.toml", ".pre-commit-config.yaml"]
    for folder in ("tests", "bench", "docs", "examples", "fuzz", "sample_logs", "schemas", "tools", ".ci"):
        files = [path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()]
        read += [str(path) for path in files if not {"__pycache__", "work", "failures"} & set(path.parts)]
    assert len(read) > 500
    assert set(read) - packed == set()


def test_the_wheel_runs_without_development_dependencies(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.unpack_archive(wheel, site, "zip")
    environment = {**os.environ, "PYTHONPATH": str(site), "PULLSTATS_STORE": str(tmp_path / "store")}
    for arguments in (
        ["ingest", str(site / "pullstats" / "sample_logs" / "gateway-edge.log")],
        ["report", "--by", "country", "--window", "all"],
        ["--help"],
    ):
        done = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert "pullstats" in done.stdout
