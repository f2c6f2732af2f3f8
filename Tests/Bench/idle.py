#!/usr/bin/env python3
"""idle.py plain|tls [PEERS] [N]: memory of a proxy per idle keep-alive connection.

Each of N client connections sends one GET /1k, reads the answer and then stays open and silent. Numbers: Pss/Rss of the
proxy's processes (KiB) at rest, after 1 s of wrk load, with N idle connections, and 3 s after they closed. `idle()` is also
what counters.py asks."""
import json
import os
import resource
import signal
import socket
import ssl
import sys
import time

import bench

REQUEST = b"GET /1k HTTP/1.1\r\nHost: localhost\r\n\r\n"


def kernel_kib():
    with open("/proc/meminfo") as f:
        return {line.split(":")[0]: int(line.split()[1]) for line in f}["Slab"]


def one(port, tls):
    """A connection that has had one answer."""
    s = socket.create_connection(("127.0.0.1", port), 10)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else Nagle and delayed ACK cost 44 ms per TLS connection
    if tls:
        ctx = ssl.create_default_context()
        ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
        s = ctx.wrap_socket(s, server_hostname="localhost")
    s.sendall(REQUEST)
    got = b""
    while b"\r\n\r\n" not in got:
        got += s.recv(65536)
    h, _, b = got.partition(b"\r\n\r\n")
    if b" 200 " not in h.split(b"\r\n")[0] + b" ":
        raise RuntimeError(h)
    while len(b) < 1024:
        b += s.recv(65536)
    return s


def still_usable(socks):
    """How many of every 100th connection answer another request."""
    alive = 0
    for s in socks[:: max(1, len(socks) // 100)]:
        s.sendall(REQUEST)
        alive += s.recv(65536).startswith(b"HTTP/1.1 200")
    return alive


def idle(peer, count, tls=False, settle=3):
    """The figures of one started peer; the origin runs already."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, count + 200), hard), hard))
    sc = bench.SCENARIOS["tls" if tls else "plain"]
    with bench.Lock():
        rest = bench.rss_kib(peer.pids())
        bench.measure(peer, sc, 1)
        warm, k0 = bench.rss_kib(peer.pids()), kernel_kib()
        t = time.time()
        socks = [one(peer.port + tls, tls) for _ in range(count)]
        t = time.time() - t
        time.sleep(settle)
        full, k1 = bench.rss_kib(peer.pids()), kernel_kib()
        c0 = bench.cpu_of(peer.pids())
        time.sleep(2)
        c1 = bench.cpu_of(peer.pids())
        alive = still_usable(socks)
        for s in socks:
            s.close()
        time.sleep(settle)
        end = bench.rss_kib(peer.pids())
    return dict(rest=rest, warm=warm, idle=full, end=end, per_conn_bytes=(full[0] - warm[0]) * 1024 / count,
                rss_per_conn_bytes=(full[1] - warm[1]) * 1024 / count, kept_bytes=(end[0] - warm[0]) * 1024,
                kernel_both_ends_bytes=(k1 - k0) * 1024 / count, open_s=t,
                idle_cpu_pct=100 * (c1[0] + c1[1] - c0[0] - c0[1]) / 2, alive=f"{alive}/100")


def table(out, count):
    lines = [f"| peer | Pss at rest MiB | after load | with {count} idle | after close | Pss bytes / idle conn | Rss bytes / idle conn "
             "| idle CPU % |",
             "|---|---|---|---|---|---|---|---|"]
    for n, r in out.items():
        lines.append(f"| {n} | {r['rest'][0] / 1024:.1f} | {r['warm'][0] / 1024:.1f} | {r['idle'][0] / 1024:.1f} | {r['end'][0] / 1024:.1f} | "
                     f"{r['per_conn_bytes']:.0f} | {r['rss_per_conn_bytes']:.0f} | {r['idle_cpu_pct']:.1f} |")
    return "\n".join(lines)


def measure_all(names, count, tls):
    out = {}
    origin = bench.Origin()
    try:
        origin.start("base", cpu=1)
        for n in names:
            p = bench.Peer(n)
            if "base" not in p.cfg:
                continue
            p.start("base")
            try:
                out[n] = idle(p, count, tls)
            except (RuntimeError, OSError) as e:
                print(n, "FAILED", repr(e), file=sys.stderr, flush=True)
            finally:
                p.stop()
    finally:
        origin.stop()
    return out


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    if mode not in ("plain", "tls"):
        sys.exit(__doc__)
    names = (sys.argv[2] if len(sys.argv) > 2 else "sluice,nginx,haproxy,envoy,ats,caddy").split(",")
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 10000
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.sched_setaffinity(0, {1})
    out = measure_all(names, count, mode == "tls")
    os.makedirs(f"{bench.BENCH}/results", exist_ok=True)
    with open(f"{bench.BENCH}/results/idle-{mode}.json", "w") as f:
        json.dump(out, f, indent=1)
    print(table(out, count))


if __name__ == "__main__":
    main()
