"""The part of a statement that finds transfers of files: a redirect and what it leads to are one, and so is what goes on within ten minutes."""

from __future__ import annotations


def find_transfers(first: str) -> str:
    """Write the tables `linked` to `ranked`, of a table `files` of `origin_id`, `url_path`, `instant`, `source_id`, `source_offset` and `status`.

    Args:
        first: columns that every request of a chain of redirects has of the first, OVER `chain`.
    """
    return f"""\
linked AS (SELECT *, coalesce(status >= 300 AND lead(instant) OVER owner - instant <= INTERVAL 5 SECOND, false) AS leads_on
  FROM files WINDOW owner AS (PARTITION BY origin_id, url_path ORDER BY instant, source_id, source_offset)),
chained AS (SELECT *, sum((NOT before)::INT) OVER owner AS chain FROM (SELECT *, coalesce(lag(leads_on) OVER owner, false) AS before FROM linked
  WINDOW owner AS (PARTITION BY origin_id, url_path ORDER BY instant, source_id, source_offset))
  WINDOW owner AS (PARTITION BY origin_id, url_path ORDER BY instant, source_id, source_offset)),
placed AS (SELECT *, {first} FROM chained
  WINDOW chain AS (PARTITION BY origin_id, url_path, chain ORDER BY instant, source_id, source_offset)),
bodies AS (SELECT *, coalesce(instant - lag(instant) OVER owner > INTERVAL 10 MINUTE, true) AS is_first FROM placed WHERE status IN (200, 206)
  WINDOW owner AS (PARTITION BY origin_id, url_path ORDER BY instant, source_id, source_offset)),
transfers AS (SELECT *, sum(is_first::INT) OVER (PARTITION BY origin_id, url_path ORDER BY instant, source_id, source_offset) AS transfer FROM bodies),
ranked AS (SELECT *, sum((status = 200)::INT) OVER (PARTITION BY origin_id, url_path, transfer ORDER BY instant, source_id, source_offset) AS whole
  FROM transfers),
"""
