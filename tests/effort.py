"""How hard the tests try: a short sample in `make test`, many times as much in `make soak`."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import settings

SOAK: Final = int(os.environ.get("PULLSTATS_SOAK", "1"))
"""How many times as many examples are tried as usual."""


def examples(count: int) -> settings:
    """Let a property be tried on so many examples, and on more in a soak."""
    return settings(max_examples=count * SOAK)
