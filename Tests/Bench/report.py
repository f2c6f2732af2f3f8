#!/usr/bin/env python3
"""What `make bench` runs: the chosen scenarios one after the other, side by side and interleaved, and one markdown file with the
tables, the versions, the machine and the commands to repeat it, below results/. Nothing is judged here; docs/performance.md
carries the numbers that were chosen to be published.

    report.py [--all] [--quick] [--scenarios a,b] [--peers a,b] [--rounds 5] [--secs 3] [--no-idle]
"""
import argparse
import os
import platform
import shlex
import signal
import sys
import time

import bench
import idle

PEERS = "sluice,nginx,nginx-lua,haproxy"
EXTRA = "relay-epoll,envoy,caddy"
CHOSEN = "plain8,plain,plain256,browser,post,16k,100k,10m,routes,routes1"
SATURATED = ("plain", "browser", "post", "16k", "100k", "10m")


def installed(names, out=sys.stderr):
    """Those of the peers whose program is there; what is left out is said."""
    chosen = []
    for n in names:
        if bench.Peer(n).is_installed():
            chosen.append(n)
        else:
            print(f"left out: {n} (not installed)", file=out)
    return chosen


def machine():
    with open("/proc/cpuinfo") as f:
        cpu = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} × {cpu}, Linux {platform.release()}"


def summary(results):
    """One line a scenario: CPU µs/request of each peer, and Sluice's share of nginx's."""
    names = list(dict.fromkeys(p for d in results for p in d["runs"]))
    lines = ["| scenario | " + " | ".join(names) + " | sluice ÷ nginx |", "|---" * (len(names) + 2) + "|"]
    for d in results:
        med = {p: bench.statistics.median(x["cpu"] for x in v) for p, v in d["runs"].items()}
        ratio = f"{med['sluice'] / med['nginx']:.2f}" if "sluice" in med and "nginx" in med else "–"
        cells = [f"{med[p]:.1f}" if p in med else "–" for p in names]
        lines.append(f"| {d['scenario']}{', full core' if d['saturate'] else ''} | " + " | ".join(cells) + f" | {ratio} |")
    return "\n".join(lines)


def write(path, results, names, idle_table, argv):
    text = [f"# Benchmark of {time.strftime('%F %T')}", "", machine(), ""]
    text += ["CPU microseconds (user + system) per request, medians:", "", summary(results), ""]
    text += ["## Versions", ""] + [f"- {n}: {v}" for n, v in bench.versions(names).items()] + [""]
    for d in results:
        text += [f"## {d['scenario']}{' (full core)' if d['saturate'] else ''}", "", bench.table(d), ""]
        text += ["Load: `" + shlex.join(next(iter(d["cmd"].values()))) + "`", ""]
    if idle_table:
        text += ["## Idle keep-alive connections", "", idle_table, ""]
    text += ["## Repeat", "", f"`make bench BENCH={shlex.quote(shlex.join(argv))}`" if argv else "`make bench`", ""]
    with open(path, "w") as f:
        f.write("\n".join(text).replace(bench.BENCH, "Tests/Bench"))


def options():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--all", action="store_true", help=f"also {EXTRA} where installed")
    ap.add_argument("--quick", action="store_true", help="one round of one second: to see that it works")
    ap.add_argument("--scenarios", default=CHOSEN)
    ap.add_argument("--peers", default=PEERS)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--secs", type=int, default=3)
    ap.add_argument("--no-idle", action="store_true", help="skip the memory of 10,000 idle connections")
    ap.add_argument("--no-saturate", action="store_true", help="skip the runs with a full core")
    a = ap.parse_args()
    if a.quick:
        a.rounds, a.secs = 1, 1
    for s in a.scenarios.split(","):
        if s not in bench.SCENARIOS:
            ap.error(f"unknown scenario {s}; known: {' '.join(bench.SCENARIOS)}")
    return a


def main():
    a = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.sched_setaffinity(0, {1})
    names = installed((a.peers + ("," + EXTRA if a.all else "")).split(","))
    chosen = a.scenarios.split(",")
    runs = [(s, False) for s in chosen] + [(s, True) for s in chosen if s in SATURATED and not a.no_saturate]
    results = []
    for scenario, saturate in runs:
        print(f"\n## {scenario}{' (full core)' if saturate else ''}", flush=True)
        results.append(bench.run(names, scenario, a.rounds, a.secs, saturate=saturate))
    idle_table = None
    if not a.no_idle:
        idle_table = idle.table(idle.measure_all([n for n in names if n != "nginx-lua"], 10000, False), 10000)
        print("\n## Idle keep-alive connections\n" + idle_table, flush=True)
    path = f"{bench.BENCH}/results/report-{time.strftime('%Y%m%d-%H%M%S')}.md"
    write(path, results, names, idle_table, sys.argv[1:])
    print("\n" + summary(results) + f"\n\nwritten: {path}")


if __name__ == "__main__":
    main()
