r"""Lines of `key=value` pairs (logfmt), whatever the keys are called: read through the table of keys of JSON logs.

    time="2024-03-12T10:11:12Z" level=info msg=access method=GET uri="/dl/demo-1.0.zip" status=200 …
    at=info method=GET path="/dl/demo-1.0.zip" host=dl.example.org fwd="198.51.100.9" status=200 bytes=1222

Sources: brandur.org/logfmt; sirupsen/logrus text_formatter.go and go-logfmt/logfmt (quoting);
docs.gitlab.com/administration/logs (Workhorse writes text unless told otherwise);
devcenter.heroku.com/articles/http-routing (router logs).
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.column_keys import LABEL_NAMES, ColumnKeys
from pullstats.formats.labels import LabelReader
from pullstats.formats.log_format import LogFormat

FORMATS: Final[tuple[LogFormat, ...]] = (
    LogFormat(
        "logfmt",
        "key=value pairs (logfmt), whatever the keys are called: GitLab's Workhorse, Heroku's router and others",
        "https://brandur.org/logfmt",
        # docs.gitlab.com/administration/logs, as Workhorse writes it where it is not told to write JSON
        'time="2023-10-29T12:49:43Z" level=info msg=access correlation_id=01H duration_ms=41 host=gitlab.example.org method=GET proto=HTTP/1.1'
        ' referrer= remote_addr="198.51.100.3:0" remote_ip=198.51.100.3 route= status=200 system=http ttfb_ms=41'
        ' uri="/api/v4/projects/1/packages/npm/demo/-/demo-1.0.0.tgz" user_agent="npm/9.5.1 node/v18.16.1 linux x64" written_bytes=7310',
        LabelReader(ColumnKeys(LABEL_NAMES, has_places=False), is_tabbed=False),
        1,
    ),
)
