"""Who may use the admin API: tokens, roles and scopes over every operation of the document, TLS beyond this machine, limits of rate."""

import os
import re
import stat
import subprocess
import time
import urllib.error

import pytest
from kit.certificates import authority_and_leaf
from kit.gateway import BINARY, Gateway
from kit.wait import until

ROLES = ["viewer", "editor", "admin"]


def token(gateway, name: str, role: str, *more: str) -> str:
    """Made by the command, as an operator would."""
    done = subprocess.run(
        [str(BINARY), "token", "create", "-c", str(gateway.file), name, "--role", role, *more], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    made = done.stdout.strip()
    assert re.fullmatch(r"slc_[A-Za-z0-9_-]{43}", made)
    return made


@pytest.fixture(scope="module")
def guarded(shared_origin):
    """A gateway with one token of each role."""
    with Gateway(to=shared_origin, plugins_api="upload") as gateway:
        document = gateway.admin("GET", "/v1/openapi.json").json
        tokens = {role: token(gateway, role, role) for role in ROLES}
        yield gateway, document, tokens


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            # Names that nobody has, so that whoever is let in finds nothing to change.
            place = re.sub(r"\{(\w+)\}", lambda m: "999999999" if m[1] == "n" else "nobody-has-this", path)
            yield operation, method.upper(), place


def query(operation) -> str:
    names = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
    return "?dry_run=1" if "dry_run" in names else ""


def test_every_operation_and_every_role(guarded):
    """401 without a token, 403 below the role, neither of them from the role on."""
    gateway, document, tokens = guarded
    rank = {None: -1, "viewer": 0, "editor": 1, "admin": 2}
    seen = 0
    for operation, method, path in operations(document):
        needed = rank[operation["x-sluice-role"]]
        if operation["operationId"] in ("reload", "recycleWorkers"):  # they do something without being told what
            allowed = ["viewer", "editor"]
        else:
            allowed = ROLES
        for role in [None, *allowed]:
            gateway.token = tokens.get(role)
            body = {} if method in ("POST", "PUT", "PATCH") else None
            answer = gateway.admin(method, path + query(operation), body)
            place = (operation["operationId"], role, answer)
            if rank[role] < needed:
                assert answer.status == (401 if role is None else 403), place
                assert ("WWW-Authenticate" in answer.headers) == (role is None), place
            else:
                assert answer.status not in (401, 403, 429, 500), place
                assert str(answer.status) in operation["responses"], place
            seen += 1
    gateway.token = None
    assert seen > 200


def test_scopes_narrow_a_token(guarded):
    gateway, _, _ = guarded
    gateway.token = token(gateway, "narrow", "editor", "--scope", "routes:write", "--scope", "clusters:read")
    try:
        route = {"match": {"paths": ["/narrow"]}, "action": {"respond": {"status": 200}}}
        assert gateway.admin("PUT", "/v1/routes/narrow", route).status == 201
        assert gateway.admin("GET", "/v1/routes/narrow").status == 200
        assert gateway.admin("DELETE", "/v1/routes/narrow").status == 200
        assert gateway.admin("GET", "/v1/clusters").status == 200
        for method, path in (("PUT", "/v1/clusters/x"), ("GET", "/v1/consumers"), ("GET", "/v1/status"), ("POST", "/v1/apply")):
            answer = gateway.admin(method, path, {} if method != "GET" else None)
            assert answer.status == 403 and "needed" in answer.json["detail"], (path, answer)
    finally:
        gateway.token = None


def test_tokens_over_the_api(guarded):
    """Shown once, hashed at rest, used, listed, taken back; none may do more than its maker."""
    gateway, _, tokens = guarded
    gateway.token = tokens["admin"]
    made = gateway.admin("POST", "/v1/tokens", {"name": "robot", "role": "admin", "scopes": ["tokens:*", "status:read"], "expires_in": "1h"})
    assert made.status == 201, made
    secret = made.json["token"]
    assert gateway.admin("POST", "/v1/tokens", {"name": "robot", "role": "viewer"}).status == 409
    wrong = gateway.admin("POST", "/v1/tokens", {"name": "a b", "role": "king", "scopes": ["x:y"], "colour": 1})
    assert wrong.status == 422 and {e["pointer"] for e in wrong.json["errors"]} == {"/name", "/role", "/scopes/0", "/colour"}, wrong
    gateway.token = secret
    assert gateway.admin("GET", "/v1/status").status == 200 and gateway.admin("GET", "/v1/routes").status == 403
    assert gateway.admin("POST", "/v1/tokens", {"name": "wider", "role": "viewer"}).status == 403
    assert gateway.admin("POST", "/v1/tokens", {"name": "alike", "role": "viewer", "scopes": ["status:read"]}).status == 201
    gateway.token = tokens["admin"]
    listed = gateway.admin("GET", "/v1/tokens")
    robot = next(item for item in listed.json["tokens"] if item["name"] == "robot")
    assert robot["last_used_at"] and robot["expires_at"] > robot["created_at"]
    file = gateway.folder / "state" / "tokens.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    everything = file.read_text() + gateway.log() + listed.body.decode()
    assert secret not in everything and secret[4:] not in everything
    assert gateway.admin("DELETE", "/v1/tokens/robot").status == 200
    gateway.token = secret
    assert gateway.admin("GET", "/v1/status").status == 401
    gateway.token = None


def test_expired_tokens(guarded):
    gateway, _, _ = guarded
    gateway.token = token(gateway, "short", "viewer", "--expires-in", "1s")
    until(lambda: gateway.admin("GET", "/v1/status").status == 401, 5, "the token to expire")
    gateway.token = None


@pytest.mark.parametrize("field", [
    "Bearer", "Bearer slc_", "Basic YTpi", "slc_x", "Bearer slc_" + "a" * 43, "Bearer " + "x" * 8000, "Bearer slc_\xff",
])
def test_wrong_tokens(shared_origin, origin, field):
    with Gateway(to=shared_origin) as gateway:
        token(gateway, "one", "viewer")
        answer = gateway.admin("GET", "/v1/status", headers={"Authorization": field})
        assert answer.status == 401 and "slc_a" not in gateway.log()


def test_guessing_is_slowed_down(shared_origin, origin):
    """After ten wrong tokens 429; who has the right one is let in all the same."""
    with Gateway(to=shared_origin) as gateway:
        good = token(gateway, "one", "viewer")
        seen = [gateway.admin("GET", "/v1/status", headers={"Authorization": f"Bearer slc_{n}"}).status for n in range(14)]
        assert seen[:10] == [401] * 10 and seen[-1] == 429, seen
        answer = gateway.admin("GET", "/v1/status", headers={"Authorization": "Bearer slc_x"})
        assert int(answer.headers["Retry-After"]) >= 1
        gateway.token = good
        assert gateway.admin("GET", "/v1/status").status == 200


def test_rate_limit(shared_origin, origin):
    with Gateway(to=shared_origin, admin={"rate_limit": 5}) as gateway:
        seen = [gateway.admin("GET", "/healthz") for _ in range(30)]
        assert {answer.status for answer in seen} == {200, 429}
        refused = next(answer for answer in seen if answer.status == 429)
        assert int(refused.headers["Retry-After"]) >= 1 and refused.json["title"]
        time.sleep(1.1)
        assert gateway.admin("GET", "/healthz").status == 200


def test_a_token_may_be_required_from_the_start(shared_origin, origin):
    with Gateway(to=shared_origin, admin={"require_token": True}) as gateway:
        assert gateway.admin("GET", "/healthz").status == 200
        assert gateway.admin("GET", "/v1/status").status == 401 and gateway.admin("GET", "/v1/no/such").status == 401
        gateway.token = token(gateway, "one", "viewer")
        assert gateway.admin("GET", "/v1/status").status == 200 and gateway.admin("GET", "/v1/no/such").status == 404


def test_the_first_token_closes_the_door(shared_origin, origin):
    """Until then everybody of this machine is let in; the last one that goes opens it again."""
    with Gateway(to=shared_origin) as gateway:
        assert gateway.admin("GET", "/v1/status").status == 200
        gateway.token = token(gateway, "one", "admin")
        assert gateway.admin("GET", "/v1/status").status == 200
        assert gateway.admin("GET", "/v1/status", headers={"Authorization": "Bearer slc_other"}).status == 401
        listed = subprocess.run([str(BINARY), "token", "list", "-c", str(gateway.file)], capture_output=True, text=True, timeout=20)
        assert listed.returncode == 0 and "one" in listed.stdout and gateway.token not in listed.stdout
        assert subprocess.run([str(BINARY), "token", "delete", "-c", str(gateway.file), "one"], capture_output=True, timeout=20).returncode == 0
        gateway.token = None
        assert gateway.admin("GET", "/v1/status").status == 200


def test_damaged_tokens_let_nobody_in(shared_origin, origin):
    with Gateway(to=shared_origin, allow="tokens.json cannot be read") as gateway:
        gateway.token = token(gateway, "one", "admin")
        (gateway.folder / "state" / "tokens.json").write_text("{")
        assert gateway.admin("GET", "/v1/status").status == 401
        gateway.token = None
        assert gateway.admin("GET", "/v1/status").status == 401
        assert gateway.admin("GET", "/healthz").status == 200


def test_beyond_this_machine_only_by_tls_with_tokens(shared_origin, origin, tmp_path):
    certificates = authority_and_leaf("gateway.example")
    for name in ("authority", "leaf", "key"):
        (tmp_path / f"{name}.pem").write_text(getattr(certificates, name))
    tls = {"certificate": str(tmp_path / "leaf.pem"), "key": str(tmp_path / "key.pem")}
    for admin, missing in (({}, "tls and require_token: true"), ({"tls": tls}, "require_token: true"), ({"require_token": True}, "tls")):
        refused = Gateway(to=shared_origin)
        refused.write(admin={"listen": f"0.0.0.0:{refused.admin_port}", **admin})
        said = refused.refused()
        assert "admin.listen" in said and f"with {missing}," in said, said
    gateway = Gateway(to=shared_origin)
    gateway.write(admin={"listen": f"0.0.0.0:{gateway.admin_port}", "tls": tls, "require_token": True})
    gateway.authority = str(tmp_path / "authority.pem")
    with gateway:
        assert gateway.admin("GET", "/v1/status").status == 401
        gateway.token = token(gateway, "far", "viewer")
        assert gateway.admin("GET", "/v1/status").status == 200
        # Renewed files are taken up by a reload.
        other = authority_and_leaf("gateway.example")
        (tmp_path / "leaf.pem").write_text(other.leaf)
        (tmp_path / "key.pem").write_text(other.key)
        gateway.token = token(gateway, "boss", "admin")
        assert gateway.admin("POST", "/v1/reload").status == 200
        (tmp_path / "authority.pem").write_text(other.authority)
        until(lambda: answers(gateway), 15, "the new certificate")


def answers(gateway) -> bool:
    try:
        return gateway.admin("GET", "/healthz").status == 200
    except (urllib.error.URLError, OSError):
        return False


def test_unix_socket_is_its_owners(shared_origin, origin):
    gateway = Gateway(to=shared_origin)
    path = gateway.folder / "admin.sock"
    gateway.write(admin={"listen": f"unix:{path}"})
    gateway.is_healthy = lambda: path.exists()
    with gateway:
        until(lambda: stat.S_IMODE(os.stat(path).st_mode) == 0o600, 5, "the socket to be private")
        made = subprocess.run([str(BINARY), "token", "list", "--admin", f"unix:{path}"], capture_output=True, text=True, timeout=20)
        assert made.returncode == 0 and "NAME" in made.stdout, made


def test_writes_are_in_the_audit(guarded):
    """Who, from where, what; secrets masked."""
    gateway, _, tokens = guarded
    gateway.token = tokens["editor"]
    consumer = {"credentials": [{"id": "k", "type": "key", "secret": "audit-secret"}]}
    made = gateway.admin("PUT", "/v1/consumers/audited?comment=for%20the%20test", consumer)
    assert made.status == 201, made
    revision = gateway.admin("GET", f"/v1/revisions/{made.json['revision']}")
    assert revision.json["actor"] == "editor" and revision.json["address"] == "127.0.0.1" and revision.json["comment"] == "for the test"
    assert revision.json["changes"][0]["after"]["credentials"][0]["secret"] == "***"
    entry = next(item for item in gateway.admin("GET", "/v1/audit").json["items"] if item["revision"] == made.json["revision"])
    assert entry["actor"] == "editor" and entry["address"] == "127.0.0.1"
    assert gateway.admin("DELETE", "/v1/consumers/audited").status == 200
    gateway.token = None
