"""What every test runs in: its own key, cache and configuration, and no colour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from pullstats.pipeline.ingest import ingest
from pullstats.pipeline.plan import IngestPlan, IngestSummary

# Machines are shared and slow at times: no test judges by the clock.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's key, cache and configuration out of the tests, and the tests out of them."""
    home = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("PULLSTATS_STORE", raising=False)


@pytest.fixture
def take_in(tmp_path: Path) -> Callable[..., IngestSummary]:
    """Ingest paths into a store in the test's folder."""

    def run(*paths: Path | str, **options: object) -> IngestSummary:
        return ingest(IngestPlan(tuple(map(str, paths)), **{"store": tmp_path / "store", **options}))  # type: ignore[arg-type]

    return run
