"""Policy objects over the admin API: every kind created, read, changed, listed and deleted; tags, dry runs, and refusals with a pointer.

Who may is in `test_admin_access.py`; the document of all operations in `test_openapi.py`.
"""

import threading

import pytest
from kit.certificates import authority_and_leaf
from kit.fixtures import plugin
from kit.gateway import Gateway, route
from kit.rawclient import get


@pytest.fixture(scope="module")
def gateway(shared_origin):
    with Gateway(to=shared_origin, workers=2, plugins=[plugin("header-transform")]) as running:
        yield running


def target(port=1):
    return {"targets": [{"address": f"127.0.0.1:{port}"}]}


CERTIFICATE = authority_and_leaf("api.example.com")
OBJECTS = {
    "routes": ("users", {"match": {"paths": ["/users/*"]}, "action": {"respond": {"status": 200, "body": "users"}}},
               {"action": {"respond": {"status": 201}}}),
    "clusters": ("back", target(), {"connect_retries": 3}),
    "global_plugins": ("headers", {"name": "header-transform", "config": {}}, {"order": 5}),
    "consumers": ("ann", {"credentials": [{"id": "one", "type": "key", "secret": "ann-secret-key"}]}, {"labels": {"team": "blue"}}),
    "certificates": ("site", {"chain": CERTIFICATE.leaf, "key": CERTIFICATE.key}, {"chain": CERTIFICATE.leaf + CERTIFICATE.authority}),
    "ip_sets": ("office", {"addresses": ["10.0.0.0/8"]}, {"addresses": ["10.0.0.0/8", "fd00::/8"]}),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_life_of_an_object(gateway, kind):
    """Created, read, refused when it is there, patched, replaced, deleted, and gone."""
    id, value, patch = OBJECTS[kind]
    one = f"/v1/{kind}/{id}"
    assert gateway.admin("GET", one).status == 404
    made = gateway.admin("POST", f"/v1/{kind}", {"id": id, **value})
    assert made.status == 201, made
    assert made.headers["Location"] == one and made.json["created"] == 1
    tag = made.headers["ETag"]
    assert {worker["state"] for worker in made.json["workers"]} == {"committed"}
    read = gateway.admin("GET", one)
    assert read.status == 200 and read.headers["ETag"] == tag and read.headers["Last-Modified"].endswith("GMT")
    assert gateway.admin("GET", one, headers={"If-None-Match": tag}).status == 304
    assert gateway.admin("POST", f"/v1/{kind}", {"id": id, **value}).status == 409
    assert gateway.admin("PUT", one, value, headers={"If-None-Match": "*"}).status == 412
    assert gateway.admin("PUT", one, read.json).json["unchanged"] == 1, "what was read can be sent back"
    changed = gateway.admin("PATCH", one, patch, content_type="application/merge-patch+json", headers={"If-Match": tag})
    assert changed.status == 200 and changed.headers["ETag"] != tag, changed
    assert gateway.admin("PATCH", one, patch, headers={"If-Match": tag}).status == 412
    assert gateway.admin("DELETE", one, headers={"If-Match": tag}).status == 412
    assert gateway.admin("PUT", one, value).status == 200
    listed = gateway.admin("GET", f"/v1/{kind}?q={id}").json
    assert listed["total"] == 1 and listed["items"][0]["id"] == id and listed["next"] is None
    assert gateway.admin("DELETE", one).json["deleted"] == 1
    assert gateway.admin("GET", one).status == 404 and gateway.admin("DELETE", one).status == 404


@pytest.mark.parametrize("kind", OBJECTS)
def test_dry_runs_change_nothing(gateway, kind):
    id, value, _ = OBJECTS[kind]
    before = gateway.admin("GET", "/v1/status").json["revision"]
    plan = gateway.admin("PUT", f"/v1/{kind}/{id}?dry_run=1", value)
    assert plan.status == 200 and plan.json["dry_run"] and plan.json["changes"][0]["change"] == "created", plan
    assert plan.json["changes"][0]["before"] is None and plan.json["changes"][0]["after"]
    assert "ann-secret-key" not in plan.body.decode() and "PRIVATE" not in plan.body.decode()
    assert gateway.admin("POST", f"/v1/{kind}?dry_run=1", {"id": id, **value}).status == 200
    assert gateway.admin("GET", f"/v1/{kind}/{id}").status == 404
    assert gateway.admin("GET", "/v1/status").json["revision"] == before


MALFORMED = [
    ("routes", {"action": {"cluster": "nowhere"}}, "/action/cluster"),
    ("routes", {"action": {"cluster": "origin"}, "match": {"methods": ["GTE"]}}, "/match/methods/0"),
    ("routes", {"action": {"cluster": "origin"}, "match": {"paths": ["/a", "no-slash"]}}, "/match/paths/1"),
    ("routes", {"action": {"cluster": "origin"}, "plugins": [{"name": "nobody"}]}, "/plugins/0/name"),
    ("routes", {"action": {}}, "/action"),
    ("routes", {}, ""),
    ("routes", {"action": {"cluster": "origin"}, "colour": "red"}, "/colour"),
    ("routes", {"action": {"cluster": "origin"}, "priority": -1}, "/priority"),
    ("clusters", {"targets": []}, "/targets"),
    ("clusters", {"targets": [{"address": "nonsense"}]}, "/targets/0/address"),
    ("clusters", {"targets": [{"address": "127.0.0.1:1", "weight": 0}]}, "/targets/0/weight"),
    ("global_plugins", {"name": "nobody"}, "/name"),
    ("consumers", {"credentials": [{"id": "a", "type": "magic"}]}, "/credentials/0/type"),
    ("consumers", {"credentials": [{"id": "a", "type": "key", "secret": "***"}]}, "/credentials/0/secret"),
    ("consumers", {"credentials": [{"id": "a", "type": "hmac", "secret": "sealed:AAAA"}]}, "/credentials/0/secret"),
    ("consumers", {"labels": {"a b": "x"}}, "/labels/a b"),
    ("certificates", {"chain": "nothing", "key": CERTIFICATE.key}, "/chain"),
    ("certificates", {"chain": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "key": CERTIFICATE.key}, "/chain"),
    ("certificates", {"chain": CERTIFICATE.authority, "key": CERTIFICATE.key}, "/key"),
    ("certificates", {"chain": CERTIFICATE.leaf, "key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}, "/key"),
    ("ip_sets", {"addresses": ["10.0.0.0/8", "10.0.0.0/99"]}, "/addresses/1"),
    ("ip_sets", {"id": "other", "addresses": []}, "/id"),
    ("ip_sets", [1, 2], ""),
    ("ip_sets", {"addresses": "10.0.0.0/8"}, "/addresses"),
]


@pytest.mark.parametrize("kind,value,pointer", MALFORMED, ids=[f"{k}{p}" for k, _, p in MALFORMED])
def test_malformed_objects(gateway, kind, value, pointer):
    """422, where it is and what is allowed; nothing changes."""
    before = gateway.admin("GET", "/v1/status").json["revision"]
    answer = gateway.admin("PUT", f"/v1/{kind}/wrong", value)
    assert answer.status == 422, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    pointers = [error["pointer"] for error in answer.json["errors"]]
    assert pointer in pointers, answer
    assert all(error["detail"] for error in answer.json["errors"])
    assert gateway.admin("GET", f"/v1/{kind}/wrong").status == 404
    assert gateway.admin("GET", "/v1/status").json["revision"] == before


@pytest.mark.parametrize("body,type,status", [
    (b'{"id": "x",}', "application/json", 400), (b"", "application/json", 400), (b"\xff", "application/json", 400),
    (b"id: x", "application/yaml", 415), (b'"text"', "application/json", 422), (b"[" * 100, "application/json", 400),
    (b'{"id": "x", "id": "x"}', "application/json", 400), (b'"' + b"x" * (1 << 20) + b'"', "application/json", 413),
])
def test_malformed_bodies(gateway, body, type, status):
    answer = gateway.admin("POST", "/v1/ip_sets", body, content_type=type)
    assert answer.status == status, answer
    assert answer.json["status"] == status
    if status == 400:
        assert "line 1, column" in answer.json["detail"]


def test_references_keep_objects(gateway):
    assert gateway.admin("PUT", "/v1/clusters/held", target()).status == 201
    assert gateway.admin("PUT", "/v1/routes/holder", {"match": {"paths": ["/held"]}, "action": {"cluster": "held"}}).status == 201
    answer = gateway.admin("DELETE", "/v1/clusters/held")
    assert answer.status == 409 and "routes/holder" in answer.body.decode(), answer
    assert gateway.admin("DELETE", "/v1/routes/holder").status == 200
    assert gateway.admin("DELETE", "/v1/clusters/held").status == 200


def test_lists_are_filtered_sorted_and_paged(gateway):
    for index in range(25):
        assert gateway.admin("PUT", f"/v1/ip_sets/page-{index:02}", {"addresses": [f"10.1.{index}.0/24"]}).status == 201
    seen, after = [], ""
    while after is not None:
        page = gateway.admin("GET", f"/v1/ip_sets?q=page-&limit=10&sort=-id{'&after=' + after if after else ''}").json
        assert page["total"] == 25
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
    assert seen == [f"page-{index:02}" for index in reversed(range(25))]
    gateway.admin("PATCH", "/v1/ip_sets/page-07", {"addresses": ["10.2.0.0/16"]})
    assert gateway.admin("GET", "/v1/ip_sets?q=page-&sort=-updated_at&limit=1").json["items"][0]["id"] == "page-07"
    assert [item["id"] for item in gateway.admin("GET", "/v1/ip_sets?address=10.2.0.0/16").json["items"]] == ["page-07"]
    for wrong in ("limit=0", "limit=x", "sort=colour", "after=!!", "colour=red"):
        answer = gateway.admin("GET", f"/v1/ip_sets?{wrong}")
        assert answer.status == 400 and answer.json["detail"], wrong
    for index in range(25):
        assert gateway.admin("DELETE", f"/v1/ip_sets/page-{index:02}").status == 200


def test_targets_are_resources(gateway, shared_origin):
    base = "/v1/clusters/many"
    assert gateway.admin("PUT", base, target(1)).status == 201
    assert gateway.admin("POST", base + "/targets", {"address": "127.0.0.1:2", "weight": 3}).status == 201
    assert gateway.admin("POST", base + "/targets", {"address": "127.0.0.1:2"}).status == 409
    assert gateway.admin("GET", base + "/targets/127.0.0.1:2").json["weight"] == 3
    assert gateway.admin("PATCH", base + "/targets/127.0.0.1%3A2", {"weight": 5}).status == 200
    assert gateway.admin("PUT", base + "/targets/unix:%2Frun%2Fx.sock", {}).status == 201
    assert [item["address"] for item in gateway.admin("GET", base + "/targets").json["items"]] == ["127.0.0.1:1", "127.0.0.1:2", "unix:/run/x.sock"]
    wrong = gateway.admin("PATCH", base + "/targets/127.0.0.1:2", {"weight": 0})
    assert wrong.status == 422 and wrong.json["errors"][0]["pointer"] == "/weight", wrong
    for address in ("127.0.0.1:1", "127.0.0.1:2"):
        assert gateway.admin("DELETE", f"{base}/targets/{address}").status == 200
    assert gateway.admin("DELETE", base + "/targets/unix:%2Frun%2Fx.sock").status == 422, "a cluster without a target"
    assert gateway.admin("DELETE", base + "/targets/10.0.0.1:1").status == 404
    assert gateway.admin("DELETE", base).status == 200


def test_secrets_are_never_shown(gateway):
    """Hashed or sealed in the store, masked for readers, and kept when what was read is sent back."""
    secrets = {"key": "the-api-key", "basic": "the password", "hmac": "the shared secret", "jwt": "the jwt secret"}
    value = {"credentials": [{"id": kind, "type": kind, "name": "bob", "secret": secret} for kind, secret in secrets.items()]}
    assert gateway.admin("PUT", "/v1/consumers/bob", value).status == 201
    read = gateway.admin("GET", "/v1/consumers/bob")
    assert {item["secret"] for item in read.json["credentials"]} == {"***"}
    assert gateway.admin("PUT", "/v1/consumers/bob", value).json["unchanged"] == 1, "the same secrets again are no change"
    assert gateway.admin("PUT", "/v1/consumers/bob", read.json).json["unchanged"] == 1
    assert gateway.admin("PATCH", "/v1/consumers/bob/credentials/key", {"secret": "another-key"}).json["updated"] == 1
    everything = "".join(gateway.admin("GET", path).body.decode() for path in ("/v1/consumers", "/v1/consumers/bob/credentials", "/v1/config"))
    for file in (gateway.folder / "state").rglob("*"):
        if file.is_file():
            everything += file.read_bytes().decode(errors="replace")
    everything += gateway.log()
    for secret in [*secrets.values(), "another-key"]:
        assert secret not in everything, secret
    assert gateway.admin("DELETE", "/v1/consumers/bob").status == 200


def test_certificates_say_what_they_are(gateway):
    assert gateway.admin("PUT", "/v1/certificates/info", {"chain": CERTIFICATE.leaf, "key": CERTIFICATE.key}).status == 201
    read = gateway.admin("GET", "/v1/certificates/info").json
    assert read["key"] == "***" and read["info"]["names"] == ["api.example.com", "127.0.0.1"]
    assert read["info"]["not_after"] > read["info"]["not_before"] and read["info"]["certificates"] == 1
    assert gateway.admin("GET", "/v1/certificates?name=api.example.com").json["total"] == 1
    assert gateway.admin("GET", "/v1/certificates?name=other.example").json["total"] == 0
    assert gateway.admin("DELETE", "/v1/certificates/info").status == 200


def test_concurrent_writers(gateway):
    """Twenty writers change one number by compare-and-set: no change is lost, and some had to try again."""
    assert gateway.admin("PUT", "/v1/clusters/counter", {**target(), "connect_retries": 0}).status == 201
    stale, done = [], []

    def add():
        for _ in range(30):
            read = gateway.admin("GET", "/v1/clusters/counter")
            answer = gateway.admin(
                "PATCH", "/v1/clusters/counter", {"connect_retries": read.json["connect_retries"] + 1}, headers={"If-Match": read.headers["ETag"]})
            if answer.status == 200:
                done.append(1)
                return
            assert answer.status == 412, answer
            stale.append(1)

    threads = [threading.Thread(target=add) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == 10
    assert gateway.admin("GET", "/v1/clusters/counter").json["connect_retries"] == 10
    assert gateway.admin("DELETE", "/v1/clusters/counter").status == 200


def test_writers_of_different_targets_lose_none(gateway):
    assert gateway.admin("PUT", "/v1/clusters/shared", target(1)).status == 201
    answers = []

    def add(n):
        answers.append(gateway.admin("POST", "/v1/clusters/shared/targets", {"address": f"127.0.0.1:{n}"}).status)

    threads = [threading.Thread(target=add, args=(n,)) for n in range(2, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [201] * 8
    assert gateway.admin("GET", "/v1/clusters/shared/targets").json["total"] == 9
    assert gateway.admin("DELETE", "/v1/clusters/shared").status == 200


def test_a_change_serves_at_once(gateway):
    """The answer comes when every worker runs it."""
    for body in ("one", "two", "three"):
        value = {"match": {"paths": ["/now"]}, "action": {"respond": {"status": 200, "body": body}}}
        assert gateway.admin("PUT", "/v1/routes/now", value).status in (200, 201)
        assert {get(gateway.port, "/now").body for _ in range(8)} == {body.encode()}
    assert gateway.admin("DELETE", "/v1/routes/now").status == 200


def test_methods_of_paths(gateway):
    assert gateway.admin("HEAD", "/v1/routes").body == b""
    options = gateway.admin("OPTIONS", "/v1/routes/x")
    assert options.status == 204 and options.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    assert gateway.admin("POST", "/v1/routes/x", {}).status == 405


def test_routes_of_the_file_are_objects(shared_origin, origin):
    with Gateway(to=shared_origin, routes=[route("from-file", "/file")]) as gateway:
        assert gateway.admin("GET", "/v1/routes/from-file").json["match"]["paths"] == ["/file"]
