"""What routes do besides proxying to one cluster, through the whole gateway: redirects made for the request, rewrites, splits and what keeps
a client on its branch, maintenance, responses of plugins. Examples of docs/routing.md are among the tables.
"""

from collections import Counter

import pytest
from kit.gateway import ROOT, Gateway, cluster, merged, route
from kit.origin import Origin
from kit.rawclient import get


def own(name: str, path: str, **action) -> dict:
    return route(name, path, action={"cluster": None, **action})


def shared_out(name: str, path: str, weights: dict, sticky=None) -> dict:
    split = {"clusters": [{"cluster": cluster, "weight": weight} for cluster, weight in weights.items()]}
    return own(name, path, split=split | ({"sticky": sticky} if sticky else {}))


# path of the route, location, request target, Location that comes back
REDIRECTS = [
    ("/r1/*", "https://{host}{uri}", "/r1/a?b=c", "https://test.example/r1/a?b=c"),
    ("/r2/*", "{scheme}://new.example{path}?from={uri}", "/r2/a?b=c&d", "http://new.example/r2/a?from=/r2/a%3Fb%3Dc%26d"),
    ("/r3/{id}", "/users/{id}?m={method}", "/r3/a&b=c", "/users/a&b=c?m=GET"),
    ("/r4/{id}", "/find?q={id}&{query}", "/r4/a&b=c?x=1", "/find?q=a%26b%3Dc&x=1"),
    ("/*", "{path}", "//evil.example/x", "/evil.example/x"),
    ("/r5/*", "/to{path}", "/r5/%0d%0aSet-Cookie:%20a=b", "/to/r5/%0D%0ASet-Cookie:%20a=b"),
    ("/r6/*", "/to?{query}", "/r6/x?\"<>\\^`{|}", "/to?%22%3C%3E%5C%5E%60%7B%7C%7D"),
    ("/r7/*", "/to{{x}}", "/r7/x", "/to%7Bx%7D"),
]

# path of the route, rewrite, request target, what the origin gets: target, Host
REWRITES = [
    ("/w1/*", {"path": "/v2{path}"}, "/w1/a?b=c", "/v2/w1/a?b=c", "test.example"),
    ("/w2/{id}/x", {"path": "/items/{id}"}, "/w2/7/x?a", "/items/7?a", "test.example"),
    ("/w3/*", {"pattern": "^/w3/([a-z]+)/([0-9]+)", "replacement": "/\\2/\\1"}, "/w3/ab/12/rest", "/12/ab/rest", "test.example"),
    ("/w4/*", {"pattern": "^/nothing/", "replacement": "/x/"}, "/w4/a", "/w4/a", "test.example"),
    ("/w5/{tenant}/*", {"host": "{tenant}.internal:8080"}, "/w5/acme/a", "/w5/acme/a", "acme.internal:8080"),
    ("/w6/*", {"query": "who={client}&{query}"}, "/w6/a?b=c", "/w6/a?who=127.0.0.1&b=c", "test.example"),
    ("/w7/*", {"query": ""}, "/w7/a?b=c", "/w7/a", "test.example"),
    ("/w8/{id}", {"query": "id={id}"}, "/w8/1&admin=1", "/w8/1&admin=1?id=1%26admin%3D1", "test.example"),
]
HOSTILE_REWRITES = [
    ("/h0/*", {"path": "/x/{query}"}, "/h0/a?b/../c"),
    ("/h1/{name}", {"host": "{name}"}, "/h1/a@b:1:2"),
    ("/h2/*", {"path": "/x/{query}"}, "/h2/a?..%2f..%2fc"),
]


@pytest.fixture(scope="module")
def three():
    with Origin("one") as one, Origin("two") as two, Origin("three") as three:
        for origin in (one, two, three):
            @origin.on("/")
            async def say(exchange, label=origin.label):
                await exchange.body()
                await exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(label)}\r\n\r\n{label}".encode())
        yield one, two, three


@pytest.fixture(scope="module")
def policies(shared_origin, three):
    redirects = [own(f"redirect-{i}", path, redirect={"location": location}) for i, (path, location, _, _) in enumerate(REDIRECTS)]
    rewrites = [route(f"rewrite-{i}", path, rewrite=rewrite) for i, (path, rewrite, *_) in enumerate(REWRITES + HOSTILE_REWRITES)]
    with Gateway(
        clusters=[cluster("origin", shared_origin.address), *[cluster(o.label, o.address) for o in three]],
        routes=[
            *redirects, *rewrites,
            shared_out("chance", "/chance", {"one": 70, "two": 30}),
            shared_out("cookie", "/cookie", {"one": 1, "two": 1, "three": 0}, {"cookie": {"name": "branch", "max_age": "1h"}}),
            shared_out("header", "/header", {"one": 1, "two": 1}, {"header": "X-User"}),
            shared_out("address", "/address", {"one": 1, "two": 1, "three": 1}, {"address": True}),
            route("closed", "/closed", maintenance={"status": 503, "retry_after": "2m", "body": "back soon\n"}),
            own("closed-redirect", "/closed-redirect", redirect={"location": "/x{path}"}) | {"maintenance": {}},
        ],
    ) as gateway:
        yield gateway


