"""Where things lie that tests read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parent.parent
ROOT: Final = TESTS.parent
CASES: Final = TESTS / "cases"
DATA: Final = TESTS / "data"
CAPTURE: Final = DATA / "capture"
LOGS: Final = DATA / "logs"
FIELD: Final = TESTS / "field"
SAMPLES: Final = ROOT / "sample_logs"
