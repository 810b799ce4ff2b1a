"""A second reading of access logs: one regular expression a format, a handful of paths and agents. It shares nothing with pullstats.

It knows what the tests' traffic and the recordings hold, and no more.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

Row = dict[str, Any]

QUOTED = r'"((?:[^"\\]|\\.)*)"'
COMBINED = re.compile(rf"^(\S+) \S+ (.+?) \[([^\]]+)\] {QUOTED} (\d{{3}}|-) (\d+|-) {QUOTED} {QUOTED}")
ESCAPE = re.compile(r'\\(?:x([0-9A-Fa-f]{2})|(["\\]))')

# beginning of an agent, its name, its kind
AGENTS = [
    ("docker/", "docker", "container-runtime"),
    ("docker-client/", "docker-cli", "container-tool"),
    ("containerd/", "containerd", "container-runtime"),
    ("cri-o/", "cri-o", "container-runtime"),
    ("containers/", "containers-image", "container-tool"),
    ("buildah/", "buildah", "container-tool"),
    ("skopeo/", "skopeo", "container-tool"),
    ("cosign/", "cosign", "container-tool"),
    ("watchtower", "watchtower", "update-poller"),
    ("pip/", "pip", "package-manager"),
    ("uv/", "uv", "package-manager"),
    ("poetry/", "poetry", "package-manager"),
    ("twine/", "twine", "package-manager"),
    ("npm/", "npm", "package-manager"),
    ("pnpm/", "pnpm", "package-manager"),
    ("cargo/", "cargo", "package-manager"),
    ("cargo ", "cargo", "package-manager"),
    ("apache-maven/", "maven", "package-manager"),
    ("helm/", "helm", "package-manager"),
    ("debian apt", "apt", "package-manager"),
    ("unknown/none; hf_hub/", "huggingface-hub", "package-manager"),
    ("go-http-client/", "go-http-client", "http-library"),
    ("aria2/", "aria2", "http-library"),
    ("wget/", "wget", "http-library"),
    ("curl/", "curl", "http-library"),
    ("python-requests/", "python-requests", "http-library"),
    ("python-urllib/", "python-urllib", "http-library"),
    ("python/3.11 aiohttp/", "aiohttp", "http-library"),
    ("mozilla/5.0 zgrab/", "zgrab", "scanner"),
    ("python-httpx/", "python-httpx", "http-library"),
    ("kube-probe/", "kube-probe", "probe"),
    ("elb-healthchecker/", "elb-healthchecker", "probe"),
]
ECOSYSTEM = {
    **dict.fromkeys(("pip", "uv", "poetry", "twine"), "pypi"),
    **dict.fromkeys(("npm", "pnpm"), "npm"),
    "cargo": "cargo",
}
SYSTEMS = {"linux": "linux", "darwin": "macos", "macos": "macos", "windows": "windows"}
MACHINES = {"amd64": "amd64", "x86_64": "amd64", "x64": "amd64", "arm64": "arm64", "aarch64": "arm64"}
COSIGN = re.compile(r"^sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?$")

# ecosystem, path, action; `n` is the package, `v` the version. The first that fits counts.
PATHS = [
    ("oci", r"^(?:/[a-z]+)?/v2/?$", "ping"),
    ("oci", r"^/v2/_catalog$", "index"),
    ("oci", r"^/token$", "auth"),
    ("oci", r"^/v2/(?P<n>.+)/manifests/(?P<v>[^/]+)$", "manifest"),
    ("oci", r"^/v2/(?P<n>.+)/blobs/uploads(?:/[^/]*)?$", "upload"),
    ("oci", r"^/v2/(?P<n>.+)/blobs/[^/:]+:[^/]+$", "blob"),
    ("oci", r"^/v2/(?P<n>.+)/tags/list$", "metadata"),
    ("oci", r"^/v2/(?P<n>.+)/referrers/[^/]+$", "metadata"),
    ("pypi", r"/simple/?$", "index"),
    ("pypi", r"/simple/(?P<n>[^/]+)/$", "metadata"),
    ("pypi", r"/(?P<n>[^/-]+)-(?P<v>[0-9][^/-]*)-[^/-]+-[^/-]+-(?P<p>[^/-]+)\.whl(?P<s>\.metadata)?$", "download"),
    ("pypi", r"/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/(?P<n>[^/]+)-(?P<v>[0-9][0-9.]*)\.tar\.gz$", "download"),
    ("npm", r"/(?P<n>(?:@[^/]+/)?[^/@]+)/-/[^/]+-(?P<v>[0-9]+\.[0-9]+\.[^/]*)\.tgz$", "download"),
    ("npm", r"/-/npm/v1/security/.*$", "other"),
    ("cargo", r"/(?P<n>[A-Za-z][A-Za-z0-9_-]*)/(?P<v>[0-9]+\.[0-9]+\.[0-9]+[^/]*)/download$", "download"),
    ("cargo", r"/(?:crates|cargo)/index/(?:[12]|3/.|../..)/(?P<n>[a-z][a-z0-9_-]*)$", "metadata"),
    ("cargo", r"/(?:crates|cargo)/index/config\.json$", "index"),
    ("golang", r"^/(?:goproxy/)?(?P<n>[^/]*\.[^/]*(?:/[^/@]+)*)/@v/list$", "metadata"),
    ("golang", r"^/(?:goproxy/)?(?P<n>[^/]*\.[^/]*(?:/[^/@]+)*)/@(?P<v>latest)$", "metadata"),
    ("golang", r"^/(?:goproxy/)?(?P<n>[^/]*\.[^/]*(?:/[^/@]+)*)/@v/(?P<v>[^/]+)\.(?:info|mod)$", "metadata"),
    ("golang", r"^/(?:goproxy/)?(?P<n>[^/]*\.[^/]*(?:/[^/@]+)*)/@v/(?P<v>[^/]+)\.zip$", "download"),
    ("npm", r"/(?P<n>@[a-z0-9._-]+/[a-z0-9._-]+)$", "metadata"),
    ("huggingface", r"^/(?P<n>(?:datasets/)?[^/]+/[^/]+)/resolve/(?P<v>[^/]+)/.+$", "download"),
    ("huggingface", r"^/api/(?:models/)?(?P<n>(?:datasets/)?[^/]+/[^/]+)/revision/(?P<v>[^/]+)$", "metadata"),
    ("github", r"^/(?P<n>[^/]+/[^/]+)/releases/download/(?P<v>[^/]+)/(?P<p>[^/]+?)(?P<s>\.sha256|\.asc)?$", "download"),
    ("maven", r"^/maven2/(?P<g>.+)/(?P<a>[^/]+)/(?P<v>[^/]+)/(?P=a)-(?P=v)[^/]*?\.jar(?P<s>\.sha1|\.asc)?$", "download"),
    ("maven", r"^/maven2/(?P<g>.+)/(?P<a>[^/]+)/(?P<v>[^/]+)/(?P=a)-(?P=v)\.pom(?:\.sha1)?$", "metadata"),
    ("maven", r"^/maven2/(?P<g>.+)/(?P<a>[^/]+)/maven-metadata\.xml$", "metadata"),
    ("deb", r"/dists/.+$", "index"),
    ("deb", r"/(?P<n>[a-z0-9.+-]+)_(?P<v>[^/_]+)_(?P<p>[a-z0-9]+)\.deb$", "download"),
    ("generic", r"/(?P<n>[^/]+?)-(?P<v>[0-9]+(?:\.[0-9]+)+)(?P<p>[^/]*?)\.(?:tar\.gz|zip|iso)(?P<s>\.sha256|\.asc)?$", "download"),
]
PATTERNS = [(ecosystem, re.compile(pattern), action) for ecosystem, pattern, action in PATHS]
# What only the client tells.
HINTED = {
    "npm": (re.compile(r"^(?:/npm)?/(?P<n>[A-Za-z0-9][A-Za-z0-9._~-]*)$"), "metadata"),
    "cargo": (re.compile(r"/(?:[12]|3/[a-z0-9]|[a-z0-9_-]{2}/[a-z0-9_-]{2})/(?P<n>[A-Za-z][A-Za-z0-9_-]*)$"), "metadata"),
}


def read_lines(lines: Iterable[bytes], log: int = 0) -> list[Row]:
    """Read nginx `combined` or the recordings' JSON; `log` says which log goes first in one instant."""
    rows = []
    offset = 0
    for line in lines:
        row = read_json(line) if line.startswith(b"{") else read_combined(line)
        rows.append(row | {"log": log, "offset": offset})
        offset += len(line)
    return rows


