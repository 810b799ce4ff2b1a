"""The store stage: events as Delta tables in one folder, written exactly once, read as one snapshot."""

from __future__ import annotations

from pullstats.store.parts import PendingFile
from pullstats.store.progress import SourceProgress
from pullstats.store.store import StaleSnapshotError, Store, StoreStatus, open_store
from pullstats.store.tables import REJECT_SCHEMA, RUN_SCHEMA

__all__ = ["REJECT_SCHEMA", "RUN_SCHEMA", "PendingFile", "SourceProgress", "StaleSnapshotError", "Store", "StoreStatus", "open_store"]
