"""Tables with a header whose names are known: exports of log services, spreadsheets, object stores.

Their names are those of JSON's keys (`json_keys.py`), in letters of any case; what they are not, `--map` says.

Sources: RFC 4180; elastic.co/guide/en/ecs; opentelemetry.io/docs/specs/semconv/http;
docs.cloud.google.com/storage/docs/access-logs; docs.aws.amazon.com/athena (CloudFront's columns).
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.column_keys import KNOWN_NAMES, ColumnKeys
from pullstats.formats.log_format import LogFormat
from pullstats.formats.table_headers import table_format

FORMATS: Final[tuple[LogFormat, ...]] = (
    table_format(
        "csv",
        "tables with a header: CSV, TSV, between semicolons or bars, whatever the columns are called",
        ColumnKeys(KNOWN_NAMES),
        rank=0,
        # the fields of the Elastic Common Schema as Kibana exports them
        sample="@timestamp,source.ip,http.request.method,url.path,http.response.status_code,user_agent.original\n"
        "2024-03-12T15:22:28.104Z,198.51.100.1,GET,/dl/demo-1.0.tar.gz,200,curl/8.5.0",
        doc_url="https://www.rfc-editor.org/rfc/rfc4180",
        is_catch_all=True,
    ),
)