def read_combined(line: bytes) -> Row:
    found = COMBINED.match(line.decode("utf-8", "backslashreplace"))
    assert found, line
    address, user, clock, request, status, size, _, agent = found.groups()
    time = datetime.strptime(clock, "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
    return make_row(time, address, user, unescape(request), status, size, unescape(agent))


def read_json(line: bytes) -> Row:
    entry = json.loads(line.decode("utf-8", "replace"))
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(entry["msec"] * 1000))
    return make_row(
        time,
        entry["remote_addr"],
        entry["remote_user"],
        entry["request"],
        str(entry["status"]),
        str(entry["body_bytes_sent"]),
        entry["http_user_agent"],
    )


def unescape(text: str) -> str:
    data = ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)
    return data.encode("latin-1", "replace").decode("utf-8", "replace")


def make_row(time: datetime, address: str, user: str, request: str, status: str, size: str, agent: str) -> Row:
    method, path = read_request(request)
    who = read_agent(agent)
    endpoint, network = read_address(address)
    user_name = None if user in {"", "-"} else user
    row = {
        "time": time,
        "method": method,
        "path": path,
        "status": int(status) if status.isdigit() else None,
        "size": int(size) if size.isdigit() else None,
        "agent": None if agent in {"", "-"} else agent,
        "client": who["name"],
        "client_kind": who["kind"],
        "os": who["os"],
        "arch": who["arch"],
        **read_machine(agent),
        "endpoint": endpoint,
        "network": network,
        "user": user_name,
        "origin": None if endpoint is None else (endpoint, who["name"], who["os"], who["arch"], user_name),
    }
    row |= read_path(path, who["name"])
    if method in {"PUT", "POST", "PATCH"} and row["action"] in {"manifest", "blob", "download", "index", "metadata"}:
        row["action"] = "upload"
    if method == "DELETE":
        row["action"] = "other"
    return row


