"""What every test runs in: its own key, cache and configuration, and no colour."""

from __future__ import annotations

import gc
import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from pullstats.pipeline.plan import IngestSummary
from support.case_files import UPDATE
from support.command import take_into
from support.effort import SOAK, count_examples
from support.places import SAMPLES

# Machines are shared and slow at times: no test judges by the clock.
settings.register_profile("unhurried", max_examples=count_examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to write cases anew."""
    parser.addoption("--update-cases", action="store_true", help="write into case files what is found now; what changes there is shown as a failure")


def pytest_configure(config: pytest.Config) -> None:
    """Tell every worker whether cases are written anew."""
    if config.getoption("--update-cases"):
        os.environ[UPDATE] = "1"


def pytest_collection_finish() -> None:
    """Leave what was imported and collected, which stays to the end, out of every later collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's key, cache and configuration out of the tests, and the tests out of them; one key for all that a worker makes."""
    folder = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("NO_COLOR", "1")
        patch.delenv("COLUMNS", raising=False)
        patch.delenv("PULLSTATS_STORE", raising=False)
        yield


@pytest.fixture(scope="session")
def sample_store(tmp_path_factory: pytest.TempPathFactory, home: None) -> Path:
    """Give a store of the bundled logs, made once for all tests of a worker: they read it, or write to a copy."""
    store = tmp_path_factory.mktemp("samples") / "store"
    take_into(store, SAMPLES)
    return store


@pytest.fixture(scope="session")
def few_samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the bundled logs, of the long ones every twentieth line; in a soak all lines."""
    folder = tmp_path_factory.mktemp("few") / "sample_logs"
    folder.mkdir()
    for path in SAMPLES.iterdir():
        is_long = path.suffix == ".gz" and not SOAK
        data = path.read_bytes()
        few = b"".join(gzip.decompress(data).splitlines(keepends=True)[::20]) if is_long else data
        (folder / path.name).write_bytes(gzip.compress(few) if is_long else few)
    return folder


@pytest.fixture(scope="session")
def few_store(few_samples: Path, home: None) -> Path:
    """Give a store of these, made once for all tests of a worker."""
    take_into(few_samples.parent / "store", few_samples)
    return few_samples.parent / "store"


@pytest.fixture
def take_in(tmp_path: Path) -> Callable[..., IngestSummary]:
    """Ingest paths into a store in the test's folder."""

    def run(*paths: Path | str, store: Path = tmp_path / "store", **options: object) -> IngestSummary:
        return take_into(store, *paths, **options)

    return run
