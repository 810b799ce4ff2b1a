"""A user's own rules and routes: read, checked against their samples, refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pullstats.enrich.agent_rules import agent_rule
from pullstats.enrich.agents import classify_agents, explain_agent, read_agent
from pullstats.enrich.meaning import read_packages
from pullstats.enrich.networks import network_rule
from pullstats.enrich.path_reading import normalised_version
from pullstats.enrich.path_rules import path_rule
from pullstats.enrich.rulebook import RuleBook, RuleSources, bundled_rules, load_rules
from pullstats.enrich.tables import RuleRow, load_bundled, read_arrays
from pullstats.errors import InputError, InternalError

OWN = """
[[agent]]
client = "acme"
kind = "package-manager"
pattern = '^acme-dl[/ ](?P<version>\\S+) \\((?P<os>\\w+); (?P<arch>\\w+)\\)'
samples = ["acme-dl/1.2 (Darwin; aarch64)"]

[[agent]]
client = "our-curl"
kind = "ci"
starts = ["curl/"]
samples = ["curl/8.5.0"]

[[path]]
name = "bundle"
package_type = "generic"
pattern = '^/bundles/(?P<name>[^/]+)/(?P<version>[^/]+)/(?P<edition>\\w+)\\.bin$'
samples = ["/bundles/app/1.2/pro.bin"]

