"""Every released example plugin, built from its sources of then with the SDK of its day, does its work in today's gateway."""

import subprocess

import pytest
from kit.fixtures import KEYS
from kit.gateway import ROOT, Gateway, route
from kit.rawclient import get

SHOWN = {"response": {"set": {"X-Served-By": "sluice ${request.path}"}}, "request": {"set": {"X-Seen": "${request.method}"}}}


@pytest.fixture(scope="module")
def exhibits():
    done = subprocess.run(["make", "-C", str(ROOT / "Tests/Museum")], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return ROOT / ".build/museum/abi-1.0"


def entry(folder, file: str, name: str = "") -> dict:
    return {"name": name or file, "path": str(folder / f"{file}.so")}


@pytest.mark.timeout(700)
def test_bundled_plugins_of_1_0(exhibits, shared_origin, origin):
    chain = [{"name": "key-auth", "config": KEYS}, {"name": "header-transform", "config": SHOWN}, {"name": "request-id"}]
    plugins = [entry(exhibits, name) for name in ("key-auth", "header-transform", "request-id")]
    with Gateway(to=shared_origin, plugins=plugins, routes=[route("all", "/*", plugins=chain)]) as gateway:
        assert get(gateway.port, "/a").status == 401
        assert get(gateway.port, "/a", "X-Api-Key: wrong").status == 403
        answer = get(gateway.port, "/a?x=1", "X-Api-Key: secret-1")
        assert answer.status == 200 and answer.get("X-Served-By") == "sluice /a?x=1" and len(answer.get("X-Request-Id")) == 36
        assert [seen.get("X-Seen") for seen in origin.seen] == ["GET"]
        assert origin.seen[0].get("X-Request-Id") == answer.get("X-Request-Id")


@pytest.mark.timeout(700)
@pytest.mark.parametrize("file", ["hello-c", "hello-swift"])
def test_templates_of_1_0(exhibits, shared_origin, origin, file):
    with Gateway(to=shared_origin, plugins=[entry(exhibits, file, "hello")], routes=[route("all", "/*", plugins=[{"name": "hello"}])]) as gateway:
        assert get(gateway.port, "/").status == 200
        assert origin.seen[0].get("X-Hello") == "world"


@pytest.mark.timeout(700)
def test_replaced_by_the_plugin_of_today_and_back(exhibits, shared_origin, origin, tmp_path):
    """A generation of one minor version of the contract takes over from one of another, in both directions."""
    with Gateway(to=shared_origin, plugins_api="local", plugins=[entry(exhibits, "key-auth")],
                 routes=[route("all", "/*", plugins=[{"name": "key-auth", "config": KEYS}])]) as gateway:
        for file in (ROOT / ".build/plugins/key-auth.so", exhibits / "key-auth.so"):
            assert gateway.admin("POST", "/v1/plugins/load", {"path": str(file)}).status == 200
            assert get(gateway.port, "/a").status == 401 and get(gateway.port, "/a", "X-Api-Key: secret-2").status == 200
