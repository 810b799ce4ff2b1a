"""Events to numbers: a question is metrics × dimensions × window × filters × counting rule.

Query  →  resolve  →  partial tables, read once  →  folded rows, totals, others  →  Report

    what is counted   definitions, dimensions, counting/ (what is one), runs, ranks
    when              time/
    which events      filtering/
    of whom           partials, partitions (what is read, and how parts become one)
    questions         questions/, a file each
"""

from pullstats.metrics.counting import COUNTING_RULES
from pullstats.metrics.definitions import METRICS, UNIQUE_LEVELS
from pullstats.metrics.dimensions import DIMENSIONS
from pullstats.metrics.query import Annotation, Query, Reach, find_unique_metric
from pullstats.metrics.questions.breakdown import DAILY_METRICS, answer_query, daily_report

__all__ = [
    "COUNTING_RULES",
    "DAILY_METRICS",
    "DIMENSIONS",
    "METRICS",
    "UNIQUE_LEVELS",
    "Annotation",
    "Query",
    "Reach",
    "answer_query",
    "daily_report",
    "find_unique_metric",
]
