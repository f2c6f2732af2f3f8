#!/usr/bin/env python3
"""What `make bench` runs: the chosen scenarios one after the other, side by side and interleaved, within a bounded time, and one
markdown file with tables, versions, machine and commands below results/. With --all the whole comparison is measured and its
tables go into docs/performance.md too (publish.py). Nothing is judged here.

    report.py [--all | --quick] [--scenarios a,b] [--peers a,b] [--rounds 5] [--secs 3] [--minutes 14.5] [--no-idle] [--no-saturate]

Sluice and nginx, whose ratio is the figure, are measured in every round; the others in as many as --minutes has room for. On a full core, and
for the memory of idle connections, only these two are compared.
"""
import argparse
import os
import shlex
import signal
import sys
import time

import bench
import idle
import publish
from scenarios import FULL_CORE, TITLES

PEERS = "sluice,nginx,nginx-lua,haproxy"
EXTRA = "envoy,caddy"
EVERY_ROUND = ("sluice", "nginx")
IDLE_SECONDS = 16
MINUTES = 14.5
# What a measurement costs besides its seconds; the boot, check, warm-up and stop of one peer in one scenario.
RUN_SECONDS, PEER_SECONDS = 0.15, 1.8


def installed(names, out=sys.stderr):
    """Those of the peers whose program is there; what is left out is said."""
    chosen = []
    for n in names:
        if bench.Peer(n).is_installed():
            chosen.append(n)
        else:
            print(f"left out: {n} (not installed)", file=out)
    return chosen


def takes_part(names, scenario, saturate):
    return [n for n in names if (not saturate or n in EVERY_ROUND) and bench.Peer(n).can(bench.SCENARIOS[scenario])]


def cost(runs, names, rounds, secs, others, idle_peers):
    """Seconds that all this takes when nothing is repeated; `runs`: (scenario, on a full core?)."""
    total = IDLE_SECONDS * idle_peers
    for scenario, saturate in runs:
        for n in takes_part(names, scenario, saturate):
            total += PEER_SECONDS + (rounds if n in EVERY_ROUND else others) * (secs + RUN_SECONDS)
    return total


def plan(runs, names, rounds, secs, minutes, idle_peers):
    """Rounds of those that need not take part in every one: the most that fit, at least one."""
    for others in range(rounds, 0, -1):
        if cost(runs, names, rounds, secs, others, idle_peers) <= minutes * 60:
            return others
    return 1


def measure(a, runs, names, idle_peers):
    """([result], idle table) of everything that was chosen; repeats for noise only while there is time left."""
    others = plan(runs, names, a.rounds, a.secs, a.minutes, len(idle_peers))
    expected = cost(runs, names, a.rounds, a.secs, others, len(idle_peers))
    print(f"{a.rounds} rounds of {a.secs} s, {others} of {', '.join(n for n in names if n not in EVERY_ROUND) or 'no others'}; "
          f"about {expected / 60:.0f} minutes", flush=True)
    slack_ends = time.time() + max(0.0, a.minutes * 60 - expected)
    spent_of_plan = 0.0
    results = []
    for scenario, saturate in runs:
        print(f"\n## {scenario}{' (full core)' if saturate else ''}", flush=True)
        chosen = takes_part(names, scenario, saturate)
        fewer = {n: others for n in chosen if n not in EVERY_ROUND}
        spent_of_plan += cost([(scenario, saturate)], names, a.rounds, a.secs, others, 0)
        results.append(bench.run(chosen, scenario, a.rounds, a.secs, saturate=saturate, fewer=fewer,
                                 may_repeat=lambda planned=spent_of_plan: time.time() < slack_ends + planned))
    idle_table = None
    if idle_peers:
        idle_table = idle.table(idle.measure_all(idle_peers, 10000, False), 10000)
        print("\n## Idle keep-alive connections\n" + idle_table, flush=True)
    return results, idle_table


def write(path, results, names, idle_table, argv):
    versions = bench.versions(names)
    text = [f"# Benchmark of {time.strftime('%F %T')}", "", publish.machine(), ""]
    text += [publish.tables(results), "", "## Versions", ""] + [f"- {n}: {v}" for n, v in versions.items()] + [""]
    for d in results:
        text += [f"## {d['scenario']}{' (full core)' if d['saturate'] else ''}", "", bench.table(d), ""]
        text += ["Load: `" + shlex.join(next(iter(d["cmd"].values()))) + "`", ""]
    if idle_table:
        text += ["## Idle keep-alive connections", "", idle_table, ""]
    text += ["## Repeat", "", f"`make bench BENCH={shlex.quote(shlex.join(argv))}`" if argv else "`make bench`", ""]
    with open(path, "w") as f:
        f.write("\n".join(text).replace(bench.BENCH, "Tests/Bench"))
    return versions


def options():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--all", action="store_true", help=f"the whole comparison, also {EXTRA} where installed; writes docs/performance.md")
    ap.add_argument("--quick", action="store_true", help="one round of one second: to see that it works; a minute or two")
    ap.add_argument("--scenarios", default=",".join(TITLES))
    ap.add_argument("--peers", default=PEERS)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--secs", type=int, default=3)
    ap.add_argument("--minutes", type=float, default=MINUTES, help="bound on the measuring: first the other peers get fewer rounds")
    ap.add_argument("--no-idle", action="store_true", help="skip the memory of 10,000 idle connections")
    ap.add_argument("--no-saturate", action="store_true", help="skip the runs with a full core")
    a = ap.parse_args()
    if a.quick:
        a.rounds, a.secs, a.no_idle, a.minutes = 1, 1, True, 3
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
    runs = [(s, False) for s in chosen] + [(s, True) for s in chosen if s in FULL_CORE and not a.no_saturate]
    idle_peers = [] if a.no_idle else [n for n in names if n in EVERY_ROUND]
    results, idle_table = measure(a, runs, names, idle_peers)
    path = f"{bench.BENCH}/results/report-{time.strftime('%Y%m%d-%H%M%S')}.md"
    versions = write(path, results, names, idle_table, sys.argv[1:])
    print("\n" + publish.tables(results) + f"\n\nwritten: {path}")
    if a.all and not a.quick and chosen == list(TITLES):
        print("written: " + publish.publish(results, versions, idle_table))


if __name__ == "__main__":
    main()
