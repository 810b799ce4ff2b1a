"""Tell the method of a request by the name of the operation, where a store logs that alone.

Source: learn.microsoft.com/rest/api/storageservices (each operation's request line) and
storage-analytics-logged-operations-and-status-messages.
"""

from __future__ import annotations

from typing import Final

import polars as pl

_METHODS: Final = {
    "HEAD": r"^Get(?:Blob|File|Path)(?:Properties|Metadata|Status)$|^(?:Get)?(?:Container|Share|Directory)(?:Properties|Metadata)$|^CheckBlobExistence",
    "OPTIONS": r"PreflightRequest$",
    "DELETE": r"^(?:Delete|Clear)",
    "POST": r"^(?:GetUserDelegationKey|BatchRequest|SubmitBatch|QueryBlob|PutMessage|InsertEntity)",
    "GET": r"^(?:Get|List|Read|Query|Peek|Find)",
    "PUT": r"^(?:Put|Set|Create|Copy|Append|Abort|Acquire|Renew|Release|Break|Change|Lease|Snapshot|Undelete|Update|Write|Flush|Rename|Merge|Resize)",
}
"""What the name of an operation looks like, by method, the first that fits counting."""


def method_of(operation: pl.Expr) -> pl.Expr:
    """Give the method of an operation of Azure Storage (`GetBlob`), null for one that is not known."""
    return pl.coalesce(pl.when(operation.str.contains(pattern)).then(pl.lit(method)) for method, pattern in _METHODS.items())
