"""The admin API and the dyups listener: views, counts that equal what was done, errors as problem+json.

Loading plugins is in `test_plugin_loading.py`, reloading in `test_reload.py`.
"""

import json
import os
import signal
import socket
import urllib.request

import pytest
from kit.fixtures import KEYS, plugin
from kit.gateway import Gateway, route
from kit.metrics import Metrics
from kit.rawclient import RawClient, get, once
from kit.wait import until

HOST = b"Host: test.example\r\n"


@pytest.fixture
def counted(shared_origin, origin):
    routes = [
        route("one", "/one/*"), route("two", "/two"), route("own", "/own", action={"cluster": None, "respond": {"status": 200, "body": "own\n"}}),
        route("status", "/status/*"),
    ]
    with Gateway(to=shared_origin, workers=2, routes=routes) as gateway:
        yield gateway


def test_healthz_and_status(counted):
    assert counted.admin("GET", "/healthz").body.strip() == b"ok"
    status = counted.admin("GET", "/v1/status").json
    assert status["revision"] >= 1 and status["version"]
    assert [worker["worker"] for worker in status["workers"]] == [0, 1]
    assert [worker["pid"] for worker in status["workers"]] == counted.workers()
    assert {worker["revision"] for worker in status["workers"]} == {status["revision"]}


def test_metrics_count_what_was_done(counted):
    """Requests by route and class, exactly; a new connection each, so that both workers get some."""
    todo = [("/one/a", 7, "one", "2xx"), ("/two", 5, "two", "2xx"), ("/own", 4, "own", "2xx"), ("/status/404", 3, "status", "4xx"),
            ("/status/503", 2, "status", "5xx"), ("/status/304", 6, "status", "3xx"), ("/nothing", 8, "", "4xx")]
    before = Metrics.of(counted)
    for target, count, _, _ in todo:
        for _ in range(count):
            get(counted.port, target)
    total = sum(count for _, count, _, _ in todo)
    until(lambda: Metrics.of(counted).sum("sluice_requests_total") - before.sum("sluice_requests_total") == total, 3, "all requests to be counted")
    after = Metrics.of(counted)
    for _, count, name, kind in todo:
        labels = {"route": name, "class": kind}
        grown = after.value("sluice_requests_total", **labels) - before.value("sluice_requests_total", **labels)
        assert grown == count, (name, kind, grown)
    histogram = "sluice_request_duration_seconds"
    assert after.value(histogram + "_count") - before.value(histogram + "_count") == total
    buckets = [value for _, value in after.all(histogram + "_bucket")]
    assert buckets == sorted(buckets) and buckets[-1] == after.value(histogram + "_count")
    assert after.value(histogram + "_sum") > before.value(histogram + "_sum")
    assert after.value("sluice_client_connections_total") - before.value("sluice_client_connections_total") >= total


def test_gauges_follow_connections(counted, origin):
    base = Metrics.of(counted).value("sluice_client_connections")
    clients = [RawClient(counted.port) for _ in range(12)]
    until(lambda: Metrics.of(counted).value("sluice_client_connections") == base + 12, 3, "12 connections")
    for client in clients:
        client.send(b"GET /one/slow HTTP/1.1\r\n" + HOST)
    for client in clients:
        client.socket.close()
    until(lambda: Metrics.of(counted).value("sluice_client_connections") == base, 3, "them to be gone")


def test_active_requests(counted, origin):
    with RawClient(counted.port) as client:
        client.send(b"POST /one/up HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nab")
        until(lambda: Metrics.of(counted).value("sluice_requests_active") == 1, 3, "one active request")
        client.send(b"cd")
        assert client.response().status == 200
    until(lambda: Metrics.of(counted).value("sluice_requests_active") == 0, 3, "none")


def test_parse_errors_and_retries_are_counted(counted, origin):
    before = Metrics.of(counted)
    for _ in range(3):
        once(counted.port, b"GET / HTTP/1.1\r\nBad Line\r\n\r\n")
    until(lambda: Metrics.of(counted).value("sluice_parse_errors_total") == before.value("sluice_parse_errors_total") + 3, 3, "three parse errors")


def test_counts_survive_a_control_restart(counted):
    counted.allow = "died of signal"
    for _ in range(9):
        get(counted.port, "/own")
    until(lambda: Metrics.of(counted).sum("sluice_requests_total", route="own") == 9, 3, "the counts")
    control = counted.control()
    os.kill(control, signal.SIGKILL)
    until(lambda: counted.control() not in (None, control) and counted.is_healthy(), 10, "the successor")
    assert Metrics.of(counted).sum("sluice_requests_total", route="own") == 9


@pytest.mark.parametrize("method,path,status,allow", [
    ("GET", "/", 404, None), ("GET", "/v1", 404, None), ("GET", "/v1/nothing", 404, None), ("GET", "/v1/plugins/a/b", 404, None),
    ("POST", "/metrics", 405, "GET"),
    ("DELETE", "/v1/status", 405, "GET"), ("GET", "/v1/reload", 405, "POST"), ("GET", "/v1/plugins/load", (404, 405), None),
    ("PUT", "/healthz", 405, "GET"),
])
def test_errors_are_problems(counted, method, path, status, allow):
    answer = counted.admin(method, path)
    assert answer.status in (status if isinstance(status, tuple) else (status,)), answer
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem = answer.json
    assert problem["status"] == answer.status and problem["title"] and problem["type"] and problem["detail"]
    if allow:
        assert allow in answer.headers["Allow"]


def test_config_view_has_no_secrets(shared_origin, origin):
    with Gateway(to=shared_origin, plugins=[plugin("key-auth")], global_plugins=[{"name": "key-auth", "config": KEYS}]) as gateway:
        answer = gateway.admin("GET", "/v1/config")
        assert answer.status == 200 and "secret-1" not in answer.body.decode()
        assert "ann" in answer.body.decode(), "only the secret is masked"
        assert json.loads(answer.body)["listeners"][0]["address"] == f"127.0.0.1:{gateway.port}"


def test_garbage_at_the_admin_port_does_no_harm(counted):
    for raw in (b"\x00" * 100, b"GET / HTTP/9.9\r\n\r\n", b"POST /v1/reload HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"X" * 200_000):
        with socket.create_connection(("127.0.0.1", counted.admin_port), timeout=2) as client:
            try:
                client.sendall(raw)
                client.recv(100)
            except OSError:
                pass
    assert counted.admin("GET", "/healthz").status == 200
    assert get(counted.port, "/own").status == 200


def test_many_admin_clients_at_once(counted):
    clients = [socket.create_connection(("127.0.0.1", counted.admin_port), timeout=2) for _ in range(100)]
    assert counted.admin("GET", "/healthz").status == 200
    for client in clients:
        client.close()


def test_dyups_is_announced_but_not_there_yet(counted):
    request = urllib.request.Request(f"http://127.0.0.1:{counted.dyups_port}/detail")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)
    with refused.value as answer:
        assert answer.code == 501 and answer.read()


def test_admin_off(shared_origin, origin):
    with Gateway(to=shared_origin, admin={"listen": "off"}, dyups={"listen": "off"}, allow="control process .* died of signal 15") as gateway:
        assert get(gateway.port).status == 200
