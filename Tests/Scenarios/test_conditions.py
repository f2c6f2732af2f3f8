"""Conditions (`when`) of routes and of plugin bindings, asked in the worker: every attribute of docs/rules.md against a real request. A route
whose condition is true answers "yes", else the route behind it answers "no".
"""

import pytest
from kit.fixtures import compiled, plugin
from kit.gateway import Gateway, route
from kit.metrics import Metrics
from kit.rawclient import RawClient, get

# Condition, target of the request, header lines, whether it holds.
CASES = [
    ('request.method == "GET"', "/c{n}", [], True),
    ('request.method == "POST"', "/c{n}", [], False),
    ('request.path == "/c{n}?a=1"', "/c{n}?a=1", [], True),
    ('request.url_path == "/c{n}"', "/c{n}?a=1", [], True),
    ('request.query == "a=1&b=2"', "/c{n}?a=1&b=2", [], True),
    ('request.query == ""', "/c{n}", [], True),
    ('request.host == "test.example"', "/c{n}", [], True),
    ('request.scheme == "http"', "/c{n}", [], True),
    ('request.protocol == "HTTP/1.1"', "/c{n}", [], True),
    ('request.headers["x-beta"] == "1"', "/c{n}", ["X-Beta: 1"], True),
    ('request.headers["x-beta"] == "1"', "/c{n}", ["X-Beta: 2"], False),
    ('request.headers["x-beta"] == "1"', "/c{n}", [], False),
    ('!("x-beta" in request.headers)', "/c{n}", [], True),
    ('request.headers["x-two"] == "a,b"', "/c{n}", ["X-Two: a", "x-two: b"], True),
    ('request.headers.exists(k, k == "x-thing")', "/c{n}", ["X-THING: 9"], True),
    ('request.headers.all(k, k != "x-thing")', "/c{n}", [], True),
    ('request.useragent.startsWith("probe/")', "/c{n}", ["User-Agent: probe/1"], True),
    ('request.referer == "http://a/"', "/c{n}", ["Referer: http://a/"], True),
    ('request.cookies["group"] == "beta"', "/c{n}", ["Cookie: a=1; group=beta"], True),
    ('request.cookies["group"] == "beta"', "/c{n}", ["Cookie: a=1", "Cookie: group=beta"], True),
    ('request.cookies["group"] == "beta"', "/c{n}", ["Cookie: group=alpha; group=beta"], False),
    ("size(request.cookies) == 2", "/c{n}", ["Cookie: a=1; b=2; a=3"], True),
    ("size(request.cookies) == 3", "/c{n}", ["Cookie: a=1; b=2", "X: y", "Cookie: a=3; c=4"], True),
    ('request.cookies.exists(k, k == "c")', "/c{n}", ["Cookie: a=1", "Cookie: c=4"], True),
    ("dyn(request.method) == 'GET'", "/c{n}", [], True),
    ("dyn(true)", "/c{n}", [], True),
    ("dyn(1)", "/c{n}", [], False),
    ('request.args["q"] == "x y"', "/c{n}?q=x%20y", [], True),
    ('request.args["q"] == "x y"', "/c{n}?q=x+y", [], True),
    ('request.args.exists(k, k == "é")', "/c{n}?%C3%A9=1", [], True),
    ('has(request.args.q)', "/c{n}?r=1", [], False),
    ("request.size == 0 || request.size == -1", "/c{n}", [], True),
    ('source.address == ip("127.0.0.1")', "/c{n}", [], True),
    ('source.address in ipset("local")', "/c{n}", [], True),
    ('source.address in ipset("office")', "/c{n}", [], False),
    ('cidr("127.0.0.0/8").containsIP(source.address)', "/c{n}", [], True),
    ("source.port > 1023", "/c{n}", [], True),
    ('destination.address == ip("127.0.0.1")', "/c{n}", [], True),
    ("destination.port > 1023", "/c{n}", [], True),
    ('connection.tls_version == "" && !connection.mtls', "/c{n}", [], True),
    ('consumer.name == ""', "/c{n}", [], True),
    ("request.time > timestamp('2020-01-01T00:00:00Z')", "/c{n}", [], True),
    ('request.url_path.matches("^/c[0-9]+$")', "/c{n}", [], True),
    ('request.headers["n"] == "1" || request.method == "GET"', "/c{n}", [], True),
    ('request.headers["n"] == "1" && request.method == "GET"', "/c{n}", [], False),
    ('int(request.args["n"]) % 2 == 1', "/c{n}?n=3", [], True),
    ('int(request.args["n"]) % 2 == 1', "/c{n}?n=x", [], False),
]


