#!/usr/bin/env python3
"""Side-by-side benchmark of HTTP reverse proxies on one small machine.

    bench.py run SCENARIO [--peers a,b,c] [--rounds 5] [--secs 3] [--saturate] [--tag NAME]
    bench.py list | versions | check SCENARIO | table NAME

A peer is a folder peers/NAME with a peer.toml: its port, its features and, for each variant ([base], [plugin], [routes] …),
the config templates to fill in and the command to start it. A new gateway is one more such folder (see peer.py).

Layout of a run: the proxy under test is pinned to CPU 0; the origin (nginx, one worker) and the load generator share CPU 1.
All peers stay up for the whole scenario and are measured in turn, round by round (A B C, B C A, …), each round under an
exclusive flock. The main number is CPU time of the proxy's process tree per request (utime + stime of /proc/PID/stat),
which does not depend on CPU 1 keeping up. Loopback packets are processed in the sender's context, so it includes the
kernel's TCP work. A run is repeated (at most twice) when anything else used more than NOISE of CPU 0 meanwhile (busy time of
cpu0 in /proc/stat less the proxy's own), whichever peer it was; of several tries the one with the least such work counts,
not the fastest.

Files: scenarios.py (what), peer.py (processes), loadgen.py (load), this one (rounds and tables), report.py (`make bench`).
"""
import argparse
import fcntl
import json
import os
import shlex
import signal
import statistics
import subprocess
import sys
import time

from loadgen import check, command, measure
from peer import BENCH, RUN, Origin, Peer, cpu_of, rss_kib
from scenarios import SCENARIOS

LOCK = os.environ.get("BENCH_LOCK", f"{RUN}/lock")
NOISE = 0.05
TRIES = 3
DEFAULT_PEERS = "direct,relay-epoll,relay-uring,sluice,nginx,haproxy,envoy,ats,caddy"

__all__ = ["BENCH", "DEFAULT_PEERS", "LOCK", "Lock", "Origin", "Peer", "SCENARIOS", "cpu_of", "measure", "rss_kib", "run", "table", "versions"]


class Lock:
    """Keeps two runs on one machine from measuring at the same time."""

    def __enter__(self):
        os.makedirs(os.path.dirname(LOCK), exist_ok=True)
        self.file = open(LOCK, "w")
        t = time.time()
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.waited = time.time() - t
        return self

    def __exit__(self, *_):
        self.file.close()


def measure_quietly(peer, sc, secs, saturate, may_repeat=lambda: True):
    """(best of up to TRIES runs by other work on CPU 0, how many were repeated). `may_repeat` is asked before each repetition."""
    best, redone = None, 0
    for attempt in range(TRIES):
        m = measure(peer, sc, secs, saturate)
        if best is None or m["foreign"] < best["foreign"]:
            best = m
        if best["foreign"] <= NOISE or attempt + 1 == TRIES or not may_repeat():
            break
        redone += 1
        time.sleep(1)
    return best, redone


def run(names, scname, rounds, secs, tag=None, saturate=False, quiet=False, fewer=None, may_repeat=lambda: True):
    """Measures a scenario, writes results/TAG.json and returns the same. `fewer`: {peer: rounds} for those that take part in less."""
    sc = SCENARIOS[scname]
    fewer = fewer or {}
    peers = [p for p in map(Peer, names) if p.can(sc)]
    if not peers:
        raise SystemExit(f"none of {','.join(names)} has what scenario {scname} needs")
    base = "nginx" if "nginx" in [p.name for p in peers] else peers[0].name
    origin = Origin()
    runs = {p.name: [] for p in peers}
    boot, rest, load, redone, waited = {}, {}, {}, 0, 0.0
    try:
        origin.start("base", cpu=1)
        for p in peers:
            p.start(sc["variant"])
            check(p, sc)
            boot[p.name], rest[p.name] = p.boot, rss_kib(p.pids())
        with Lock():
            for p in peers:
                measure(p, sc, 1, saturate)
        for r in range(rounds):
            turn = r % len(peers)
            with Lock() as lock:
                waited += lock.waited
                for p in peers[turn:] + peers[:turn]:
                    if r >= fewer.get(p.name, rounds):
                        continue
                    m, again = measure_quietly(p, sc, secs, saturate, may_repeat)
                    redone += again
                    runs[p.name].append(m)
        for p in peers:
            load[p.name] = rss_kib(p.pids())
    finally:
        for p in peers:
            p.stop()
        origin.stop()
    data = dict(scenario=scname, spec=sc, rounds=rounds, secs=secs, saturate=saturate, when=time.strftime("%F %T"), redone=redone,
                lock_waited=waited, base=base, boot=boot, rss_rest=rest, rss_load=load,
                cmd={p.name: command(p, sc, secs) for p in peers}, labels={p.name: p.label for p in peers}, runs=runs)
    os.makedirs(f"{BENCH}/results", exist_ok=True)
    with open(f"{BENCH}/results/{tag or scname + ('-sat' if saturate else '')}.json", "w") as f:
        json.dump(data, f, indent=1)
    if not quiet:
        print(table(data))
    return data


