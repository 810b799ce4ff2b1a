"""What is raised within a stream that cannot be read on."""

from __future__ import annotations


class DamagedError(Exception):
    """A compressed stream that ends early or is damaged; what came before it has been read."""
