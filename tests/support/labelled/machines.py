"""Where clients sit and what they call themselves: addresses of clouds, hosters, access networks; agents as the programs write them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

RANGES: Final = {
    "cloud": ("3.92.", "18.184.", "52.29.", "35.198.", "34.107.", "20.54.", "165.22.", "104.248.", "172.104.", "51.15."),
    "azure": ("20.54.", "20.102.", "40.74.", "13.74.", "52.174."),
    "hosting": ("88.198.", "5.9.", "95.217.", "116.203.", "135.181.", "51.83."),
    "isp": ("91.64.", "79.200.", "84.130.", "73.162.", "98.210.", "24.6.", "86.150.", "82.64.", "90.50.", "126.36.", "121.44.", "49.36.", "106.51."),
    "office": ("217.91.", "62.157.", "145.254.", "141.5.", "192.35.", "160.45.", "171.64."),
    "crawler": ("66.249.", "54.36.", "52.167.", "20.171."),
    "private": ("10.4.", "192.168."),
}
"""Beginnings of address ranges by what they are for. The hosts are drawn: no address is anybody's."""


class Addresses:
    """Gives out addresses, none of them twice."""

    def __init__(self, chance: random.Random) -> None:
        """Begin with none given."""
        self._chance = chance
        self._given: set[str] = set()

    def draw(self, place: str) -> str:
        """Give a new address of a kind of place."""
        while True:
            beginning = self._chance.choice(RANGES[place])
            address = f"{beginning}{self._chance.randrange(256)}.{self._chance.randrange(1, 255)}"
            if address not in self._given:
                self._given.add(address)
                return address

    def beside(self, address: str) -> str:
        """Give a new address of the same provider, as a machine gets that is set up anew."""
        beginning = ".".join(address.split(".")[:2])
        while True:
            other = f"{beginning}.{self._chance.randrange(256)}.{self._chance.randrange(1, 255)}"
            if other not in self._given:
                self._given.add(other)
                return other


def _docker(chance: random.Random) -> str:
    version = chance.choice(("20.10.24", "23.0.6", "24.0.7", "25.0.3", "26.1.4", "27.3.1"))
    kernel = chance.choice(("5.15.0-91-generic", "6.1.0-18-cloud-amd64", "6.5.0-1016-aws", "6.8.0-45-generic", "5.10.0-28-amd64"))
    return (
        f"docker/{version} go/go1.21.{chance.randint(3, 13)} git-commit/{chance.getrandbits(28):07x} kernel/{kernel} os/linux arch/amd64 "
        f"UpstreamClient(Docker-Client/{version} \\(linux\\))"
    )


def _pip(chance: random.Random) -> str:
    version = chance.choice(("22.3.1", "23.0.1", "23.3.1", "24.0", "24.2"))
    python = chance.choice(("3.8.18", "3.9.19", "3.10.12", "3.11.9", "3.12.4"))
    distro = chance.choice(('{"id":"bookworm","name":"Debian GNU/Linux","version":"12"}', '{"id":"jammy","name":"Ubuntu","version":"22.04"}'))
    return (
        f'pip/{version} {{"ci":null,"cpu":"x86_64","distro":{distro},"implementation":{{"name":"CPython","version":"{python}"}},'
        f'"installer":{{"name":"pip","version":"{version}"}},"python":"{python}","system":{{"name":"Linux","release":"6.1.0"}}}}'
    )


def _uv(chance: random.Random) -> str:
    version = f"0.{chance.randint(4, 9)}.3"
    return f'uv/{version} {{"installer":{{"name":"uv","version":"{version}","subcommand":["pip","install"]}},"python":"3.12.4","ci":null}}'


_AGENTS: Final[dict[str, Callable[[random.Random], str]]] = {
    "docker": _docker,
    "containerd": lambda chance: "containerd/" + chance.choice(("1.6.20~ds1", "1.7.2", "1.7.13-k3s1", "v1.7.22", "v2.0.0")),
    "cri-o": lambda chance: f"cri-o/1.{chance.randint(26, 31)}.1 go/go1.21.1 os/linux arch/amd64",
    "podman": lambda chance: f"containers/5.{chance.randint(20, 31)}.1 (github.com/containers/image)",
    "buildkit": lambda chance: f"buildkit/v0.{chance.randint(11, 16)}",
    "kaniko": lambda chance: f"go-containerregistry/v0.{chance.randint(14, 20)}.1",
    "pip": _pip,
    "pip-ci": lambda chance: _pip(chance).replace('"ci":null', '"ci":true'),
    "uv": _uv,
    "skopeo": lambda chance: f"skopeo/1.{chance.randint(9, 16)}.0",
    "hf": lambda chance: f"unknown/None; hf_hub/0.{chance.randint(19, 26)}.0; python/3.11.4",
    "npm": lambda chance: f"npm/10.{chance.randint(1, 9)}.2 node/v20.{chance.randint(5, 17)}.0 linux x64 workspaces/false",
    "npm-ci": lambda chance: (
        f"npm/10.{chance.randint(1, 9)}.2 node/v20.10.0 linux x64 workspaces/false ci/{chance.choice(('github-actions', 'gitlab-ci'))}"
    ),
    "curl": lambda chance: f"curl/{chance.choice(('7.81.0', '7.88.1', '8.5.0'))}",
    "requests": lambda chance: f"python-requests/2.{chance.randint(25, 32)}.0",
    "helm": lambda chance: f"Helm/3.{chance.randint(9, 16)}.1",
    "updater": lambda chance: chance.choice(
        ("Watchtower/v1.7.1", "diun/4.28.0 go/1.22.3 Linux", "RenovateBot/37.100.1 (https://github.com/renovatebot/renovate)")
    ),
    "flux": lambda chance: chance.choice(("flux/v2 go-containerregistry/v0.19.1", "argocd-image-updater/v0.14.0")),
    "mirror-oci": lambda chance: chance.choice(
        ("harbor-registry-client/2.10.0", "regclient/regsync (a1b2c3d4)", "Nexus/3.72.0-04 (OSS; Linux; 5.10.226; amd64; 17.0.12)")
    ),
    "mirror-pypi": lambda chance: chance.choice(
        (
            "bandersnatch/6.3.0 (cpython 3.10.8-final0, Linux x86_64) (aiohttp 3.8.3)",
            "devpi-server/6.12.1 (py3.11.9; linux)",
            "Artifactory/7.59.11 75911900",
        )
    ),
    "scanner": lambda chance: chance.choice(("trivy/0.45.0 go-containerregistry/v0.16.1", "grype 0.85.0", "syft 1.17.0", "clair/v4.7.4")),
    "probe": lambda chance: chance.choice(
        (
            "kube-probe/1.28",
            "ELB-HealthChecker/2.0",
            "GoogleHC/1.0",
            "Blackbox Exporter/0.25.0",
            "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        )
    ),
    "bot": lambda chance: chance.choice(
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        )
    ),
    "browser": lambda chance: chance.choice(
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
            "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
        )
    ),
}


def make_agent(chance: random.Random, family: str) -> str:
    """Write the agent of one machine."""
    return _AGENTS[family](chance)