def read_request(request: str) -> tuple[str | None, str | None]:
    """A method of letters and a target, else nothing."""
    words = request.split(" ")
    if len(words) < 2 or not re.fullmatch(r"[A-Za-z]{2,}", words[0]):
        return None, None
    target = re.sub(r"^https?://[^/]*", "", words[1])
    return words[0], target.split("?")[0] if target.startswith("/") else None


def read_address(text: str) -> tuple[Any, Any]:
    """Endpoint and network: address and /24, or /64 and /48; IPv4 in IPv6 is IPv4; other text is itself."""
    if text in {"", "-", "unknown"}:
        return None, None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text, text
    address = getattr(address, "ipv4_mapped", None) or address
    spans = (32, 24) if address.version == 4 else (64, 48)
    return tuple(str(ipaddress.ip_network((address, span), strict=False)) for span in spans)  # type: ignore[return-value]


def read_agent(agent: str) -> dict[str, str | None]:
    low = agent.lower()
    if "googlebot" in low:
        return {"name": "googlebot", "kind": "bot", "os": None, "arch": None}
    if low.startswith("mozilla/") and "firefox/" in low:
        return {"name": "firefox", "kind": "browser", "os": "linux" if "linux" in low else None, "arch": "amd64" if "x86_64" in low else None}
    name, kind = next(((name, kind) for start, name, kind in AGENTS if low.startswith(start)), ("unknown", "unknown"))
    if name == "unknown":
        return {"name": name, "kind": kind, "os": None, "arch": None}
    words = re.findall(r"[a-z0-9_]+", re.sub(r"kernel/\S+", "", low))
    system = next((SYSTEMS[word] for word in words if word in SYSTEMS), "linux" if name == "apt" else None)
    machine = next((MACHINES[word] for word in words if word in MACHINES), None)
    return {"name": name, "kind": kind, "os": system, "arch": machine}


SAID = {
    "machine": r"UpstreamClient\(.*\\\((\w+)",
    "runtime_version": r'"python":"([^"]+)"|\bnode/v(\S+)|\bgo/go(\S+)|\bJava (\S+?);|python/(\S+)|^Python-urllib/(\S+)',
    "distro": r'"distro":\{.*?"name":"([^"]+)"',
    "libc": r'"lib":"([^"]+)"',
}


def read_machine(agent: str) -> dict[str, str | None]:
    """What an agent says of where it runs."""
    found = {name: re.search(pattern, agent) for name, pattern in SAID.items()}
    said = {name: next((group for group in match.groups() if group), None) if match else None for name, match in found.items()}
    return said | {"machine": SYSTEMS.get(said["machine"] or "")}


def read_path(path: str | None, client: str | None) -> Row:
    """Ecosystem, package, reference, its kind, action, and whether it is the artifact itself (`counts`)."""
    row: Row = {"ecosystem": None, "package": None, "reference": None, "kind": None, "action": "other", "counts": False}
    if path is None:
        return row | {"action": None}
    plain = re.sub("/+", "/", unquote(path))
    for ecosystem, pattern, action in PATTERNS:
        if found := pattern.search(plain):
            return row | read_found(ecosystem, action, found.groupdict(), plain)
    hint = ECOSYSTEM.get(client or "", "")
    if hint == "pypi" and (found := re.search(r"/(?P<n>[^/]+)-(?P<v>[0-9][0-9.]*)\.tar\.gz$", plain)):
        return row | read_found("pypi", "download", found.groupdict(), plain)
    if hint == "cargo" and plain.endswith("/config.json"):
        return row | {"ecosystem": "cargo", "action": "index"}
    if hint in HINTED and (found := HINTED[hint][0].search(plain)):
        return row | read_found(hint, HINTED[hint][1], found.groupdict(), plain)
    return row


def read_found(ecosystem: str, action: str, found: dict[str, str | None], path: str) -> Row:
    name, version = found.get("n"), found.get("v")
    if ecosystem == "maven":
        group = (found["g"] or "").replace("/", ".")
        name = f"{group}:{found['a']}"
    if ecosystem == "pypi" and name:
        name = re.sub(r"[-_.]+", "-", name.lower())
    if found.get("s"):
        action = "metadata"
    is_beside = path.endswith(("-sources.jar", "-javadoc.jar")) or (ecosystem == "oci" and COSIGN.match(version or "") is not None)
    kind = None
    if version is not None:
        is_digest = re.fullmatch(r"sha256:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{64}", version)
        is_number = ecosystem != "oci" and re.match(r"[vV]?[0-9]", version)
        kind = "digest" if is_digest else "version" if is_number else "tag"
    if kind == "version" and ecosystem != "golang":
        version = re.sub("^[vV]", "", version or "")
    counts = action in {"download", "manifest"} and not is_beside
    return {"ecosystem": ecosystem, "package": name, "reference": version, "kind": kind, "action": action, "counts": counts}