def answering(name: str, path: str, text: str, **keys) -> dict:
    match = {"paths": [path], **keys.pop("match", {})}
    return {"id": name, "match": match, "action": {"respond": {"status": 200, "body": text}}, **keys}


@pytest.fixture(scope="module")
def conditional(shared_origin):
    routes = [answering("rest", "/*", "no")]
    for n, (condition, *_) in enumerate(CASES):
        routes.append(answering(f"case{n}", f"/c{n}", "yes", match={"when": condition.replace("{n}", str(n))}))
    with Gateway(
        to=shared_origin, routes=routes,
        ip_sets=[{"id": "local", "addresses": ["127.0.0.0/8"]}, {"id": "office", "addresses": ["10.0.0.0/8", "fd00::/8"]}],
    ) as gateway:
        yield gateway


@pytest.mark.parametrize("n", range(len(CASES)))
def test_attribute(conditional, n):
    _, target, lines, expected = CASES[n]
    answer = get(conditional.port, target.replace("{n}", str(n)), *lines)
    assert (answer.status, answer.body) == (200, b"yes" if expected else b"no")


def test_a_condition_is_asked_for_each_request_of_a_connection(conditional):
    n = next(i for i, case in enumerate(CASES) if case[0] == 'request.headers["x-beta"] == "1"')
    with RawClient(conditional.port) as client:
        for value in (b"1", b"2", b"1", b"", b"1"):
            client.send(b"GET /c%d HTTP/1.1\r\nHost: test.example\r\nX-Beta: %s\r\n\r\n" % (n, value))
            assert client.response().body == (b"yes" if value == b"1" else b"no")


@pytest.mark.parametrize("condition,found", [
    ('request.metod == "GET"', "request.method"),
    ("request.method == 1", "int"),
    ("request.method", "bool"),
    ('request.method == "GET', "match.when"),
    ('source.address in ipset("offce")', "office"),
    ('request.path.matches("(")', "match.when"),
    ("response.code == 200", "response.code"),
])
def test_a_wrong_condition_is_refused_with_its_place(shared_origin, condition, found):
    gateway = Gateway(
        to=shared_origin, routes=[answering("a", "/*", "x", match={"when": condition})],
        ip_sets=[{"id": "office", "addresses": ["10.0.0.0/8"]}])
    said = gateway.refused()
    assert found in said and "match.when" in said, said


LIBRARY = """
#include <sluice/sluice.h>
SLUICE_EXPORT sluice_view country(sluice_ip a) { return a.bytes[12] == 127 ? SLUICE_VIEW("here") : SLUICE_VIEW("there"); }
SLUICE_EXPORT int32_t longer(sluice_view text, int64_t than) { return (int64_t)text.size > than; }
SLUICE_EXPORT sluice_view nothing(void) { return (sluice_view){NULL, 0}; }
"""


