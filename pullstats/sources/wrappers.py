"""The ways logs are wrapped.

A log service wraps a log as a whole, a runtime every line (`line_wrappers.py`).

To add a service: a `Wrapper` in a module of its own, listed in `_MODULES`, and cases in
`tests/cases/wrappers/`.
"""

from __future__ import annotations

from typing import Final

from pullstats.sources import cloudwatch_documents, cloudwatch_lines, cloudwatch_rows, json_documents, line_wrappers, loki_answers, syslog_frames
from pullstats.sources.json_answers import ANSWER
from pullstats.sources.line_wrapper import LineWrapper
from pullstats.sources.messages import Unwrapper, Wrapper

_MODULES: Final = (cloudwatch_documents, cloudwatch_rows, cloudwatch_lines, loki_answers, json_documents, syslog_frames)

PARQUET: Final = Wrapper(
    "parquet",
    "Parquet files: each row is read as a JSON object under the names of its columns",
    "https://parquet.apache.org/docs/file-format/",
    '{"date":"2025-01-15","time":"10:20:30","x_edge_location":"CDG50-P2","c_ip":"198.51.100.4","cs_method":"GET","cs_uri_stem":"/dl/demo-1.0.tar.gz"}',
    lambda head, name: None,  # noqa: ARG005 - told and undone like a compression
)
"""What a log of rows is said to be wrapped in."""

_DOCUMENTS: Final[tuple[Wrapper, ...]] = tuple(wrapper for module in _MODULES for wrapper in module.WRAPPERS)

_ALL: Final[tuple[Wrapper | LineWrapper, ...]] = (*_DOCUMENTS, ANSWER, PARQUET, *line_wrappers.WRAPPERS)

WRAPPERS: Final[dict[str, Wrapper | LineWrapper]] = {wrapper.name: wrapper for wrapper in _ALL}

TEST_OBJECT: Final = b"Permission Check Successful"
"""What CloudWatch writes beside an export to see whether it may: no log.

Source: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3ExportTasksConsole.html (aws-logs-write-test).
"""


def find_wrapper(head: bytes, name: str) -> tuple[Wrapper, Unwrapper] | None:
    """Tell what log service wraps a log as a whole, and how to unwrap it; None where lines are lines.

    Args:
        head: its first bytes, decompressed.
        name: its path, which may name the stream it comes from.
    """
    for wrapper in _DOCUMENTS:
        unwrapper = wrapper.open(head, name)
        if unwrapper is not None:
            return wrapper, unwrapper
    return None


def find_answer(head: bytes, name: str) -> tuple[Wrapper, Unwrapper] | None:
    """Tell what may be an answer of a service, if a format reads what lies in it; the arguments are those of `find_wrapper`."""
    unwrapper = ANSWER.open(head, name)
    return None if unwrapper is None else (ANSWER, unwrapper)


def is_test_object(head: bytes) -> bool:
    """Tell the object that CloudWatch leaves beside an export."""
    return head.strip() == TEST_OBJECT
