"""The access log in both forms and the error log: lines that parse, match what happened, and cannot be forged.

Reopening is in `test_signals.py`.
"""

import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from kit.fixtures import KEYS, plugin
from kit.gateway import Gateway, route
from kit.rawclient import RawClient, get, once
from kit.wait import until

HOST = b"Host: test.example\r\n"
COMBINED = re.compile(
    r'^(?P<client>\S+) - (?P<user>\S+) \[(?P<time>[^\]]+)\] "(?P<line>[^"]*)" (?P<status>\d{3}) (?P<bytes>\d+)'
    r' "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"$'
)
ERROR = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|notice|warn|error) [a-z]+( \d+)?\[\d+\]: .+$")


def logging(form: str):
    @pytest.fixture(scope="module")
    def gateway(shared_origin, tmp_path_factory):
        path = tmp_path_factory.mktemp("log") / "access.log"
        with Gateway(
            to=shared_origin, log={"access": {"format": form, "path": str(path)}}, plugins=[plugin("key-auth"), plugin("request-id")],
            global_plugins=[{"name": "request-id"}],
            routes=[route("private", "/private/*", plugins=[{"name": "key-auth", "config": KEYS}]), route("everything", "/*")],
        ) as gateway:
            gateway.access_log = path
            yield gateway
    return gateway


combined, as_json = logging("combined"), logging("json")


def lines_of(gateway, mark: str, count: int = 1) -> list:
    def found():
        lines = [line for line in gateway.access_log.read_bytes().split(b"\n") if mark.encode() in line]
        return lines if len(lines) >= count else None
    encoding = {"combined": "ascii", "json": "utf-8"}[gateway.config["log"]["access"]["format"]]
    return [line.decode(encoding) for line in until(found, 4, f"{count} lines with {mark}")]


def test_combined_line(combined, origin):
    answer = get(combined.port, "/bytes/1234?mark=c1", "Referer: https://ref.example/", "User-Agent: tester/1")
    assert len(answer.body) == 1234
    line = COMBINED.match(lines_of(combined, "mark=c1")[0])
    assert (line["client"], line["user"], line["line"], line["status"]) == ("127.0.0.1", "-", "GET /bytes/1234?mark=c1 HTTP/1.1", "200")
    assert (line["bytes"], line["referer"], line["agent"]) == ("1234", "https://ref.example/", "tester/1")
    when = datetime.strptime(line["time"], "%d/%b/%Y:%H:%M:%S %z")
    assert abs(datetime.now(timezone.utc) - when) < timedelta(seconds=10)


@pytest.mark.parametrize("target,lines,status,user", [
    ("/status/404?mark=c2", [], "404", "-"), ("/private/x?mark=c3", [], "401", "-"), ("/private/x?mark=c4", ["X-Api-Key: secret-2"], "200", "bob"),
])
def test_combined_status_and_consumer(combined, origin, target, lines, status, user):
    get(combined.port, target, *lines)
    line = COMBINED.match(lines_of(combined, target.split("?")[1])[0])
    assert (line["status"], line["user"]) == (status, user)


def test_json_line(as_json, origin):
    with RawClient(as_json.port) as client:
        head = b"POST /slow/60?mark=j1 HTTP/1.1\r\nHost: Shop.example:99\r\nReferer: r\r\nUser-Agent: ua\r\n"
        client.send(head + b"Content-Length: 5\r\n\r\nhello")
        answer = client.response()
    line = json.loads(lines_of(as_json, "mark=j1")[0])
    assert (line["client"], line["method"], line["target"], line["status"]) == ("127.0.0.1", "POST", "/slow/60?mark=j1", 200)
    assert (line["protocol"], line["bytes_received"], line["bytes_sent"]) == ("HTTP/1.1", 5, len(answer.body))
    assert line["host"].lower().startswith("shop.example") and (line["referer"], line["user_agent"]) == ("r", "ua")
    target = as_json.config["clusters"][0]["targets"][0]["address"]
    assert (line["route"], line["cluster"], line["upstream"], line["retries"]) == ("everything", "origin", target, 0)
    assert 55_000 < line["upstream_us"] <= line["duration_us"] < 5_000_000
    assert line["request_id"] == answer.get("X-Request-Id")
    when = datetime.fromisoformat(line["time"].replace("Z", "+00:00"))
    assert abs(datetime.now(timezone.utc) - when) < timedelta(seconds=10)