def table(d):
    """The scenario's result as markdown."""
    def med(p, k):
        return statistics.median(x[k] for x in d["runs"][p])

    def spread(p, k, f="{:.1f}"):
        v = [x[k] for x in d["runs"][p]]
        return f"{f.format(statistics.median(v))} ({f.format(min(v))}–{f.format(max(v))})"
    ref = med(d["base"], "cpu")
    rate = "req/s of a full core" if d.get("saturate") else "req/s (min–max)"
    out = [f"| peer | CPU µs/req (min–max) | ÷ {d['base']} | user | sys | {rate} | p50 ms | p99 ms | proxy CPU % | errors |",
           "|---|---|---|---|---|---|---|---|---|---|"]
    for p in sorted(d["runs"], key=lambda p: med(p, "cpu")):
        rps = f"{1e6 / med(p, 'cpu'):.0f}" if d.get("saturate") else spread(p, "rps", "{:.0f}")
        out.append(f"| {d['labels'][p]} | {spread(p, 'cpu')} | {med(p, 'cpu') / ref:.2f} | {med(p, 'user'):.1f} | {med(p, 'sys'):.1f} | "
                   f"{rps} | {med(p, 'p50'):.2f} | {med(p, 'p99'):.2f} | {100 * med(p, 'util'):.0f} | {sum(x['errors'] for x in d['runs'][p])} |")
    steal = [x["steal"] for v in d["runs"].values() for x in v]
    foreign = [x["foreign"] for v in d["runs"].values() for x in v]
    out.append(f"\n{d['rounds']} rounds × {d['secs']} s, {d['when']}; runs repeated for noise: {d['redone']}; other work on CPU 0 median "
               f"{100 * statistics.median(foreign):.1f} % max {100 * max(foreign):.1f} %; steal on CPU 0 median "
               f"{100 * statistics.median(steal):.1f} % max {100 * max(steal):.1f} %")
    return "\n".join(out)


def versions(names):
    """{peer: what it says about its version, or why it cannot}."""
    out = {}
    for n in names:
        p = Peer(n)
        try:
            o = subprocess.run(shlex.split(p.fill(p.cfg["version"])), capture_output=True, text=True, timeout=30)
            out[n] = " / ".join((o.stdout + o.stderr).strip().splitlines()[:2])
        except OSError as e:
            out[n] = f"not installed ({e.strerror})"
    return out


def check_each(names, sc):
    origin = Origin()
    try:
        origin.start("base", cpu=1)
        for p in map(Peer, names):
            if not p.can(sc):
                continue
            try:
                p.start(sc["variant"])
                print(p.name, f"boot {p.boot:.2f}s", "pss/rss KiB", rss_kib(p.pids()), check(p, sc).replace("\r\n", " | "))
            except (RuntimeError, OSError) as e:
                print(p.name, "FAILED", e)
            finally:
                p.stop()
    finally:
        origin.stop()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", choices=["run", "list", "versions", "check", "table"])
    ap.add_argument("scenario", nargs="?")
    ap.add_argument("--peers", default=DEFAULT_PEERS)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--secs", type=int, default=3)
    ap.add_argument("--saturate", action="store_true", help="a spinning program takes half of CPU 0: the proxy's core is always full")
    ap.add_argument("--tag")
    a = ap.parse_args()
    if a.what in ("run", "check") and a.scenario not in SCENARIOS:
        ap.error(f"unknown scenario {a.scenario}; known: {' '.join(SCENARIOS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the peers are stopped
    os.sched_setaffinity(0, {1})
    names = a.peers.split(",")
    if a.what == "list":
        for k, v in SCENARIOS.items():
            print(k, v)
    elif a.what == "versions":
        for n, v in versions(names).items():
            print(n, "|", v)
    elif a.what == "table":
        with open(f"{BENCH}/results/{a.scenario}.json") as f:
            print(table(json.load(f)))
    elif a.what == "check":
        check_each(names, SCENARIOS[a.scenario])
    else:
        run(names, a.scenario, a.rounds, a.secs, a.tag, a.saturate)


if __name__ == "__main__":
    main()
