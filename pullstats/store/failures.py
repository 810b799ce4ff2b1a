"""What disks and libraries raise, in one sentence."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from pullstats.errors import PullstatsError, StoreError


@contextmanager
def explain_failure(work: str, store: Path) -> Iterator[None]:
    """Turn what disks and libraries raise into one `StoreError`; `work` completes "cannot …"."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _failure(work, store, _reason(error)) from error
    except PullstatsError:
        raise
    except Exception as error:
        from deltalake.exceptions import CommitFailedError, DeltaError  # noqa: PLC0415 - who only reads a store needs no library that writes

        if isinstance(error, CommitFailedError):
            raise StoreError(f"cannot {work} the store {store}: another process wrote to it at the same time; run again") from error
        if isinstance(error, DeltaError):
            raise _failure(work, store, _reason(error)) from error
        raise


def _failure(work: str, store: Path, reason: str) -> StoreError:
    outcome = "" if work == "read" else "; it is as it was"
    return StoreError(f"cannot {work} the store {store}: {reason}{outcome}")


def _reason(error: Exception) -> str:
    """What the system said, dug out of the layers that the libraries wrap around it."""
    text = str(error)
    if found := re.search(r"\(os error (\d+)\)|\bcode: (\d+)", text):
        return os.strerror(int(found[1] or found[2]))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (text.splitlines() or [type(error).__name__])[0]
