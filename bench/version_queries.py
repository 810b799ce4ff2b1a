"""The questions about versions, platforms and cohorts as SQL over a store's files, where one statement says them.

`EVENTS` stands for the files, `ECOSYSTEM` for a purl type. Versions are three numbers here, as those of the made-up traffic are; so comparing
them number by number is the order of npm and of PyPI.
"""

from __future__ import annotations

from transfers import find_transfers

FILES = (
    r"""
named AS (
  SELECT origin_id, url_path, timestamp AS instant, source_id, source_offset, package_name AS package, http_response_status_code AS status,
         action = 'download' AND is_downloadable AND http_request_method = 'GET' AND status IN (200, 206, 301, 302, 303, 307, 308) AS is_file,
         CASE WHEN reference_kind = 'tag' THEN package_version WHEN reference_kind = 'digest' AND action IS DISTINCT FROM 'download' THEN NULL
              ELSE coalesce(package_version_normalized, package_version) END AS release
  FROM EVENTS WHERE package_type = 'ECOSYSTEM'),
files AS (SELECT * FROM named WHERE is_file),
"""
    + find_transfers("first_value(instant) OVER chain AS began")
    + """
taken AS (SELECT package, release, began AS instant FROM ranked WHERE is_first OR (status = 200 AND whole > 1) UNION ALL
  SELECT package, release, began FROM placed WHERE status >= 300 AND NOT leads_on),
ends AS (SELECT min(timestamp) AS oldest, max(timestamp) AS newest FROM EVENTS)
"""
)
"""Downloads of files, each with its package, release and instant."""

PLACES = r"""
places AS (SELECT DISTINCT package, release, string_split(release, '.')::BIGINT[] AS place FROM SEEN
  WHERE package IS NOT NULL AND regexp_full_match(release, '[0-9]+\.[0-9]+\.[0-9]+')),
several AS (SELECT package FROM places GROUP BY package HAVING count(*) > 1),
moments AS (SELECT package, release, place, date_trunc('minute', min(instant)) AS released
  FROM SEEN JOIN places USING (package, release) SEMI JOIN several USING (package), ends
  GROUP BY ALL HAVING min(instant) >= any_value(oldest) + INTERVAL 7 DAY)
"""
"""Versions in order, and when each came out: with its first request, unless it may be older."""

VERSIONS = f"""
WITH {FILES},
downloads AS (SELECT package, release, count(*) AS downloads FROM taken WHERE package IS NOT NULL GROUP BY ALL),
asks AS (SELECT package, release, count(*) AS requests, count(DISTINCT origin_id) AS origins,
    count(DISTINCT origin_id) FILTER (instant > newest - INTERVAL 30 DAY) AS active
  FROM named, ends WHERE package IS NOT NULL AND (status IS NULL OR status < 400) GROUP BY ALL)
SELECT 'ECOSYSTEM' AS ecosystem, a.package, a.release, coalesce(d.downloads, 0) AS downloads, a.requests, a.origins, a.active
FROM asks a LEFT JOIN downloads d ON a.package = d.package AND a.release IS NOT DISTINCT FROM d.release
WHERE a.release IS NOT NULL OR d.downloads > 0
"""

ADOPTION = f"""
WITH {FILES}, minutes AS (SELECT package, release, date_trunc('minute', instant) AS instant, count(*) AS downloads FROM taken GROUP BY ALL),
{PLACES.replace("SEEN", "minutes")},
days AS (SELECT m.package, m.release, date_diff('second', m.released, t.instant) // 86400 + 1 AS day, sum(t.downloads)::BIGINT AS downloads,
    (sum(t.downloads) FILTER (p.place >= m.place))::BIGINT AS newer, any_value(date_diff('second', m.released, newest) // 86400) AS whole
  FROM moments m JOIN minutes t ON t.package = m.package AND t.instant >= m.released JOIN places p ON p.package = t.package AND p.release = t.release, ends
  GROUP BY ALL)
SELECT 'ECOSYSTEM' AS ecosystem, package, release, day, downloads, coalesce(newer, 0) AS newer FROM days WHERE day <= whole
"""