[[network]]
type = "business"
words = ["example works"]
samples = ["Example Works GmbH"]
"""


@pytest.fixture(name="own")
def _own(tmp_path: Path) -> RuleBook:
    (tmp_path / "mine.toml").write_text(OWN)
    return load_rules(RuleSources(tmp_path))


def test_own_rules_go_over_the_bundled_ones(own: RuleBook) -> None:
    assert read_agent("acme-dl/v2.0 (Darwin; aarch64)", own.agents)[:5] == ("acme", "2.0", "package-manager", "macos", "arm64")
    assert read_agent("curl/8.1", own.agents)[:3] == ("our-curl", "8.1", "ci")
    assert read_agent("curl/8.1").name == "curl"
    assert read_agent("docker/24.0.1", own.agents) == read_agent("docker/24.0.1")
    assert own.version != bundled_rules().version
    assert explain_agent("acme-dl/v2.0 (Darwin; aarch64)", own.agents).captures["version"] == "2.0"


def test_own_paths_read_other_groups_as_labels(own: RuleBook) -> None:
    found = read_packages(pl.Series(["/bundles/app/1.2/pro.bin", "/simple/django/"]), own)
    assert found["package_name"].to_list() == ["app", "django"]
    assert found["labels"].to_list() == ['{"edition":"pro"}', None]


def test_own_networks(own: RuleBook) -> None:
    assert own.networks.classify(pl.Series([1]), pl.Series(["Example Works GmbH"])).row(0) == ("business", None)


BAD = [
    ("[[agent]]\nclient = 'x'\nkind = 'bot'\nstart = ['x/']\nsamples=['x/1']", "did you mean 'starts'"),
    ("[[agent]]\nclient = 'x'\nkind = 'robot'\nstarts = ['x/']\nsamples=['x/1']", "no kind 'robot'"),
    ("[[agent]]\nclient = 'x'\nkind = 'bot'\nstarts = ['x/']", "has no samples"),
    (
        "[[agent]]\nclient = 'x'\nkind = 'bot'\nstarts = ['x/']\nsamples=['docker/1']",
        "does not read its sample 'docker/1', which is taken for docker",
    ),
    ("[[agent]]\nclient = 'x'\nkind = 'bot'\nsamples=['x/1']", "give starts, words or pattern"),
    ("[[agent]]\nclient = 'x'\nkind = 'bot'\npattern = '('\nsamples=['x/1']", "cannot be used"),
    ("[[agent]]\nclient = 'x'\nkind = 'bot'\npattern = '(?=a)'\nsamples=['x/1']", "cannot be used"),
    ("[[agent]]\nclient = 'x'\nkind = 'bot'\nstarts = 3\nsamples=['x/1']", "list of texts"),
    ("[[agents]]\nclient = 'x'", "did you mean [[agent]]"),
    ("[agent", "cannot read the rules"),
    ("[[path]]\nname = 'x'\npackage_type = 'npn'\npattern = '(?P<name>x)'\nsamples = ['x']", "did you mean 'npm'"),
    ("[[path]]\nname = 'x'\npackage_type = 'npm'\npattern = 'x'\nsamples = ['x']", "(?P<name>"),
    ("[[path]]\nname = 'x'\npackage_type = 'npm'\npattern = '^/(?P<name>x)'\nsamples = ['/y']", "does not read its sample '/y'"),
    ("[[network]]\ntype = 'firm'\nwords = ['x']", "no type 'firm'"),
    ("[[network]]\ntype = 'isp'\nwords = ['x']\nsamples = ['y']", "does not read its sample 'y'"),
    (
        "[[agent]]\nclient='a'\nkind='bot'\nstarts=['q/']\nsamples=['q/1']\n[[agent]]\nclient='b'\nkind='bot'\nstarts=['q/']\nsamples=['q/1']",
        "claimed by a",
    ),
]


@pytest.mark.parametrize(("text", "said"), BAD, ids=[said[:24] for _, said in BAD])
def test_a_rule_that_cannot_be_used_is_refused_by_name(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError) as failure:
        load_rules(RuleSources(path))
    assert said in str(failure.value)
    assert str(path) in str(failure.value)


def test_rules_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rules at"):
        load_rules(RuleSources(tmp_path / "none"))


def test_a_pattern_that_would_never_end_elsewhere_ends(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[[agent]]\nclient = 'x'\nkind = 'bot'\npattern = '^(a+)+$'\nsamples = ['aaa']")
    rules = load_rules(RuleSources(path))
    assert classify_agents(pl.Series(["a" * 4000 + "!"] * 100), rules.agents).height == 100


ROUTES = {
    "npm.example.org": "npm",
    "/artifacts/python": "pypi",
    "/artifacts": "generic",
    "/dl/{package}/{version}/{edition}-{platform}.zip": "generic",
    "/hub/{package*}/at/{version}": "generic",
}


def test_routes_tell_what_paths_do_not() -> None:
    rules = load_rules(RuleSources(routes=ROUTES))
    paths = pl.Series(["/dl/app/v1.2/pro-linux-arm64.zip", "/hub/a/b/at/2", "/artifacts/python/simple/django/", "/artifacts/x-1.2.zip", "/react"])
    found = read_packages(paths, rules)
    assert found["package_type"].to_list() == ["generic", "generic", "pypi", "generic", None]
    assert found["package_name"].to_list() == ["app", "a/b", "django", "x", None]
    assert found.row(0, named=True)["package_arch"] == "arm64"
    assert found["labels"].to_list()[0] == '{"edition":"pro"}'
    assert read_packages(pl.Series(["/react"]), rules, pl.Series(["npm"]))["package_name"].to_list() == ["react"]


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ({"npm.example.org": "npn"}, "did you mean 'npm'"),
        ({"npm.example.org": 3}, "needs an ecosystem"),
        ({"not a host": "npm"}, "no host, no folder"),
        ({"dl/{package}": "npm"}, "must begin with /"),
        ({"/dl/{version}": "npm"}, "lacks {package}"),
        ({"/dl/{package}/{package}": "npm"}, "twice"),
    ],
)
def test_routes_that_cannot_be_used(routes: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as failure:
        load_rules(RuleSources(routes=routes))
    assert said in str(failure.value)


# PEP 440 "Normalization", NuGet "Version normalization"; tags and container references never merge.
VERSIONS = [
    ("pypi", "1.0.0-RC.1", "1.0.0rc1"),
    ("pypi", "v1.2", "1.2"),
    ("pypi", "1.0alpha", "1.0a0"),
    ("pypi", "1.0-beta.2", "1.0b2"),
    ("pypi", "1.0-1", "1.0.post1"),
    ("pypi", "1.0.post", "1.0.post0"),
    ("pypi", "1.0dev3", "1.0.dev3"),
    ("pypi", "1.0-rev4", "1.0.post4"),
    ("pypi", "2.31.0", None),
    ("pypi", "1.0+Ubuntu.1", "1.0+ubuntu.1"),
    ("nuget", "1.02.3", "1.2.3"),
    ("nuget", "1.2.3.0", "1.2.3"),
    ("nuget", "1.2.3-Beta+abc", "1.2.3-beta"),
    ("nuget", "13.0.1", None),
    ("github", "v1.2.3", "1.2.3"),
    ("helm", "v1.2.3", "1.2.3"),
    ("golang", "v1.2.3", None),
    ("oci", "v1.2.3", None),
    ("npm", "latest", None),
    ("npm", "1.2.3", None),
]


@pytest.mark.parametrize(("kind", "version", "spelled"), VERSIONS)
def test_spellings_of_one_version_merge(kind: str, version: str, spelled: str | None) -> None:
    assert pl.select(normalised_version(pl.lit(version), kind)).item() == spelled


AGENT_ROWS = load_bundled("agents", "agent")
NETWORK_ROWS = load_bundled("networks", "network")


@pytest.mark.parametrize("row", AGENT_ROWS, ids=lambda row: f"{row.values['client']}-{row.number}")
def test_a_bundled_rule_reads_its_samples(row: RuleRow) -> None:
    rule = agent_rule(row)
    assert rule.samples
    assert {(found.name, found.kind) for found in map(read_agent, rule.samples)} == {(rule.client, rule.kind)}


def test_a_bundled_network_reads_its_samples() -> None:
    samples = [(name, row.values["type"], row.values.get("cloud_provider")) for row in NETWORK_ROWS for name in row.values.get("samples", ())]
    assert len(samples) > 20
    names = pl.Series([name for name, _, _ in samples])
    found = bundled_rules().networks.classify(pl.Series([None] * len(samples), dtype=pl.Int64), names)
    assert found.rows() == [(kind, cloud) for _, kind, cloud in samples]


@pytest.mark.parametrize(("is_own", "error"), [(True, InputError), (False, InternalError)])
def test_an_array_that_nobody_knows_is_refused_wherever_it_stands(*, is_own: bool, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"hold 'agents', where \[\[agent\]\] and \[\[path\]\] can stand; did you mean \[\[agent\]\]"):
        read_arrays("a.toml", {"agents": [{}]}, ("agent", "path"), is_own=is_own)


@pytest.mark.parametrize("make", [agent_rule, path_rule, network_rule])
@pytest.mark.parametrize("is_own", [True, False])
def test_a_key_that_nobody_knows_is_refused_wherever_it_stands(make: Callable[[RuleRow], object], *, is_own: bool) -> None:
    with pytest.raises(InputError if is_own else InternalError, match="has no key 'colour'"):
        make(RuleRow("a.toml", "x", 1, {"colour": "red"}, is_own=is_own))
