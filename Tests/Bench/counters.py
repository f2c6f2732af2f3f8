#!/usr/bin/env python3
"""Counters that do not depend on how busy the machine is, checked against thresholds.toml: instructions of a worker per
request (callgrind), heap allocations per request (a counting allocator), memory of idle connections.

    counters.py [instructions] [allocations] [idle] [--peer sluice|nginx]

Instructions: the difference of two runs with N and 2N sequential keep-alive requests, divided by N, so that the start costs
nothing. With --peer nginx the same is shown for nginx, for comparison, and nothing is judged.
"""
import argparse
import glob
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tomllib

import idle
from peer import BENCH, ORIGIN, ROOT, Origin, Peer

REQUEST = b"GET /1k HTTP/1.1\r\nHost: localhost\r\nUser-Agent: counters\r\nAccept: */*\r\n\r\n"
REQUESTS = 2000
ALLOCATION_REQUESTS = 10000
IDLE_CONNECTIONS = 10000
COUNTERS = ("instructions", "allocations", "idle")


def compile_helpers():
    os.makedirs(f"{BENCH}/bin", exist_ok=True)
    for name in ("malloc_count", "spawn_wrap"):
        src, out = f"{BENCH}/src/{name}.c", f"{BENCH}/bin/{name}.so"
        if not os.path.exists(out) or os.path.getmtime(out) < os.path.getmtime(src):
            subprocess.run(["gcc", "-O2", "-Wall", "-fPIC", "-shared", "-o", out, src, "-ldl"], check=True)


class Client:
    """One keep-alive connection that sends requests one after the other and checks every answer."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, count):
        for i in range(count):
            self.socket.sendall(REQUEST)
            got = b""
            while b"\r\n\r\n" not in got:
                got += self.socket.recv(65536) or fail(f"connection closed at request {i} of {count}: {got[:200]!r}")
            head, _, body = got.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                fail(f"request {i} of {count}: {head[:200]!r}")
            while len(body) < 1024:
                body += self.socket.recv(65536) or fail(f"body cut at request {i} of {count}")


def fail(text):
    raise RuntimeError(text)


def cpus():
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[-1]


def variant_of(peer):
    return "counters" if "counters" in peer.cfg else "base"


def worker_pid(peer):
    for p in peer.pids():
        with open(f"/proc/{p}/cmdline", "rb") as f:
            words = f.read()
        if b"\0--worker\0" in words or b"worker process" in words:
            return p
    return fail(f"{peer.name}: no worker among its processes")


def stripped():
    """A copy of sluiced without debug information: valgrind 3.19 gives up on the compiler's DWARF 5."""
    out = f"{BENCH}/bin/sluiced"
    subprocess.run(["strip", "--strip-debug", "-o", out, f"{ROOT}/.build/release/sluiced"], check=True)
    return out


def instructions_of_run(name, count):
    """Instructions of the worker from its start to its end, with `count` requests in between."""
    peer = Peer(name)
    log = f"{peer.run}/callgrind.log"
    valgrind = f"valgrind --tool=callgrind --callgrind-out-file={peer.run}/callgrind.%p --log-file={log}"
    if name == "sluice":
        env = dict(LD_PRELOAD=f"{BENCH}/bin/spawn_wrap.so", SPAWN_WRAP=f"{shutil.which('valgrind')} {valgrind.partition(' ')[2]}",
                   SPAWN_WRAP_PROGRAM=stripped())
        peer.start(variant_of(peer), cpu=cpus()[0], env=env)
    else:
        peer.cfg["base"]["cmd"] += ' -g "master_process off;"'
        peer.start(variant_of(peer), cpu=cpus()[0], wrap=valgrind.split())
    try:
        with Client(peer.port) as client:
            client.send(count)
    finally:
        peer.stop(secs=30)
    with open(log) as f:
        found = re.search(r"Collected : (\d+)", f.read())
    return int(found[1]) if found else fail(f"no count in {log}: the worker did not end by itself")


def instructions(name):
    first, second = instructions_of_run(name, REQUESTS), instructions_of_run(name, 2 * REQUESTS)
    return {"instructions_per_request": round((second - first) / REQUESTS)}


def allocations(name):
    peer = Peer(name)
    folder = f"{peer.run}-malloc"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    peer.start(variant_of(peer), cpu=cpus()[0], env=dict(LD_PRELOAD=f"{BENCH}/bin/malloc_count.so", MALLOC_COUNT_DIR=folder))

    def count():
        with open(f"{folder}/{worker_pid(peer)}", "rb") as f:
            return struct.unpack("=Q", f.read(8))[0]
    try:
        with Client(peer.port) as client:
            client.send(1000)
            before = count() or fail("the counting allocator is not in the worker")
            client.send(ALLOCATION_REQUESTS)
            after = count()
    finally:
        peer.stop()
    return {"allocations_per_10000_requests": after - before}


def idle_memory(name):
    peer = Peer(name)
    peer.start("base", cpu=cpus()[0])
    try:
        r = idle.idle(peer, IDLE_CONNECTIONS)
    finally:
        peer.stop()
    if r["alive"] != "100/100":
        fail(f"idle connections died: {r['alive']} answered")
    return {"idle_connection_bytes": round(r["per_conn_bytes"]), "kept_after_close_bytes": round(r["kept_bytes"])}


def report(values, limits):
    """Prints each counter; the number of those over their limit."""
    over = 0
    for key, value in values.items():
        limit = limits.get(key) if limits else None
        bad = limit is not None and value > limit
        over += bad
        print(f"{key:34} {value:>10}" + (f"   limit {limit:>8}   {'TOO HIGH' if bad else 'ok'}" if limit is not None else ""))
    return over


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("counters", nargs="*", metavar="counter", help=f"of {' '.join(COUNTERS)}; all when none is named")
    ap.add_argument("--peer", default="sluice", choices=["sluice", "nginx"])
    a = ap.parse_args()
    if unknown := set(a.counters) - set(COUNTERS):
        ap.error(f"unknown counter {' '.join(unknown)}; known: {' '.join(COUNTERS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    compile_helpers()
    subprocess.run([f"{BENCH}/setup.sh"], check=True, stdout=subprocess.DEVNULL)
    with open(f"{BENCH}/thresholds.toml", "rb") as f:
        limits = tomllib.load(f)
    origin, values = Origin(), {}
    measures = dict(instructions=instructions, allocations=allocations, idle=idle_memory)
    try:
        origin.start("base", cpu=cpus()[1])
        for counter in a.counters or COUNTERS:
            values |= measures[counter](a.peer)
    finally:
        origin.stop()
    for f in glob.glob(f"{BENCH}/run/*/callgrind.[0-9]*"):
        os.remove(f)
    if over := report(values, limits if a.peer == "sluice" else None):
        sys.exit(f"{over} counter(s) over the limit in Tests/Bench/thresholds.toml")


if __name__ == "__main__":
    main()
