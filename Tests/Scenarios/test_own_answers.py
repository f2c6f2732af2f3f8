"""Answers that the gateway or a plugin makes itself go through header filters and body filters alike: what a header filter says of a body
(its coding, say) is true of every body. The filter here puts brackets around the body and says so.
"""

import pytest
from kit.fixtures import KEYS, compiled, plugin
from kit.gateway import Gateway, cluster, route
from kit.ports import free_port
from kit.rawclient import RawClient, get

HOST = b"Host: test.example\r\n"

BRACKETS = r"""
#include <sluice/sluice.h>
#include <string.h>
static const sluice_response_v1 *response;
static const sluice_body_v1 *body;
static const sluice_request_v1 *request;
static int32_t header_filter(void *instance, sluice_response *r) {
  return response->set_header(r, SLUICE_VIEW("Content-Encoding"), SLUICE_VIEW("brackets"));
}
static int32_t body_filter(void *instance, sluice_body *b) {
  sluice_view chunk, path;
  static char text[70000];
  body->chunk(b, &chunk);
  request->attribute(body->request(b), SLUICE_ATTRIBUTE_PATH, &path);
  if (memmem(path.data, path.size, "fail", 4)) return SLUICE_EFAULT;
  if (!body->is_last(b)) return SLUICE_CONTINUE;
  text[0] = '[';
  memcpy(text + 1, chunk.data, chunk.size);
  text[chunk.size + 1] = ']';
  return body->replace(b, sluice_view_of(text, chunk.size + 2));
}
static int32_t init(const sluice_host *host, void **state) {
  response = host->get_extension(host, SLUICE_RESPONSE_1);
  body = host->get_extension(host, SLUICE_BODY_1);
  request = host->get_extension(host, SLUICE_REQUEST_1);
  return response && body && request ? SLUICE_OK : SLUICE_ENOTFOUND;
}
static const void *get_extension(void *state, const char *id) {
  static const sluice_filter_v1 filter = {.size = sizeof filter, .header_filter = header_filter, .body_filter = body_filter};
  return strcmp(id, SLUICE_FILTER_1) ? NULL : &filter;
}
SLUICE_PLUGIN(init, NULL, get_extension)
SLUICE_MANIFEST("{\"name\":\"brackets\",\"version\":\"1.0.0\",\"abi\":1,\"phases\":[\"header_filter\",\"body_filter\"]}")
"""


@pytest.fixture(scope="module")
def bracketed(shared_origin, tmp_path_factory):
    file = compiled(tmp_path_factory.mktemp("brackets"), "brackets", "#define _GNU_SOURCE\n" + BRACKETS)
    own = {"cluster": None, "respond": {"status": 200, "body": "own\n"}}
    with Gateway(
        plugins=[{"name": "brackets", "path": str(file)}, plugin("key-auth")], global_plugins=[{"name": "brackets"}], allow="plugin brackets",
        clusters=[cluster("origin", shared_origin.address), cluster("dead", f"127.0.0.1:{free_port()}", connect_timeout="1s")],
        routes=[
            route("own", "/own", action=own), route("fail", "/own/fail", action=own),
            route("empty", "/empty", action={**own, "respond": {"status": 204}}),
            route("long", "/long", action={**own, "respond": {"status": 200, "body": "x" * 60_000}}), route("dead", "/dead", to="dead"),
            route("private", "/private", plugins=[{"name": "key-auth", "config": KEYS}]), route("everything", "/bytes/*"),
        ],
    ) as gateway:
        yield gateway


@pytest.mark.parametrize("target,status,start", [
    ("/own", 200, b"[own\n]"), ("/long", 200, b"[" + b"x" * 100), ("/dead", 502, b"[502"), ("/private", 401, b"[an API key"),
])
def test_filters_see_them(bracketed, target, status, start):
    answer = get(bracketed.port, target)
    assert (answer.status, answer.get("Content-Encoding")) == (status, "brackets")
    assert answer.body.startswith(start) and answer.body.endswith(b"]") and answer.get("Content-Length") == str(len(answer.body))


def test_no_route_no_chain(bracketed):
    """Only global plugins there are; they belong to routes, and this request has none."""
    answer = get(bracketed.port, "/nowhere")
    assert (answer.status, answer.get("Content-Encoding")) == (404, None) and b"[" not in answer.body


@pytest.mark.parametrize("target,method,status", [("/own", "HEAD", 200), ("/empty", "GET", 204), ("/private", "HEAD", 401)])
def test_without_a_body(bracketed, target, method, status):
    """Their filter has nothing to see; HEAD says no length, for nobody knows it."""
    with RawClient(bracketed.port) as client:
        for _ in range(2):
            client.send(f"{method} {target} HTTP/1.1\r\n".encode() + HOST + b"\r\n")
            answer = client.response(method)
            assert (answer.status, answer.body, answer.get("Content-Length")) == (status, b"", None)


def test_filter_that_fails_lets_nothing_out(bracketed):
    answer = get(bracketed.port, "/own/fail")
    assert answer.status == 500 and b"own" not in answer.body and answer.get("Content-Encoding") is None
    assert get(bracketed.port, "/own").status == 200
