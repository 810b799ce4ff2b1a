"""The ways logs are wrapped.

To add one: a `Wrapper` in a module of its own, listed in `_MODULES`, and cases in
`tests/cases/wrappers/`.
"""

from __future__ import annotations

from typing import Final

from pullstats.sources import cloudwatch_documents, cloudwatch_lines, cloudwatch_rows
from pullstats.sources.messages import Peeler, Wrapper

_MODULES: Final = (cloudwatch_documents, cloudwatch_rows, cloudwatch_lines)

WRAPPERS: Final[dict[str, Wrapper]] = {wrapper.name: wrapper for module in _MODULES for wrapper in module.WRAPPERS}

TEST_OBJECT: Final = b"Permission Check Successful"
"""What CloudWatch writes beside an export to see whether it may: no log.

Source: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3ExportTasksConsole.html (aws-logs-write-test).
"""


def find_wrapper(head: bytes, name: str) -> tuple[Wrapper, Peeler] | None:
    """Tell how a log is wrapped, and how to peel it; None for a plain one.

    Args:
        head: its first bytes, decompressed.
        name: its path, which may name the stream it comes from.
    """
    for wrapper in WRAPPERS.values():
        peeler = wrapper.open(head, name)
        if peeler is not None:
            return wrapper, peeler
    return None


def is_test_object(head: bytes) -> bool:
    """Tell the object that CloudWatch leaves beside an export."""
    return head.strip() == TEST_OBJECT