@pytest.mark.parametrize("target,location", [row[2:] for row in REDIRECTS], ids=[row[0] for row in REDIRECTS])
def test_redirects(policies, target, location):
    answer = get(policies.port, target)
    assert (answer.status, answer.get("Location"), answer.get("Set-Cookie")) == (302, location, None)


@pytest.mark.parametrize("sent,received,host", [row[2:] for row in REWRITES], ids=[row[0] for row in REWRITES])
def test_rewrites(policies, origin, sent, received, host):
    """The origin gets the new target; who forwarded what is said of the old one."""
    assert get(policies.port, sent).status == 200
    seen = origin.wait_for(1)[0]
    assert (seen.target, seen.get("Host"), seen.get("X-Forwarded-Host")) == (received, host, "test.example")


@pytest.mark.parametrize("target", [row[2] for row in HOSTILE_REWRITES])
def test_hostile_rewrites(policies, origin, target):
    assert get(policies.port, target).status == 400
    assert origin.seen == []


def test_split_by_chance(policies):
    counts = Counter(get(policies.port, "/chance").body for _ in range(1000))
    assert set(counts) == {b"one", b"two"} and abs(counts[b"one"] / 1000 - 0.7) < 0.06, counts


def test_split_by_cookie(policies):
    """Told once; whoever brings the cookie stays, and is not told again. What is no cookie of ours counts as none."""
    counts = Counter()
    for _ in range(40):
        first = get(policies.port, "/cookie")
        value, attributes = first.get("Set-Cookie").split("; ", 1)
        assert attributes == "Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"
        counts[first.body] += 1
        for _ in range(5):
            again = get(policies.port, "/cookie", f"Cookie: a=b; {value}; c=d")
            assert (again.body, again.get("Set-Cookie")) == (first.body, None)
    assert set(counts) == {b"one", b"two"}
    for wrong in ("branch=", "branch=0123456789abcdef", "branch=0123456789ABCDEF", "branch=" + "f" * 17, "branch=g123456789abcdef"):
        assert get(policies.port, "/cookie", f"Cookie: {wrong}").get("Set-Cookie") is not None


def test_split_by_header_and_address(policies):
    by_user = {user: {get(policies.port, "/header", f"X-User: {user}").body for _ in range(4)} for user in range(40)}
    assert all(len(bodies) == 1 for bodies in by_user.values())
    assert {body for bodies in by_user.values() for body in bodies} == {b"one", b"two"}
    assert len({get(policies.port, "/address").body for _ in range(20)}) == 1


def test_maintenance(policies, origin):
    answer = get(policies.port, "/closed")
    assert (answer.status, answer.body, answer.get("Retry-After")) == (503, b"back soon\n", "120")
    assert answer.get("Content-Type") == "text/plain; charset=utf-8" and answer.get("Cache-Control") == "no-store"
    answer = get(policies.port, "/closed-redirect")
    assert (answer.status, answer.get("Retry-After"), answer.get("Location")) == (503, None, None)
    assert origin.seen == []


@pytest.mark.parametrize("changes,message", [
    (dict(action={"cluster": None, "redirect": {"location": "{id}"}}), "routes[0].action.redirect.location"),
    (dict(rewrite={"path": "/{nam}"}), "{path}"),
    (dict(rewrite={"path": "/x", "pattern": "a", "replacement": "b"}), "one of them"),
    (dict(rewrite={"pattern": "(", "replacement": "b"}), "RE2"),
    (dict(rewrite={"pattern": "a", "replacement": "\\1"}), "groups"),
    (dict(action={"cluster": None, "split": {"clusters": [{"cluster": "nobody"}]}}), "unknown cluster"),
    (dict(action={"cluster": None, "split": {"clusters": [{"cluster": "origin", "weight": 0}]}}), "weight"),
])
def test_refused(shared_origin, changes, message):
    """A mistake is told with its place when the configuration is read, and the gateway does not start with it."""
    said = Gateway(
        clusters=[cluster("origin", shared_origin.address)], routes=[merged(route("r", "/a"), changes)]).refused()
    assert message in said, said


def test_documented_examples_are_tested():
    """docs/routing.md shows nothing that is not in the tables above."""
    text = (ROOT / "docs/routing.md").read_text()
    for _, location, target, result in REDIRECTS[:4]:
        assert location in text and target in text and result in text
    for _, rewrite, target, result, _ in REWRITES[:3]:
        assert all(value in text for value in rewrite.values()) and target in text and result in text
