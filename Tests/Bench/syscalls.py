#!/usr/bin/env python3
"""syscalls.py [PEERS] [SCENARIO]: system calls and context switches of a proxy per request (perf stat on tracepoints, 2 s of
load). Needs perf and root."""
import json
import os
import signal
import subprocess
import sys
import time

import bench

CALLS = """read recvfrom recvmsg readv write sendto sendmsg writev splice epoll_wait epoll_pwait epoll_ctl io_uring_enter futex
setsockopt ioctl timerfd_settime nanosleep sched_yield""".split()


def count(peer, sc):
    """{event: times per request} of a started peer."""
    with bench.Lock():
        bench.measure(peer, sc, 1)
        events = ["raw_syscalls:sys_enter", "context-switches"] + [f"syscalls:sys_enter_{c}" for c in CALLS]
        perf = subprocess.Popen(["perf", "stat", "-x,", "-e", ",".join(events), "-p", ",".join(map(str, peer.pids()))],
                                stderr=subprocess.PIPE, text=True)
        time.sleep(0.3)
        m = bench.measure(peer, sc, 2)
        perf.send_signal(signal.SIGINT)
        text = perf.communicate()[1]
    out = {}
    for line in text.splitlines():
        f = line.split(",")
        if len(f) > 2 and f[0].isdigit():
            out[f[2].split(":")[-1].replace("sys_enter_", "")] = int(f[0]) / m["requests"]
    return out


def main():
    names = (sys.argv[1] if len(sys.argv) > 1 else bench.DEFAULT_PEERS).split(",")
    scenario = sys.argv[2] if len(sys.argv) > 2 else "plain"
    sc = bench.SCENARIOS[scenario]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.sched_setaffinity(0, {1})
    origin, out = bench.Origin(), {}
    try:
        origin.start("base", cpu=1)
        for p in map(bench.Peer, names):
            if not p.can(sc):
                continue
            p.start(sc["variant"])
            try:
                out[p.name] = count(p, sc)
            finally:
                p.stop()
    finally:
        origin.stop()
    with open(f"{bench.BENCH}/results/syscalls-{scenario}.json", "w") as f:
        json.dump(out, f, indent=1)
    print("| peer | syscalls/req | context switches/req | by call (≥ 0.02 per request) |\n|---|---|---|---|")
    for n, r in out.items():
        calls = [f"{k} {v:.2f}" for k, v in sorted(r.items(), key=lambda x: -x[1]) if v >= 0.02 and k not in ("sys_enter", "context-switches")]
        print(f"| {n} | {r.get('sys_enter', float('nan')):.2f} | {r.get('context-switches', float('nan')):.3f} | {', '.join(calls)} |")


if __name__ == "__main__":
    main()