def test_typed_functions_of_libraries(shared_origin, tmp_path):
    """By libffi, with values of the request; a function that gives nothing is an error, so the condition is false."""
    library = str(compiled(tmp_path, "geo", LIBRARY))
    functions = [
        {"library": library, "symbol": symbol, "name": f"geo.{symbol}", "signature": signature}
        for symbol, signature in (("nothing", "string()"), ("longer", "bool(string, int)"), ("country", "string(ip)"))]
    cases = [
        ('geo.country(source.address) == "here"', True), ('geo.country(ip("10.0.0.1")) == "here"', False),
        ("geo.longer(request.url_path, 2)", True), ("geo.longer(request.url_path, 3)", False), ('geo.nothing() == ""', False),
        ('geo.nothing() == "" || geo.longer("abc", 1)', True),
    ]
    routes = [answering("rest", "/*", "no")] + [
        answering(f"case{n}", f"/c{n}", "yes", match={"when": condition}) for n, (condition, _) in enumerate(cases)]
    with Gateway(to=shared_origin, routes=routes, functions=functions) as gateway:
        for n, (condition, expected) in enumerate(cases):
            assert get(gateway.port, f"/c{n}").body == (b"yes" if expected else b"no"), condition
    said = Gateway(to=shared_origin, functions=functions, routes=[
        answering("a", "/a", "x", match={"when": "geo.country(request.method) == 'x'"})]).refused()
    assert "geo.country(ip)" in said and "geo.country(string)" in said, said


def test_only_what_is_unusual_counts_as_an_error(shared_origin):
    """A request without the header is no fault of the condition; a number that is none is."""
    routes = [
        answering("rest", "/*", "no"), answering("key", "/key", "yes", match={"when": 'request.headers["x"] == "1"'}),
        answering("number", "/number", "yes", match={"when": 'int(request.args["n"]) == 1'})]
    with Gateway(to=shared_origin, routes=routes) as gateway:
        def errors():
            return Metrics(gateway.admin("GET", "/metrics").body.decode()).value("sluice_condition_errors_total")
        assert get(gateway.port, "/key").body == b"no" and errors() == 0
        assert get(gateway.port, "/number?n=one").body == b"no" and errors() == 1


def test_conditions_of_bindings_and_of_maintenance(shared_origin, origin):
    """A binding whose condition is false is not there for any of its hooks; `unless` lets requests through a closed route."""
    key = {"name": "key-auth", "config": {"header": "X-Key", "keys": [{"key": "right", "consumer": "ann"}]},
           "when": '!(source.address in ipset("local")) || request.headers["x-check"] == "1"'}
    with Gateway(
        to=shared_origin, plugins=[plugin("key-auth")], ip_sets=[{"id": "local", "addresses": ["127.0.0.0/8"]}],
        routes=[
            route("guarded", "/guarded", plugins=[key]),
            route("closed", "/closed", maintenance={"unless": 'request.headers["x-key"] == "right"', "retry_after": "1m"}),
        ], allow="key-auth",
    ) as gateway:
        assert get(gateway.port, "/guarded").status == 200
        assert get(gateway.port, "/guarded", "X-Check: 1").status == 401
        assert get(gateway.port, "/guarded", "X-Check: 1", "X-Key: right").status == 200
        closed = get(gateway.port, "/closed")
        assert (closed.status, closed.get("Retry-After")) == (503, "60")
        assert get(gateway.port, "/closed", "X-Key: right").status == 200


def test_bindings_of_a_consumer_run_behind_the_routes(shared_origin, origin):
    """A plugin of the route finds out who calls; the consumer's own plugins, and its labels, count for its requests only."""
    auth = {"name": "key-auth", "config": {"header": "X-Key", "keys": [{"key": "a", "consumer": "ann"}, {"key": "b", "consumer": "bob"}]}}
    mark = {"name": "header-transform", "config": {"response": {"set": {"X-Plan": "gold"}}}, "when": 'consumer.labels["plan"] == "gold"'}
    with Gateway(
        to=shared_origin, plugins=[plugin("key-auth"), plugin("header-transform")], routes=[route("all", "/*", plugins=[auth])],
        consumers=[
            {"id": "ann", "labels": {"plan": "gold"}, "plugins": [mark]}, {"id": "bob", "labels": {"plan": "tin"}, "plugins": [mark]}],
    ) as gateway:
        assert get(gateway.port, "/", "X-Key: a").get("X-Plan") == "gold"
        assert get(gateway.port, "/", "X-Key: b").get("X-Plan") is None
        assert get(gateway.port, "/").status == 401