LAG = f"""
WITH {FILES}, asked AS (SELECT package, release, instant, origin_id FROM named WHERE status IS NULL OR status < 400),
{PLACES.replace("SEEN", "asked")},
daily AS (SELECT package, place, origin_id, date_trunc('day', instant) AS day, min(instant) AS first, max(instant) AS last
  FROM asked JOIN places USING (package, release) WHERE origin_id IS NOT NULL GROUP BY ALL),
people AS (SELECT m.package, m.release, any_value(m.released) AS released, d.origin_id, max(d.last) AS last, min(d.first) FILTER (d.place >= m.place) AS moved,
    bool_or(d.place < m.place AND d.first < m.released AND d.last >= m.released - INTERVAL 30 DAY) AS was_there
  FROM moments m JOIN daily d USING (package) GROUP BY m.package, m.release, d.origin_id)
SELECT 'ECOSYSTEM' AS ecosystem, package, release, count(*) AS origins, count(moved) AS moved,
  count(*) FILTER (moved IS NULL AND last > newest - INTERVAL 30 DAY) AS stuck, count(*) FILTER (moved IS NULL AND last <= newest - INTERVAL 30 DAY) AS gone
FROM people, ends WHERE was_there AND (moved IS NULL OR moved >= released) GROUP BY ALL
"""

WOULD_MISS = """
SELECT package_name, as_organization AS org, count(*) AS requests, count(DISTINCT origin_id) AS origins
FROM EVENTS, (SELECT max(timestamp) AS newest FROM EVENTS)
WHERE timestamp > newest - INTERVAL 30 DAY AND package_version = 'latest' AND (http_response_status_code IS NULL OR http_response_status_code < 400)
GROUP BY ALL
"""
"""The nearest that one statement says: no classes, machines or pulls, tags as they are asked for, and no names of one's own."""

COHORTS = """
WITH seen AS (SELECT DISTINCT origin_id, date_trunc('week', timestamp AT TIME ZONE 'UTC') AS week FROM EVENTS
  WHERE origin_id IS NOT NULL AND package_name IS NOT NULL AND (http_response_status_code IS NULL OR http_response_status_code < 400)
    AND timestamp < '2025-06-30T00:00:00Z'::TIMESTAMPTZ),
born AS (SELECT origin_id, min(week) AS born FROM seen GROUP BY origin_id),
members AS (SELECT born, count(*) AS members FROM born GROUP BY born),
begin AS (SELECT date_trunc('week', min(timestamp AT TIME ZONE 'UTC') + INTERVAL 6 DAY) + INTERVAL 4 WEEK AS begin FROM EVENTS)
SELECT strftime(born, '%Y-%m-%d') AS cohort, date_diff('week', born, week) AS age, any_value(members) AS members, count(*) AS retained
FROM seen JOIN born USING (origin_id) JOIN members USING (born), begin WHERE born >= begin GROUP BY born, week
"""

SHARES = """
, ends AS (SELECT max(timestamp) AS newest FROM EVENTS),
asks AS (SELECT user_agent_name AS value, count(DISTINCT origin_id) FILTER (timestamp > newest - INTERVAL 30 DAY) AS active, count(DISTINCT origin_id) AS seen
  FROM EVENTS, ends WHERE package_name IS NOT NULL AND (http_response_status_code IS NULL OR http_response_status_code < 400) GROUP BY ALL),
totals AS (SELECT client AS value, sum(downloads)::BIGINT AS downloads FROM taken GROUP BY ALL)
SELECT a.value, a.active, a.seen, coalesce(t.downloads, 0) AS downloads FROM asks a LEFT JOIN totals t ON t.value IS NOT DISTINCT FROM a.value
"""
"""Behind what finds all downloads with their clients (`taken`)."""
