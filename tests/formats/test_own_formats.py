"""Formats that users describe: templates in servers' languages, forms of time, configurations with what they include."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.errors import InputError, UsageError
from pullstats.formats import FORMATS, custom_format, parse_lines
from pullstats.formats.configurations import read_configured
from pullstats.formats.nginx_conf import parse_conf
from pullstats.formats.own_formats import LANGUAGES
from pullstats.formats.strftime import check_form, form_pattern, parse_form
from support.case_files import load_cases
from support.effort import examples

CASES = load_cases("own", {"lines", "forms"})
LINES = [line for _, case in CASES for line in case.get("lines", [])]
FORMS = [form for _, case in CASES for form in case.get("forms", [])]
SAMPLES = st.sampled_from([line["template"] for line in LINES])


def read_one(template: str, line: str) -> dict[str, Any]:
    log_format = custom_format(template)
    parsed = parse_lines(f"{line}\n".encode(), 0, 1, [log_format])
    assert parsed.lines == 1
    rows = [row for reading in parsed.readings for row in reading.frame.iter_rows(named=True)]
    assert rows, parsed.rejects
    return {**rows[0], "format": log_format.name}


@pytest.mark.parametrize("case", LINES, ids=lambda case: case["what"])
def test_a_line_is_read_as_its_template_says(case: dict[str, Any]) -> None:
    row = read_one(case["template"], case["line"])
    expected = {key: datetime.fromisoformat(value) if key == "timestamp" else value for key, value in case["is"].items()}
    assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize("case", LINES, ids=lambda case: case["what"])
def test_a_block_is_read_as_its_lines_are(case: dict[str, Any]) -> None:
    log_format = custom_format(case["template"])
    fast = parse_lines(f"{case['line']}\n".encode() * 3, 0, 1, [log_format])
    alone = log_format.reader.read_safe(pl.Series([case["line"]]))
    assert alone["reason"].to_list() == [None]
    frame = fast.readings[0].frame
    assert frame.height == 3
    assert frame.drop("source_line", "source_offset").unique().height == 1


@pytest.mark.parametrize("case", FORMS, ids=lambda case: case["form"])
def test_a_form_of_time_reads_its_texts(case: dict[str, Any]) -> None:
    check_form(case["form"])
    utc, naive = parse_form(pl.Series([case["text"], None]), case["form"]).row(0)
    expected = datetime.fromisoformat(case["is"]) if "is" in case else None
    assert (naive if expected is None or expected.tzinfo is None else utc) == expected
    assert pl.Series([case["text"]]).str.contains(f"^(?:{form_pattern(case['form'], is_named=False)})$").item()


@given(
    st.integers(800_000_000, 1_900_000_000),
    st.sampled_from(["%d/%b/%Y:%T", "%c", "%A %e %B %Y %I:%M:%S %p", "%D %R:%S", "%Y-%j %X", "%v %T"]),
)
@examples(60)
def test_what_strftime_writes_is_read_back(seconds: int, form: str) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    written = moment.strftime(form.replace("%v", "%e-%b-%Y"))
    assert parse_form(pl.Series([written]), form)["time_naive"].item() == moment.replace(tzinfo=None)


@pytest.mark.parametrize("form", ["%H:%M", "%Q", "%Y-%m", "ts"])
def test_a_form_that_gives_no_date_is_refused(form: str) -> None:
    with pytest.raises(UsageError, match=r"time form"):
        check_form(form)


@given(SAMPLES, SAMPLES, st.integers(0, 200), st.text(max_size=8))
@examples(150)
def test_any_template_is_read_or_refused(first: str, second: str, cut: int, put: str) -> None:
    template = first[:cut] + put + second[cut:]
    try:
        log_format = custom_format(template.lstrip("@"))
    except (InputError, UsageError):
        return
    for line in (LINES[0]["line"], LINES[5]["line"], put):
        assert parse_lines(f"{line}\n".encode(), 0, 1, [log_format]).lines == f"{line}\n".encode().count(b"\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no $variables"),
        ("hello", "no $variables"),
        ("$foo", "neither a request nor a client"),
        ('{"a":"$msec"}', "neither a request nor a client"),
        ("%{%Q}t %h", "no strftime letter"),
        ("${time:%H} $remote_addr", "gives no date"),
        ("#Fields: date time x-nothing", "neither a request nor a client"),
        ("@/nowhere/nginx.conf:main", "cannot read the configuration"),
    ],
)
def test_what_cannot_serve_is_refused_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises((InputError, UsageError), match=r".") as caught:
        custom_format(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_language_has_a_case() -> None:
    assert {custom_format(line["template"]).name for line in LINES} >= {language.name for language in LANGUAGES}


def test_a_configuration_is_read_with_what_it_includes(tmp_path: Path) -> None:
    (tmp_path / "sites").mkdir()
    (tmp_path / "apache2.conf").write_text(
        '# LogFormat "%h" commented\nLogFormat "%h %l %u %t \\"%r\\" \\\n  %>s %b" common\nIncludeOptional sites/*.conf\nInclude ../outside.conf\n'
    )
    (tmp_path / "sites" / "a.conf").write_text(
        'CustomLog ${APACHE_LOG_DIR}/a.log "%a %t \\"%r\\" %>s"\nLogFormat "%v %h %t" vhost\nInclude apache2.conf\n'
    )
    found = {name: read_configured(f"@{tmp_path}/apache2.conf:{name}").text for name in ("common", "a.log", "vhost")}
    assert found == {"common": '%h %l %u %t "%r"    %>s %b', "a.log": '%a %t "%r" %>s', "vhost": "%v %h %t"}
    with pytest.raises(UsageError, match=r"did you mean 'common'"):
        read_configured(f"@{tmp_path}/apache2.conf:comon")
    with pytest.raises(InputError, match=r"several log formats \(a.log, common, vhost\)"):
        read_configured(f"@{tmp_path}/apache2.conf")


def test_nothing_outside_the_folder_of_a_configuration_is_read(tmp_path: Path) -> None:
    inner = tmp_path / "etc"
    inner.mkdir()
    (tmp_path / "secret.conf").write_text("log_format secret '$remote_addr $msec $request';")
    (inner / "link.conf").symlink_to(tmp_path / "secret.conf")
    (inner / "nginx.conf").write_text(f"include {tmp_path}/secret.conf; include link.conf; include ../secret.conf; log_format a '$msec $request';")
    assert read_configured(f"@{inner}/nginx.conf").name == "a"


def test_haproxy_formats_are_named_by_their_section(tmp_path: Path) -> None:
    conf = tmp_path / "haproxy.cfg"
    conf.write_text('frontend web\n  log-format "%ci [%tr] %{+Q}r %ST"\nfrontend api\n  log-format %ci\\ [%tr]\\ %{+Q}r\n')
    log_format = custom_format(f"@{conf}:web")
    row = log_format.reader.read_safe(pl.Series(['192.0.2.1 [06/Feb/2009:12:14:14.655] "GET / HTTP/1.1" 200'])).row(0, named=True)
    assert (row["remote_addr"], row["status"], row["reason"]) == ("192.0.2.1", "200", None)
    assert read_configured(f"@{conf}:api").text == "%ci [%tr] %{+Q}r"


def test_lines_without_a_time_are_read_where_a_wrapper_has_one(tmp_path: Path, take_in: Any) -> None:
    template = '$remote_addr "$request" $status'
    log = tmp_path / "a.log"
    log.write_text('<190>1 2023-12-06T12:00:00.003Z gw nginx 14 - - 192.0.2.1 "GET / HTTP/1.1" 200\n')
    assert take_in(log, log_format=template).sources[0].first == datetime(2023, 12, 6, 12, 0, 0, 3000, tzinfo=UTC)
    bare = tmp_path / "b.log"
    bare.write_text('192.0.2.1 "GET / HTTP/1.1" 200\n')
    with pytest.raises(InputError, match=r"has no time"):
        take_in(bare, log_format=template)


def test_options_of_haproxy_stand_for_their_formats(tmp_path: Path) -> None:
    (tmp_path / "haproxy.cfg").write_text(
        "defaults\n  mode http\nfrontend plain\n  option httplog\nfrontend secure\n  option httpslog\nfrontend old\n  option  httplog clf\n"
        'frontend id\n  log-format "${HAPROXY_HTTP_LOG_FMT} %ID"\n'
    )
    lines = {
        "plain": FORMATS["haproxy"].sample,
        "secure": FORMATS["haproxy-https"].sample,
        "old": FORMATS["haproxy-clf"].sample,
        "id": FORMATS["haproxy"].sample.replace("{1wt.eu} {} ", "") + " 5a2f",
    }
    for name, line in lines.items():
        parsed = parse_lines(f"{line}\n".encode(), 0, 1, [custom_format(f"@{tmp_path / 'haproxy.cfg'}:{name}")])
        assert [row for reading in parsed.readings for row in reading.frame["http_response_status_code"]] in ([200], [401]), name
        assert [row for reading in parsed.readings for row in reading.frame["http_request_id"]] == [None if name != "id" else "5a2f"], name


WRITTEN_BY_NGINX = {
    r"${remote_addr}|$msec|$status": "127.0.0.1|1795762777.578|204",
    r"$remote_addr\ $msec\ $status": r"127.0.0.1\ 1795762777.578\ 204",
    r"$remote_addr#$msec#$status": "127.0.0.1#1795762777.578#204",
    r'$remote_addr"$msec"x': '127.0.0.1"1795762777.578"x',
    r"'$remote_addr $msec \a\$status\"\;'": r'127.0.0.1 1795762777.578 \a\204"\;',
    r"""'{"at":"$msec",' "\"peer\":\"$remote_addr\"," '"x":"it\'s"}'""": '{"at":"1795762777.578","peer":"127.0.0.1","x":"it\'s"}',
}
"""Words of a `log_format`, and the line that nginx 1.22.1 wrote."""


@pytest.mark.parametrize("words", WRITTEN_BY_NGINX)
def test_words_of_a_log_format_are_those_that_nginx_reads(words: str) -> None:
    (found,) = parse_conf(f"http {{ # it's\n log_format it {words};\n access_log a.log it; }}")
    values = {"remote_addr": "127.0.0.1", "msec": "1795762777.578", "status": "204"}
    assert re.sub(r"\$\{?(\w+)\}?", lambda match: values[match[1]], found.text) == WRITTEN_BY_NGINX[words]


@pytest.mark.parametrize(
    "lua",
    ["-- don't { here", '--[[ } ]] local a = { b = "}" }', "local c = [==[ } ]] ]==]", "ngx.say('it\\'s }') if x then y() end", "f{g{h{}}}"],
)
def test_blocks_of_lua_are_passed_over(lua: str) -> None:
    block = f"location / {{ content_by_lua_block {{\n  {lua}\n }} }}"
    assert [item.name for item in parse_conf(f"{block}\nlog_format behind '$remote_addr $msec';\n{block}")] == ["behind"]


@pytest.mark.parametrize("begun", ["--[[ ", "[[ ", '"', "'", "{", "--", "[==["])
def test_lua_that_does_not_end_takes_no_time(begun: str) -> None:
    """Ten times as much takes about ten times as long: a beginning that was tried is not tried again."""
    assert parse_conf("access_by_lua_block {\n" + f"{begun}\n" * 100_000) == []
