"""curl as a real client: what people type, with its own idea of HTTP/1.1.

Exact bytes are checked elsewhere; here the point is that a client which nobody of us wrote is content.
"""

import hashlib
import json
import subprocess

import pytest
from kit.behaviours import pattern
from kit.gateway import Gateway
from kit.ports import free_port


def curl(gateway, *arguments, stdin: bytes = b"") -> subprocess.CompletedProcess:
    words = [word.replace("GATEWAY", f"http://127.0.0.1:{gateway.port}") for word in arguments]
    result = subprocess.run(["curl", "-sS", "--max-time", "15", *words], input=stdin, capture_output=True, timeout=20)
    assert result.returncode == 0, result.stderr.decode()
    return result


def test_get(gateway, origin):
    out = json.loads(curl(gateway, "GATEWAY/hello?x=1").stdout)
    assert out["head"].startswith("GET /hello?x=1 HTTP/1.1")


def test_head(gateway, origin):
    out = curl(gateway, "-I", "GATEWAY/bytes/77").stdout.decode()
    assert out.startswith("HTTP/1.1 200") and "Content-Length: 77" in out


@pytest.mark.parametrize("arguments", [(), ("-H", "Expect: 100-continue", "--expect100-timeout", "5")])
def test_put_of_a_file(gateway, origin, tmp_path, arguments):
    file = tmp_path / "upload"
    file.write_bytes(pattern(2_500_000))
    out = json.loads(curl(gateway, "-T", str(file), *arguments, "GATEWAY/put").stdout)
    assert (out["body_bytes"], out["sha256"]) == (2_500_000, hashlib.sha256(pattern(2_500_000)).hexdigest())


def test_chunked_upload_from_a_pipe(gateway, origin):
    out = json.loads(curl(gateway, "-T", "-", "GATEWAY/put", stdin=pattern(300_000)).stdout)
    assert (out["body_bytes"], out["chunked"]) == (300_000, True)


def test_form_with_a_file(gateway, origin, tmp_path):
    (tmp_path / "f.txt").write_text("content")
    out = json.loads(curl(gateway, "-F", f"file=@{tmp_path}/f.txt", "-F", "a=b", "GATEWAY/form").stdout)
    assert out["body_bytes"] > 100 and "multipart/form-data" in out["head"]


def test_http_1_0(gateway, origin):
    assert curl(gateway, "--http1.0", "GATEWAY/chunked/70000").stdout == pattern(65536) + pattern(4464)


def test_as_a_forward_style_request(gateway, origin):
    """curl speaks to us as to a proxy: absolute-form."""
    out = json.loads(curl(gateway, "-x", "GATEWAY", "http://shop.example/item?id=7").stdout)
    assert out["head"].startswith("GET /item?id=7 HTTP/1.1") and "Host: shop.example" in out["head"]


def test_connection_reuse(gateway, origin):
    out = curl(gateway, "-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ", "GATEWAY/1", "GATEWAY/2", "GATEWAY/3")
    assert out.stdout.split() == [b"1", b"0", b"0"]


def test_unix_listener_and_ipv6_and_wildcard(shared_origin, origin):
    plain, port6, port_any = Gateway(to=shared_origin), free_port(), free_port()
    path = plain.folder / "public.sock"
    plain.write(listeners=[*plain.config["listeners"], {"address": f"unix:{path}"}, {"address": f"[::1]:{port6}"}, {"address": f"*:{port_any}"}])
    with plain:
        for arguments in (("--unix-socket", str(path), "http://a.example/u"), (f"http://[::1]:{port6}/u",), (f"http://127.0.0.1:{port_any}/u",)):
            assert json.loads(curl(plain, *arguments).stdout)["head"].startswith("GET /u HTTP/1.1")
    assert [seen.get("X-Forwarded-For") for seen in origin.seen][1:] == ["::1", "127.0.0.1"]
