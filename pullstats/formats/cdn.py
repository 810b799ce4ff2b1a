"""What CDNs and object stores write as text, each in a format of its own.

Bunny and Fastly name no method: what they count is what was fetched. Bunny takes the last number
off the client's address unless it is told otherwise. CloudFront's real-time records hold the
fields that were chosen; these are all of them, in the order in which they are offered. New ones
come at the end, so what stands behind the last one that is read is not looked at.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in `tests/cases/vendors/`.

Sources: docs.bunny.net/docs/cdn-log-format; docs.cloud.google.com/storage/docs/access-logs;
docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/real-time-logs.html; rubygems.org's and
hex.pm's public log formats, www.fastly.com/documentation/guides/integrations/logging.
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.log_format import LogFormat
from pullstats.formats.text_lines import text_format

_BUNNY: Final = (
    "$upstream_cache_status|$status|$msec|$bytes_sent|$pull_zone|$remote_addr|$http_referer|$request_uri|$edge|$http_user_agent|$request_id"
)
_REALTIME: Final = (
    "$msec $remote_addr $time_to_first_byte $status $bytes_sent $request_method $scheme $http_host $request_uri $request_length $edge $request_id $host"
    " $request_time $server_protocol $ip_version $http_user_agent $http_referer $cookie $query $response_result $http_x_forwarded_for $tls $cipher"
    " $upstream_cache_status"
).replace(" ", "\t")
_GCS_COLUMNS: Final = (
    "msec", "remote_addr", "ip_type", "ip_region", "request_method", "request_uri", "status", "request_length", "body_bytes_sent", "duration_us",
    "host", "http_referer", "http_user_agent", "request_id", "operation", "bucket", "object",
)  # fmt: skip
_FASTLY: Final = "https://www.fastly.com/documentation/guides/integrations/logging/about-fastlys-realtime-log-streaming-features/"

FORMATS: Final[tuple[LogFormat, ...]] = (
    text_format(
        "gcs-usage",
        ",".join(f'"${name}"' for name in _GCS_COLUMNS),
        "Google Cloud Storage usage logs (CSV)",
        "https://docs.cloud.google.com/storage/docs/access-logs",
        # ClusterHQ/flocker issue 541, addresses changed
        '"1407519997224000","198.51.100.162","1","","GET","/archive.example.org/fedora/20/x86_64/demo-cli-0.0.6-1.fc20.noarch.rpm","200","0","5143",'
        '"101000","storage.googleapis.com","","urlgrabber/3.10.1 yum/3.4.3,gzip(gfe)","AEnB2UoNSvw1","GET_Object","archive.example.org",'
        '"fedora/20/x86_64/demo-cli-0.0.6-1.fc20.noarch.rpm"',
        3,
        ignored=r'^"?time_micros"?,',
        escaping="doubled",
    ),
    text_format(
        "bunny",
        _BUNNY + "|$country",
        "Bunny CDN",
        "https://docs.bunny.net/docs/cdn-log-format",
        # allinurl/goaccess issue 2296, addresses and names changed
        "HIT|200|1649318158625|884|676875|198.51.100.0|-|https://dl.example.org/demo-1.2.0.tar.gz|NY|curl/7.81.0|341106ae6199db95b2f895da93224e05|NL",
        3,
    ),
    text_format(
        "cloudfront-realtime",
        _REALTIME + "\t$rest",
        "CloudFront real-time records, all fields in their usual order",
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/real-time-logs.html",
        # elastic/integrations issue 6219, addresses and names changed
        "1684226820.937\t198.51.100.21\t0.332\t200\t347\tGET\thttps\td111111.cloudfront.net\t/dl/demo-1.0.tar.gz\t50\tARN1-C1\t"
        "uou6Ljhoc34wyRb55wNDXeO836E8CqkfsxLhvhNGrR_447xMT10PNA==\tdl.example.org\t0.332\tHTTP/2.0\tIPv4\tcurl/7.88.1\t-\t-\t-\tHit\t-\tTLSv1.3\t"
        "TLS_AES_128_GCM_SHA256\tHit\t-\t-\tapplication/gzip\t23\t-\t-\t39096\tHit\tSE\t-\t*/*\t*\thost:dl.example.org%0A\thost%0A\t3\t0.332\t0.332\t64500",
        3,
        escaping="percent",
    ),
    text_format(
        "fastly-rubygems",
        "$remote_addr $time_http $request_uri $status $http_user_agent",
        "Fastly's text as rubygems.org had it, the syslog prefix taken off",
        _FASTLY,
        # rubygems/rubygems.org test/sample_logs, addresses changed
        "198.51.100.1 Mon, 30 Nov 2015 21:00:05 GMT /production.s3.example.org/gems/bundler-1.10.6.gem 200 Ruby, RubyGems/1.8.23 x86_64-linux"
        " Ruby/1.9.3 (2013-11-22 patchlevel 484)",
        3,
        escaping="none",
    ),
    text_format(
        "fastly-hex",
        '$remote_addr "$time_http" "$request" $status "$http_user_agent"',
        "Fastly's text as hex.pm had it, the syslog prefix taken off",
        _FASTLY,
        # hexpm/hexpm test/fixtures/s3_logs, addresses changed
        '198.51.100.1 "Thu, 06 Feb 2014 04:32:22 GMT" "GET /tarballs/foo-0.0.1.tar" 200 "hex/0.9.0 (Elixir/1.1.1) (OTP/18)"',
        3,
    ),
    text_format(
        "fastly-hex-local",
        '$remote_addr [$time_local] "$request" $status "$http_user_agent" $body_bytes_sent',
        "Fastly's text as hex.pm has it, the syslog prefix taken off",
        _FASTLY,
        # hexpm/hexpm test/fixtures/fastly_logs, addresses changed
        '198.51.100.50 [09/Sep/2025:21:05:03 +0000] "GET /tarballs/bar-0.1.0.tar" 200 "curl/8.7.1" 0',
        3,
    ),
)
