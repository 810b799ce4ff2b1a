"""Holes of files: NULs that take no place on the disk, as a log has them that was truncated while it was written.

Source: lseek(2), SEEK_DATA.
"""

from __future__ import annotations

import errno
import os


def find_data(descriptor: int, start: int, size: int) -> int:
    """Find the first byte of a file that lies on the disk; the file stands afterwards where it stood before.

    Args:
        descriptor: of the open file.
        start: from where on.
        size: bytes of the file.

    Returns:
        Its place: the end of the file if there is none, `start` where the file system does not tell.
    """
    here = os.lseek(descriptor, 0, os.SEEK_CUR)
    try:
        return os.lseek(descriptor, start, os.SEEK_DATA)
    except OSError as error:  # not every file system tells
        return max(size, start) if error.errno == errno.ENXIO else start
    finally:
        os.lseek(descriptor, here, os.SEEK_SET)
