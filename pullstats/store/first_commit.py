"""The first commit of a table: what the library would write of the protocol, the columns and the properties, in a tenth of its time.

Sources: Delta Lake protocol, "Change Metadata", "Protocol Evolution", "Transaction Identifiers", "Commit Provenance Information",
https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from pullstats.store import modes
from pullstats.store.log_files import commit_path
from pullstats.store.snapshot import OURS, READER_VERSION, STATE_ID
from pullstats.store.tables import DELTA_PROPERTIES

WRITER_VERSION: Final = 2
DRAFT: Final = "#first"
"""How the file of a commit ends that is not whole yet; a writer that comes later sweeps what ends so."""


def write_first_commit(folder: Path, name: str, schema: str, partitions: Sequence[str], state: int) -> None:
    """Make a table; one that another writer has just made stays.

    Args:
        folder: of the table, in that of the store.
        name: of the table.
        schema: its columns, as JSON.
        partitions: columns that it is partitioned by.
        state: digest of the state that the commit leads to.

    Raises:
        OSError: the disk is full, the folder not writable, or on a file system without hard links; there is no table then.
    """
    path = commit_path(folder, 0)
    draft = path.with_name(path.name + DRAFT)
    modes.make_folder(path.parent, folder.parent)
    draft.unlink(missing_ok=True)
    modes.make_file(draft, folder.parent)
    try:
        draft.write_text("".join(f"{json.dumps(action)}\n" for action in _list_actions(name, schema, partitions, state)), encoding="utf-8")
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _list_actions(name: str, schema: str, partitions: Sequence[str], state: int) -> list[dict[str, Any]]:
    """List the actions; the state comes last, so that a commit that is cut anywhere lacks it."""
    now = int(time.time() * 1000)
    table = {
        "id": str(uuid.uuid4()),
        "name": name,
        "description": None,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema,
        "partitionColumns": list(partitions),
        "createdTime": now,
        "configuration": DELTA_PROPERTIES,
    }
    return [
        {"commitInfo": {"timestamp": now, "operation": "CREATE TABLE", "operationParameters": {}, OURS: "1"}},
        {"protocol": {"minReaderVersion": READER_VERSION, "minWriterVersion": WRITER_VERSION}},
        {"metaData": table},
        {"txn": {"appId": STATE_ID, "version": state, "lastUpdated": now}},
    ]
