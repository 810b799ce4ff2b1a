"""What people call metrics and dimensions, and the names we use.

To add one: an entry in a table. What we have under no name at all is answered with what there is.
"""

from __future__ import annotations

from typing import Final

_METRICS: Final = {
    "requests": "hits hit request events event lines pageviews page-views views accesses",
    "bytes": "bandwidth traffic size volume transferred",
    "downloads": "download dl dls installs",
    "downloaders": "downloader unique-downloaders takers",
    "pulls": "pull",
    "checks": "check polls",
    "origins": "visitors visitor unique-visitors uniques unique clients people",
    "endpoints": "ips ip-addresses addresses unique-ips",
    "orgs": "organisations organizations companies",
    "error-rate": "error-share errorrate",
    "invocations": "visits",
}
_DIMENSIONS: Final = {
    "endpoint": "ip ip-address address client-ip client-address remote-addr remote-address",
    "client": "browser user-agent useragent ua agent program",
    "client-version": "browser-version agent-version",
    "path": "url uri page request-uri",
    "domain": "host vhost hostname virtual-host server-name",
    "package": "repo repository image project name",
    "ecosystem": "type package-type registry-type",
    "status": "code status-code http-status response-code",
    "org": "organisation organization isp company network-owner",
    "referrer": "referer",
    "arch": "architecture cpu",
    "os": "operating-system platform-os",
    "country": "geo country-code location",
    "source": "log file logfile",
    "weekday": "day-of-week dow",
    "hour": "hour-of-day",
    "method": "verb http-method",
    "runtime": "language implementation",
    "runtime-version": "language-version python-version pyversion node-version go-version",
    "release": "resolved-version",
    "libc": "libc-name c-library",
    "distro": "distribution linux-distribution",
    "city": "town",
    "installer": "installer-name package-manager",
    "cache": "cache-status x-cache",
    "auth-scheme": "auth authentication auth-type",
    "request-id": "requestid x-request-id trace-id correlation-id",
    "platform": "target",
    "region": "province state subdivision",
    "docker-use-case": "docker-use-case@1 use-case usecase inferred-use-case",
}
_ELSEWHERE: Final = {
    name: f"time is no dimension but goes in buckets: pullstats series --every {size}; days are chosen with --window, hours and weekdays with hour and weekday"
    for name, size in {"date": "d", "day": "d", "week": "w", "month": "mo", "quarter": "q", "year": "y", "time": "h"}.items()
}
METRIC_NAMES: Final = {called: name for name, words in _METRICS.items() for called in words.split()}
DIMENSION_NAMES: Final = {called: name for name, words in _DIMENSIONS.items() for called in words.split()}


def spell(text: str) -> str:
    """Spell a name as tables of names do: small letters, with `-` where columns have `_`.

    Example:
        >>> spell("Instances_Low")
        'instances-low'
    """
    return text.lower().replace("_", "-")


def name_metric(text: str) -> str:
    """Give our name of what somebody calls a metric; other words stay as they are."""
    return METRIC_NAMES.get(spell(text), text)


def name_dimension(text: str) -> str:
    """Give our name of what somebody calls a dimension; other words stay as they are.

    Example:
        >>> name_dimension("browser"), name_dimension("client")
        ('client', 'client')
    """
    return DIMENSION_NAMES.get(spell(text), text)


def tell_elsewhere(text: str) -> str | None:
    """Say where that is found which is no dimension; None of other words."""
    found = _ELSEWHERE.get(text.lower())
    return f"no dimension '{text}': {found}" if found else None
