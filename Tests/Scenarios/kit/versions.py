"""The test plugin of many versions (Tests/Kit/plugins/versions.c), built as a scenario needs it, and what the admin API says of it."""

import json
import subprocess
from pathlib import Path

from .fixtures import compiled
from .gateway import ROOT, Gateway, route
from .rawclient import get

SOURCE = (ROOT / "Tests/Kit/plugins/versions.c").read_text()
NAME = "versions"


def version(folder: Path, number: str, manifest: str = "", **wrong) -> Path:
    """`number` of the plugin; `wrong`: FAILS, SPINS, CRASHES, SLEEPS with their values."""
    lines = [f'#define VERSION "{number}"', *(f"#define {name} {value}" for name, value in wrong.items())]
    if manifest:
        lines.append("#define MANIFEST " + json.dumps(manifest))
    name = f"versions-{number}-" + "-".join(wrong) + f"-{abs(hash(manifest))}"
    return compiled(folder, name, "\n".join(lines) + "\n" + SOURCE)


def serving(origin, folder: Path, number: str = "1.0.0", **changes) -> Gateway:
    """A gateway that serves everything through version `number`."""
    entry = {"name": NAME, "path": str(version(folder, number)), **changes.pop("entry", {})}
    keys = {"plugins_api": "local", "workers": 2, "allow": "", **changes}
    binding = {"name": NAME, **({"config": keys.pop("config")} if "config" in keys else {})}
    return Gateway(to=origin, plugins=[entry], routes=[route("everything", "/*", plugins=[binding])], **keys)


def one(gateway) -> dict:
    answer = gateway.admin("GET", f"/v1/plugins/{NAME}")
    assert answer.status == 200, answer
    return answer.json


def load(gateway, file: Path, **keys):
    return gateway.admin("POST", "/v1/plugins/load", {"path": str(file), **keys})


def canary(gateway, file: Path, **keys):
    return gateway.admin("POST", f"/v1/plugins/{NAME}/canary", {"path": str(file), **keys})


def seen(gateway, count: int = 1, path: str = "/p") -> dict:
    """Versions that answered, and how often; one connection and path a request."""
    out: dict = {}
    for number in range(count):
        who = get(gateway.port, f"{path}{number}").get("X-Version")
        out[who] = out.get(who, 0) + 1
    return out


def signing_keys(folder: Path, name: str = "key") -> tuple:
    """(private PEM file, public PEM file) of a new Ed25519 pair, by the openssl command."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(private)], check=True, capture_output=True, timeout=10)
    subprocess.run(["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)], check=True, capture_output=True, timeout=10)
    return private, public


def signature(private: Path, file: Path) -> bytes:
    """The 64 bytes over the file."""
    out = file.with_name(file.name + ".raw-signature")
    command = ["openssl", "pkeyutl", "-sign", "-inkey", str(private), "-rawin", "-in", str(file), "-out", str(out)]
    subprocess.run(command, check=True, capture_output=True, timeout=10)
    return out.read_bytes()
