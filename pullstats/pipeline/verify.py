"""Check a store against its log, and mend it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pullstats.store import find_store
from pullstats.store.repair import Repair, repair_store
from pullstats.store.verify import Verification, verify_store


@dataclass(frozen=True, slots=True)
class VerifyOutcome:
    """What a check found, and what a repair did about it.

    Attributes:
        found: before any repair.
        repair: what was done, None if nothing was asked for or needed.
        left: what is still wrong after it; `found` itself without a repair.
    """

    found: Verification
    repair: Repair | None
    left: Verification

    def to_json(self) -> dict[str, Any]:
        """Give the keys that scripts rely on."""
        return {
            "clean": self.left.is_clean,
            "files": self.found.files,
            "bytes": self.found.bytes,
            "files_without_checksum": self.found.unsummed,
            "problems": self.found.problems,
            "damaged": [
                {"file": damage.place, "reason": damage.reason, "day": damage.day and str(damage.day), "rows": damage.file.rows}
                for damage in self.found.damages
            ],
            "set_aside": self.repair.moved if self.repair else [],
            "gaps": self.left.gaps,
            "remarks": self.left.remarks,
        }


def verify(store: Path, *, is_repair: bool = False, lock_timeout: float = 0) -> VerifyOutcome:
    """Check every file of a store against its transaction log.

    Args:
        store: its folder.
        is_repair: set aside what is damaged.
        lock_timeout: seconds to wait for another process that writes, before a repair.

    Raises:
        UserError: there is no store, it may not be read, or another process writes to it.
    """
    find_store(store, create=False)
    found = verify_store(store)
    if not is_repair or found.is_clean:
        return VerifyOutcome(found, None, found)
    repair = repair_store(store, lock_timeout)
    return VerifyOutcome(found, repair, verify_store(store))