def test_every_request_has_exactly_one_line(as_json, origin):
    with RawClient(as_json.port) as client:
        client.send(b"".join(b"GET /%d?mark=many HTTP/1.1\r\n" % number + HOST + b"\r\n" for number in range(300)))
        for _ in range(300):
            client.response()
    lines = [json.loads(line) for line in lines_of(as_json, "mark=many", 300)]
    assert [line["target"] for line in lines] == [f"/{number}?mark=many" for number in range(300)]


def test_refused_requests_are_logged_too(as_json, origin):
    once(as_json.port, b"GET /bad?mark=r1 HTTP/1.1\r\n" + HOST + b"Content-Length: x\r\n\r\n")
    assert json.loads(lines_of(as_json, "mark=r1")[0])["status"] == 400


def test_client_that_left_is_logged(as_json, origin):
    """499 is what nginx calls it; whatever the number, the request must not vanish."""
    client = RawClient(as_json.port)
    client.send(b"GET /never?mark=l1 HTTP/1.1\r\n" + HOST + b"\r\n")
    origin.wait_for(1)
    client.socket.close()
    assert json.loads(lines_of(as_json, "mark=l1")[0])["status"] in (0, 499)


HOSTILE = ['quo"te', "back\\slash", "\xe9\xff\x80", "tab\there", '"} {"forged":"1', "<script>", "%0d%0a", "x" * 4000]


@pytest.mark.parametrize("number,value", list(enumerate(HOSTILE)), ids=[repr(value)[:20] for value in HOSTILE])
def test_hostile_bytes(combined, as_json, origin, number, value):
    """Whatever a client sends, a line stays one line with the same fields."""
    for gateway in (combined, as_json):
        get(gateway.port, f"/?mark=h{number}.", f"User-Agent: {value}", f"Referer: {value}")
        line = lines_of(gateway, f"mark=h{number}.")[0]
        if gateway is combined:
            fields = COMBINED.match(line)
            assert fields, line
            assert fields["line"] == f"GET /?mark=h{number}. HTTP/1.1"
        else:
            fields = json.loads(line)
            assert list(fields).count("forged") == 0 and fields["target"] == f"/?mark=h{number}."
            if len(value) < 1000 and value.isascii():
                assert (fields["user_agent"], fields["referer"]) == (value, value)


def test_hostile_target(combined, as_json, origin):
    for gateway in (combined, as_json):
        get(gateway.port, '/?mark=t1&"}],\\x&\'')
        line = lines_of(gateway, "mark=t1")[0]
        if gateway is combined:
            assert COMBINED.match(line), line
        else:
            assert json.loads(line)["target"] == '/?mark=t1&"}],\\x&\''


def test_error_log_lines_have_one_shape(shared_origin, origin):
    with Gateway(to=shared_origin, timeouts={"response": "300ms"}) as gateway:
        assert get(gateway.port, "/never").status == 504
        once(gateway.port, b"GET / HTTP/1.1\r\nBad Line\r\n\r\n")
        line = until(lambda: [line for line in gateway.log().splitlines() if "timed out" in line], 3, "the upstream's timeout in the log")[0]
        assert "while" in line and "client 127.0.0.1" in line and "route everything" in line and f"target {shared_origin.address}" in line
        odd = [line for line in gateway.log().splitlines() if not ERROR.match(line)]
        assert odd == []


def test_error_log_level(shared_origin, origin):
    with Gateway(to=shared_origin, log={"level": "error"}) as gateway:
        get(gateway.port)
        gateway.stop()
        assert [line for line in gateway.log().splitlines() if " notice " in line or " info " in line] == []


def test_header_values_stay_out_of_the_error_log(shared_origin, origin):
    with Gateway(to=shared_origin, timeouts={"response": "300ms"}, log={"level": "debug"}) as gateway:
        get(gateway.port, "/never", "Authorization: Bearer TOPSECRET", "Cookie: TOPSECRET")
        once(gateway.port, b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: TOPSECRET\x00\r\n\r\n")
        until(lambda: "timed out" in gateway.log(), 3, "the timeout")
        assert "TOPSECRET" not in gateway.log()
