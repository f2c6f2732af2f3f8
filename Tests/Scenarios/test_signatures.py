"""Signatures under each policy, by path and by upload, and capabilities: what is refused, what is told, what is written down."""

import base64

import pytest
from kit.rawclient import get
from kit.versions import NAME, load, one, seen, serving, signature, signing_keys, version

CAPABLE = ',"capabilities":["network","threads"]'


def gateway_with(shared_origin, folder, policy: str, keys: list, **changes):
    """Version 1.0.0 of the file is signed, so that it starts under every policy."""
    return serving(shared_origin, folder, plugins_api="upload", plugin_signatures={"policy": policy, "keys": keys}, **changes)


@pytest.fixture
def keys(tmp_path):
    private, public = signing_keys(tmp_path)
    first = version(tmp_path, "1.0.0")
    first.with_name(first.name + ".sig").write_bytes(signature(private, first))
    return private, public


def spoiled(raw: bytes) -> bytes:
    return raw[:10] + bytes([raw[10] ^ 1]) + raw[11:]


@pytest.mark.parametrize("policy,signed,status,verdict", [
    ("off", "missing", 200, "unchecked"), ("off", "wrong", 200, "unchecked"), ("off", "valid", 200, "unchecked"),
    ("warn", "missing", 200, "missing"), ("warn", "wrong", 200, "wrong"), ("warn", "valid", 200, "valid"),
    ("enforce", "missing", 422, "no signature"), ("enforce", "wrong", 422, "signature is wrong"), ("enforce", "valid", 200, "valid"),
])
@pytest.mark.parametrize("way", ["path", "upload"])
def test_policies(shared_origin, origin, tmp_path, keys, policy, signed, status, verdict, way):
    private, public = keys
    file = version(tmp_path, "2.0.0")
    raw = {"missing": None, "valid": signature(private, file), "wrong": spoiled(signature(private, file))}[signed]
    with gateway_with(shared_origin, tmp_path, policy, [str(public)], allow="refused") as gateway:
        if way == "path":
            if raw:
                file.with_name(file.name + ".sig").write_bytes(base64.b64encode(raw) + b"\n")
            answer = load(gateway, file)
        else:
            query = "?signature=" + base64.urlsafe_b64encode(raw).decode().replace("-", "%2B").replace("_", "%2F") if raw else ""
            answer = gateway.admin("POST", f"/v1/plugins{query}", file.read_bytes(), content_type="application/octet-stream")
        assert answer.status == status, answer
        if status == 200:
            assert answer.json["signature"]["verdict"] == verdict and seen(gateway, 3) == {"2.0.0": 3}
            assert ("key" in answer.json["signature"]) == (verdict == "valid")
            assert f"signature {verdict}" in gateway.log()
            assert ("plugin_signatures.policy is warn" in gateway.log()) == (policy == "warn" and signed != "valid")
        else:
            assert verdict in answer.json["detail"], answer
            assert seen(gateway, 3) == {"1.0.0": 3} and one(gateway)["generation"] == 1


def test_key_as_base64_and_a_second_key(shared_origin, origin, tmp_path, keys):
    _, public = keys
    other_private, other = signing_keys(tmp_path, "other")
    raw_key = base64.b64encode(base64.b64decode("".join(other.read_text().splitlines()[1:-1]))[-32:]).decode()
    file = version(tmp_path, "2.0.0")
    with gateway_with(shared_origin, tmp_path, "enforce", [str(public), raw_key]) as gateway:
        answer = load(gateway, file, signature=base64.b64encode(signature(other_private, file)).decode())
        assert answer.status == 200 and answer.json["signature"]["verdict"] == "valid", answer
        unsigned = version(tmp_path, "3.0.0")
        answer = load(gateway, unsigned, signature="AAAA")
        assert answer.status == 422 and "signature is wrong" in answer.json["detail"]
        answer = load(gateway, unsigned, dry_run=True)
        assert answer.status == 422 and "no signature" in answer.json["detail"]


def test_start_without_a_signature_is_refused_under_enforce(shared_origin, tmp_path):
    _, public = signing_keys(tmp_path)
    said = gateway_with(shared_origin, tmp_path, "enforce", [str(public)]).refused()
    assert "no signature" in said and NAME in said


def test_bad_key_is_named(shared_origin, tmp_path):
    said = gateway_with(shared_origin, tmp_path, "enforce", [str(tmp_path / "missing.pem")]).refused()
    assert "plugin_signatures.keys[0]" in said and "missing.pem" in said


def test_capabilities(shared_origin, origin, tmp_path):
    with serving(shared_origin, tmp_path, allow="refused") as gateway:
        file = version(tmp_path, "2.0.0", CAPABLE)
        answer = load(gateway, file)
        assert answer.status == 422 and "network, threads, which nobody granted" in answer.json["detail"], answer
        answer = load(gateway, file, capabilities=["network"])
        assert answer.status == 422 and "capability threads" in answer.json["detail"], answer
        answer = gateway.admin("POST", "/v1/plugins/load?capabilities=network,threads", {"path": str(file)})
        assert answer.status == 200, answer
        assert one(gateway)["capabilities"] == {"asked": ["network", "threads"], "granted": ["network", "threads"]}
        assert "capabilities: network, threads" in gateway.log()
        answer = load(gateway, file, capabilities=["telepathy"])
        assert answer.status == 400 and "http_client" in answer.json["detail"], answer
        assert get(gateway.port, "/").get("X-Version") == "2.0.0"


def test_capabilities_of_the_file(shared_origin, origin, tmp_path):
    with serving(shared_origin, tmp_path, entry={"capabilities": ["network", "threads"]}) as gateway:
        assert load(gateway, version(tmp_path, "2.0.0", CAPABLE)).status == 200
    said = serving(shared_origin, tmp_path, entry={"path": str(version(tmp_path, "3.0.0", CAPABLE))}).refused()
    assert "which nobody granted" in said


def test_a_table_without_its_capability_is_not_there(shared_origin, origin, tmp_path):
    """`needs` names what the host keeps back: refused before anything runs."""
    with serving(shared_origin, tmp_path, allow="refused") as gateway:
        answer = load(gateway, version(tmp_path, "2.0.0", ',"needs":["sluice.http-client/1"]'))
        assert answer.status == 422 and "without asking for the capability http_client" in answer.json["detail"], answer
