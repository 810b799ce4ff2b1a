"""What finds each kind of waste.

To add one: a function from a part and its kind to `ROW` and `measure` of the requests that are waste, and an entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from pullstats.metrics.offences.loops import find_401, find_404, find_429
from pullstats.metrics.offences.manifests import find_needless, find_repeated
from pullstats.metrics.offences.polling import find_catalogue, find_polling
from pullstats.metrics.offences.requests import Part
from pullstats.metrics.offences.rules import Kind
from pullstats.metrics.offences.transfers import find_uncached, find_unfinished

DETECTORS: Final[Mapping[str, Callable[[Part, Kind], pl.DataFrame]]] = {
    "get-for-head": find_needless,
    "manifest-twice": find_repeated,
    "polling": find_polling,
    "loop-401": find_401,
    "loop-404": find_404,
    "loop-429": find_429,
    "catalogue": find_catalogue,
    "no-cache": find_uncached,
    "never-finishes": find_unfinished,
}
"""By the name of a kind what finds it: from a part and the kind, `ROW` of each request of waste, and its `measure` (Float64; null where it has none)."""
