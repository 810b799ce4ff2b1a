"""The store stage: events as Delta tables in one folder, written exactly once, read as one snapshot."""

from __future__ import annotations

from pullstats.store.layout import find_store, is_store
from pullstats.store.losses import Loss, LostRange
from pullstats.store.parts import PendingFile
from pullstats.store.progress import STEM_LENGTH, SourceProgress
from pullstats.store.rewriting import derive_events, rewrite_events, take_back_line
from pullstats.store.status import StoreStatus
from pullstats.store.store import Store, open_store
from pullstats.store.tables import REJECT_SCHEMA, RUN_ROW_SCHEMA, RUN_SCHEMA
from pullstats.store.view import StaleSnapshotError

__all__ = [
    "REJECT_SCHEMA",
    "RUN_ROW_SCHEMA",
    "RUN_SCHEMA",
    "STEM_LENGTH",
    "Loss",
    "LostRange",
    "PendingFile",
    "SourceProgress",
    "StaleSnapshotError",
    "Store",
    "StoreStatus",
    "derive_events",
    "find_store",
    "is_store",
    "open_store",
    "rewrite_events",
    "take_back_line",
]
