"""What a question is: a value that answers for itself.

To add one: a dataclass with its `query` and its `answer`, in a file of `questions/`, and a command that makes it.
"""

from __future__ import annotations

from typing import Protocol

from pullstats.metrics.accounting.lines import Account
from pullstats.metrics.query import Query
from pullstats.metrics.store_events import StoreEvents
from pullstats.reports import Report


class Question(Protocol):
    """A question of a store's events."""

    @property
    def query(self) -> Query:
        """What is asked: metrics, dimensions, window, filters."""

    def answer(self, events: StoreEvents) -> Report:
        """Answer it.

        Raises:
            UsageError: something that is not understood, or cannot be asked together.
        """


class Accounted(Question, Protocol):
    """A question that tells of every request where in its answer it is."""

    def account(self, events: StoreEvents) -> Account:
        """Tell how its answer came about.

        Raises:
            UsageError: as `answer`.
        """
