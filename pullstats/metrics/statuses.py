"""What an HTTP status means to a count.

Source: RFC 9110, section 15; which redirects lead to the content is the table of
DEFINITIONS "When is it a download?" (301, 302, 303, 307, 308; 300 and 304 carry none).
"""

from __future__ import annotations

from typing import Final

import polars as pl

REDIRECTS: Final = (301, 302, 303, 307, 308)

STATUS: Final = pl.col("http_response_status_code")
METHOD: Final = pl.col("http_request_method")

IS_ANONYMOUS_TRY: Final = STATUS.eq_missing(401)
"""A first try without credentials: no second person."""

IS_FAILED: Final = STATUS.ge(400).fill_null(value=False)
"""Answered 4xx or 5xx; an unknown status is no failure."""

IS_ANSWERED: Final = ~IS_FAILED
"""Not answered 4xx or 5xx."""

IS_REDIRECT: Final = STATUS.is_in(REDIRECTS).fill_null(value=False)
IS_WHOLE: Final = STATUS.eq_missing(200)
IS_PART: Final = STATUS.eq_missing(206)
IS_UNCHANGED: Final = STATUS.eq_missing(304)
IS_TAKEN: Final = STATUS.is_between(200, 299).fill_null(value=False) | IS_REDIRECT
"""Answered with the content or with the way to it."""

IS_GET: Final = METHOD.fill_null("GET").eq("GET")
"""Fetched; a log that names a target but no method (Bunny, Fastly's own text) tells of what was fetched."""
IS_HEAD: Final = METHOD.eq_missing("HEAD")
