"""Access logs of AWS: load balancers and S3. CloudFront is in `w3c.py`.

To add one: append a `LogFormat` to `FORMATS`, with a real line, and a case in
`tests/cases/formats/`.

Sources: docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html,
…/classic/access-log-collection.html, docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html.
New columns come at the end, so what stands behind the last one that is read is not looked at.
"""

from __future__ import annotations

from typing import Final

from pullstats.formats.log_format import LogFormat
from pullstats.formats.text_lines import text_format

_NO_REQUEST: Final = r"^\S+ \S+ \[[^\]]*\] \S+ .*? [0-9A-Za-z-]+ [A-Z0-9]+(?:\.[A-Z0-9_]+)+ \S+ - [0-9-]"
"""What S3 did by itself or as a part of a request that has a line of its own: an unquoted `-` for the request.

Objects of a batch delete, lifecycle (S3.EXPIRE.OBJECT, S3.TRANSITION…, S3.CREATE.DELETEMARKER), checksums, restores.
"""
_S3: Final = (
    "$bucket_owner $bucket [$time_local] $remote_addr $remote_user $request_id $operation $key"
    ' "$request" $status $error_code $body_bytes_sent $object_size $request_time_ms $turn_around_ms "$http_referer" "$http_user_agent"'
)
_TARGET: Final = (
    "$remote_addr $upstream_addr $request_processing_time $request_time $response_processing_time $status $target_status $request_length $bytes_sent"
)

FORMATS: Final[tuple[LogFormat, ...]] = (
    text_format(
        "aws-alb",
        f'$listener $time_iso8601 $elb {_TARGET} "$request" "$http_user_agent" $ssl_cipher $ssl_protocol $rest',
        "AWS Application Load Balancer",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html",
        # crowdsecurity/hub .tests/aws-alb
        "http 2023-04-26T12:22:55.463821Z app/546213e5-apiexamplecom-api-94aa/490d68edf04676fe 192.168.1.10:44740 10.0.0.1:80 0.000 0.001 0.000 "
        '200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:aws:elasticloadbalancing:us-east-2:123456789012:'
        'targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2018-07-02T22:22:48.364000Z "forward" "-" "-"',
        3,
    ),
    text_format(
        "aws-elb",
        f'$time_iso8601 $elb {_TARGET} "$request" "$http_user_agent" $ssl_cipher $ssl_protocol',
        "AWS Classic Load Balancer",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html",
        "2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "
        '"GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -',
        3,
    ),
    text_format(
        "aws-s3",
        _S3 + " $rest",
        "Amazon S3 server access log",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html",
        "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be awsexamplebucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 "
        "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be 3E57427F3EXAMPLE REST.GET.VERSIONING - "
        '"GET /awsexamplebucket1?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6Uk= SigV4',
        3,
        ignored=_NO_REQUEST,
    ),
    text_format(
        "aws-s3-short",
        _S3,
        "Amazon S3 server access log of the first years, which ends with the agent",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html",
        "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be mybucket [06/Feb/2006:00:00:38 +0000] 192.0.2.3 "
        "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be 3E57427F33A59F07 REST.GET.OBJECT dl/demo-1.0.zip "
        '"GET /mybucket/dl/demo-1.0.zip HTTP/1.1" 200 - 2662992 3462992 70 10 "-" "curl/7.15.1"',
        3,
        ignored=_NO_REQUEST,
    ),
)
