"""Events to numbers: a question is metrics × dimensions × window × filters × counting rule.

Query  →  resolve  →  partial tables, read once  →  folded rows, totals, others  →  Report
"""

from pullstats.metrics.answer import DAILY_METRICS, answer_query, daily_report
from pullstats.metrics.counting import COUNTING_RULES
from pullstats.metrics.definitions import METRICS, UNIQUE_LEVELS
from pullstats.metrics.dimensions import DIMENSIONS
from pullstats.metrics.query import Annotation, Query, Reach, find_unique_metric

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
