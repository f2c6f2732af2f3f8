"""Sends load: one checked request, and bounded runs of wrk, h2load or the TLS handshake program, with what they said as
numbers. Nothing here knows how a proxy is started. Read bench.py next."""
import json
import re
import socket
import ssl
import subprocess
import time

from peer import BENCH, cpu0, cpu_of


def token():
    with open(f"{BENCH}/peers/token.txt") as f:
        return f.read().strip()


def fetch(peer, sc):
    """(head, body) of one request of the scenario."""
    s = socket.create_connection(("127.0.0.1", peer.port + (1 if sc.get("tls") else 0)), 5)
    if sc.get("tls"):
        ctx = ssl.create_default_context()
        ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
        s = ctx.wrap_socket(s, server_hostname="localhost")
    body = b"x" * 1024 if sc.get("method") == "POST" else b""
    head = f"{sc.get('method', 'GET')} {sc['path']} HTTP/1.1\r\nHost: {sc.get('host', 'localhost')}\r\nConnection: close\r\n"
    if body:
        head += f"Content-Length: {len(body)}\r\n"
    if sc.get("token"):
        head += f"Authorization: Bearer {token()}\r\n"
    s.sendall(head.encode() + b"\r\n" + body)
    got = []
    try:
        while d := s.recv(1 << 18):
            got.append(d)
    except ssl.SSLError:
        pass
    s.close()
    h, _, b = b"".join(got).partition(b"\r\n\r\n")
    return h.decode("latin1"), b


def check(peer, sc):
    """The head of the answer; raises when the proxy does not answer as the scenario says."""
    h, b = fetch(peer, sc)
    if " 200 " not in h.split("\r\n")[0]:
        raise RuntimeError(f"{peer.name}: {h[:300]!r}")
    if sc["size"] and len(b) != sc["size"]:
        raise RuntimeError(f"{peer.name}: body of {len(b)} bytes, expected {sc['size']}: {h}")
    return h


def command(peer, sc, secs):
    port = peer.port + (1 if sc.get("tls") else 0)
    url = f"{'https' if sc.get('tls') else 'http'}://127.0.0.1:{port}{sc['path']}"
    headers = list(sc.get("headers", []))
    if sc.get("token"):
        headers.append(f"Authorization: Bearer {token()}")
    if sc["gen"] == "wrk":
        c = ["wrk", "-t1", f"-c{sc['conns']}", f"-d{secs}", "--latency", "-s", f"{BENCH}/load/{sc.get('script', 'report.lua')}"]
        for h in headers:
            c += ["-H", h]
        return c + [url]
    if sc["gen"] == "h2load":
        return ["h2load", "-t1", f"-c{sc.get('clients', 32)}", f"-m{sc.get('streams', 16)}", f"-D{secs}", url]
    if sc["gen"] == "hs":
        return [f"{BENCH}/bin/hs", str(port), *sc["args"].split(), str(secs), "16", sc["path"]]
    raise ValueError(sc["gen"])


def parse(gen, out):
    """dict(requests, rps, p50 and p99 in ms, errors) of a load generator's output."""
    if gen in ("wrk", "hs"):
        m = re.search(r"^JSON (.*)$", out, re.M)
        if not m:
            raise RuntimeError(out)
        j = json.loads(m[1])
        errors = sum(j.get(k, 0) for k in ("connect", "write", "status", "timeout", "read"))
        return dict(requests=j["requests"], rps=j["requests"] / j["seconds"], p50=j["p50"] / 1e3, p99=j["p99"] / 1e3,
                    errors=errors, extra=j.get("resumed"))
    m = re.search(r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored", out)
    r = re.search(r"finished in ([\d.]+)s, ([\d.]+) req/s", out)
    t = re.search(r"time for request:\s+(\S+)\s+(\S+)\s+(\S+)", out)
    if not (m and r and t):
        raise RuntimeError(out)

    def ms(x):
        n, u = re.match(r"([\d.]+)(us|ms|s)", x).groups()
        return float(n) * {"us": 1e-3, "ms": 1, "s": 1e3}[u]
    return dict(requests=int(m[3]), rps=float(r[2]), p50=ms(t[3]), p99=float("nan"), errors=int(m[4]) + int(m[5]))


def measure(peer, sc, secs, saturate=False):
    """One bounded run; the caller holds the lock. With `saturate`, a spinning program takes half of CPU 0 meanwhile, so that
    the proxy always has more to do than it gets: the batching of a saturated core shows in its CPU time per request."""
    spinner = subprocess.Popen(["taskset", "-c", "0", f"{BENCH}/bin/spin"]) if saturate else None
    try:
        pids = peer.pids()
        others = [spinner.pid] if spinner else []
        s0, a, o0, t0 = cpu0(), cpu_of(pids), cpu_of(others), time.time()
        out = subprocess.run(["taskset", "-c", "1"] + command(peer, sc, secs), capture_output=True, text=True, timeout=secs * 5 + 30)
        b, o1, s1, wall = cpu_of(pids), cpu_of(others), cpu0(), time.time() - t0
    finally:
        if spinner:
            spinner.kill()
            spinner.wait()
    r = parse(sc["gen"], out.stdout + out.stderr)
    n = max(r["requests"], 1)
    r.update(user=(b[0] - a[0]) / n * 1e6, sys=(b[1] - a[1]) / n * 1e6, util=(b[0] + b[1] - a[0] - a[1]) / wall,
             wait=(b[2] - a[2]) / wall, steal=(s1[1] - s0[1]) / wall, wall=wall)
    r["cpu"] = r["user"] + r["sys"]
    r["foreign"] = (s1[0] - s0[0]) / wall - r["util"] - (sum(o1[:2]) - sum(o0[:2])) / wall
    return r
