"""The access logs that registries write themselves.

distribution (registry:2 and 3) writes Apache combined, quoted as Go quotes, to the same output as
its own messages, which are ignored: `response completed`, too, for it tells of the same request. Harbor's gateway wrote no time before it came to Kubernetes:
such lines need a wrapper that has one. Artifactory and Nexus call a client without a login
`anonymous` or `-`, and count milliseconds.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/formats/`.

Sources: distribution registry/registry.go and gorilla/handlers logging.go; goharbor/harbor
make/photon/prepare/templates/nginx and issues 7159, 20773; quay/quay conf/nginx/http-base.conf.jnj;
jfrog.com/help "Request Log"; support.sonatype.com "Inspecting Inbound Request Headers".
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.log_format import LogFormat
from pullstats.formats.logfmt import OTHERS_REQUEST
from pullstats.formats.nginx import COMBINED
from pullstats.formats.text_lines import text_format

# time="2026-11-23T23:35:37.1Z" level=info msg="response completed" …, INFO[0002] listening …, {"level":"info","msg":…}
_MESSAGES: Final = r'^(?:time=\S+.* level=\w+|level=\w+ |(?:TRAC|DEBU|INFO|WARN|ERRO|FATA|PANI)\[[0-9]+\] |\{.*"level":.*"msg":)'
_HARBOR: Final = '$remote_addr - "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time $upstream_response_time $pipe'
_NEXUS: Final = "https://support.sonatype.com/hc/en-us/articles/115009807628"
_JFROG: Final = "https://jfrog.com/help/r/jfrog-platform-administration-documentation/request-log"


FORMATS: Final[tuple[LogFormat, ...]] = (
    text_format(
        "distribution",
        COMBINED,
        "distribution (registry:2, 3): access lines among its own messages",
        "https://distribution.github.io/distribution/about/configuration/#accesslog",
        # recorded from docker-registry 2.8.2
        '127.0.0.1 - - [23/Nov/2026:23:35:44 +0000] "HEAD /v2/acme/app/manifests/1.0 HTTP/1.0" 200 1222 "" "containerd/1.6.20~ds1"',
        0,
        ignored=_MESSAGES,
        unless=OTHERS_REQUEST,
        sign=r'"[A-Z]+ /v2/[^"]*" [0-9]{3} [0-9]+ "" "',  # a missing referrer is nothing, where nginx and Apache write "-"
        leads=True,
    ),
    text_format(
        "harbor",
        "[$time_local]:" + _HARBOR,
        "Harbor's gateway with a time",
        "https://github.com/goharbor/harbor/issues/20773",
        '[24/Jul/2024:09:14:02 +0000]:10.42.0.1 - "GET /v2/ HTTP/1.1" 401 76 "-" "docker/24.0.7 go/go1.20.10 os/linux arch/amd64" 0.006 0.006 .',
        3,
    ),
    text_format(
        "harbor-untimed",
        _HARBOR,
        "Harbor's gateway without a time: needs a wrapper that has one",
        "https://github.com/goharbor/harbor/issues/7159",
        '172.18.0.1 - "GET /v2/ HTTP/1.1" 401 76 "-" "docker/18.09.2 go/go1.10.6 os/linux arch/amd64" 0.006 0.006 .',
        3,
        needs_time=False,
    ),
    text_format(
        "quay",
        '$remote_addr ($proxy_protocol_addr) - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
        " ($request_time $request_length $upstream_response_time)",
        "Quay's front end",
        "https://github.com/quay/quay/blob/master/conf/nginx/http-base.conf.jnj",
        '10.0.2.15 (-) - - [12/Mar/2024:10:11:12 +0000] "GET /v2/acme/app/manifests/1.0 HTTP/1.1" 200 1222 "-" "containerd/1.7.2" (0.042 312 0.041)',
        3,
    ),
    text_format(
        "artifactory",
        "$time_iso8601|$request_id|$remote_addr|$remote_user|$request_method|$request_uri|$status|$request_length|$body_bytes_sent"
        "|$request_time_ms|$http_user_agent",
        "Artifactory 7: artifactory-request.log",
        _JFROG,
        "2023-04-05T12:23:37.828Z|fe827b51f5d3ffb9|10.195.80.195|builds|POST|/api/docker/acme/v2/app/blobs/uploads/|202|0|0|0|buildkit/v0.11",
        3,
    ),
    text_format(
        "artifactory-6",
        "$time_digits|$request_time_ms|REQUEST|$remote_addr|$remote_user|$request_method|$request_uri|$server_protocol|$status|$body_bytes_sent",
        "Artifactory up to 6: request.log",
        "https://www.jfrog.com/confluence/display/RTF/Artifactory+Log+Files",
        "20140508154145|2632|REQUEST|86.12.14.192|admin|GET|/jcenter/org/iostreams/iostreams/0.2/iostreams-0.2.jar|HTTP/1.1|200|8296",
        3,
    ),
    text_format(
        "nexus",
        '$remote_addr - $remote_user [$time_local] "$request" $status $content_length $body_bytes_sent $request_time_ms "$http_user_agent" [$thread]',
        "Nexus Repository 3: request.log",
        _NEXUS,
        # a Nexus 3.93 request.log
        '192.168.80.1 - - [10/Jul/2026:07:14:40 +0000] "GET /repository/pypi/simple/no-such/ HTTP/1.1" 404 - 1381 1199 "curl/8.12.1" [qtp1199213870-40]',
        3,
    ),
    text_format(
        "nexus-unthreaded",
        '$remote_addr - $remote_user [$time_local] "$request" $status $content_length $body_bytes_sent $request_time_ms "$http_user_agent"',
        "Nexus Repository 3 without the thread",
        _NEXUS,
        '10.0.0.1 - ci [28/May/2025:14:30:45 +0000] "GET /repository/maven-public/org/a/b/1/b-1.jar HTTP/1.1" 200 - 1234567 89 "Maven/3.8.1"',
        3,
    ),
    text_format(
        "nexus-2",
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent $request_time_ms "$http_user_agent"',
        "Nexus Repository 2, and 3 before 3.10",
        _NEXUS,
        '10.0.0.1 - - [28/May/2018:14:30:45 +0000] "GET /repository/maven-public/org/a/b/1/b-1.jar HTTP/1.1" 200 1234567 89 "Apache-Maven/3.5.2"',
        3,
    ),
    text_format(
        "pulp",
        "pulp [$request_id]:  " + COMBINED,
        "Pulp: a correlation id in front of gunicorn's combined",
        "https://pulpproject.org/pulpcore/docs/admin/reference/settings/#log-correlation-id",
        # pulp/pulp_installer issue 492, addresses changed
        'pulp [377880f1-efa3-4e2d-a500-a99a9bf370e2]: 198.51.100.1 - admin [11/Nov/2020:20:31:42 +0000] "GET /pulp/api/v3/status/ HTTP/1.0" 200 1242'
        ' "-" "HTTPie/2.0.0"',
        3,
    ),
)
