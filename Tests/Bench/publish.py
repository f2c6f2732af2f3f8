"""From results to the tables of docs/performance.md: one line a scenario with median (min–max), the ratio and what is asked for.
Only what stands between the two marks in that file is replaced. Nothing is measured here. Read report.py next."""
import os
import platform
import re
import statistics
import time

from peer import BENCH
from scenarios import AIMS, TITLES

PAGE = os.path.join(os.path.dirname(os.path.dirname(BENCH)), "docs", "performance.md")
BEGIN, END = "<!-- made by `make bench BENCH='--all'` -->", "<!-- end -->"


def machine():
    with open("/proc/cpuinfo") as f:
        cpu = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} × {cpu}, Linux {platform.release()}"


def congestion_control():
    with open("/proc/sys/net/ipv4/tcp_congestion_control") as f:
        return f.read().strip()


def median(d, peer, key="cpu"):
    return statistics.median(x[key] for x in d["runs"][peer])


def cell(d, peer):
    """Median (min–max) of CPU µs a request; whole numbers where tenths are noise."""
    if not d["runs"].get(peer):
        return "–"
    v = [x["cpu"] for x in d["runs"][peer]]
    form = "{:.0f}" if statistics.median(v) >= 1000 else "{:.1f}"
    return f"{form.format(statistics.median(v))} ({form.format(min(v))}–{form.format(max(v))})"


def ratio(d):
    return median(d, "sluice") / median(d, "nginx") if d["runs"].get("sluice") and d["runs"].get("nginx") else None


def row(d, names, saturate):
    r = ratio(d)
    asked = 1.0 if saturate else AIMS.get(d["scenario"])
    missed = r is not None and asked is not None and round(r, 2) > asked
    cells = [TITLES.get(d["scenario"], d["scenario"])] + [cell(d, n) for n in names] + ["–" if r is None else f"{r:.2f}"]
    if saturate:
        cells += [f"{1e6 / median(d, n):,.0f}" if d["runs"].get(n) else "–" for n in ("sluice", "nginx")]
    cells.append(("–" if asked is None else f"≤ {asked:.2f}") + (" **missed**" if missed else ""))
    return "| " + " | ".join(cells) + " |"


def table(results, saturate):
    chosen = [d for d in results if bool(d["saturate"]) == saturate]
    if not chosen:
        return ""
    names = list(dict.fromkeys(n for d in chosen for n in d["runs"]))
    head = ["scenario" + (", full core" if saturate else "")] + names + ["sluice ÷ nginx"]
    head += ["requests/s sluice", "nginx"] if saturate else []
    head.append("asked")
    return "\n".join(["| " + " | ".join(head) + " |", "|---" * len(head) + "|"] + [row(d, names, saturate) for d in chosen])


def tables(results):
    """Both tables with a line of explanation each."""
    parts = []
    if first := table(results, False):
        parts += ["CPU microseconds (user and system) per request, median (min–max); asked is a share of nginx.", "", first]
    if full := table(results, True):
        parts += ["", "With a core that always has more to do than it gets, and the requests a second that a whole core would then do:", "", full]
    return "\n".join(parts).strip()


def rounds(results):
    """How often each peer was measured, in words."""
    counts = {}
    for d in results:
        for n, runs in d["runs"].items():
            counts.setdefault(len(runs), set()).add(n)
    secs = results[0]["secs"]
    return "; ".join(f"{k} round{'s' * (k != 1)} of {secs} s: {', '.join(sorted(v))}" for k, v in sorted(counts.items(), reverse=True))


def section(results, versions, idle_table):
    quiet = [x["foreign"] for d in results for v in d["runs"].values() for x in v]
    text = [BEGIN, "", f"{time.strftime('%F')}; {machine()}; TCP congestion control of the system: {congestion_control()}. {rounds(results)}. Other "
            f"work on the proxy's core: median {100 * statistics.median(quiet):.1f} %, at most {100 * max(quiet):.1f} %.", "", tables(results), ""]
    if idle_table:
        text += ["Memory of 10,000 idle keep-alive connections:", "", idle_table, ""]
    text += ["Versions: " + "; ".join(f"{n} ({short(v)})" for n, v in versions.items()) + ".", "", END]
    return "\n".join(text)


def short(version):
    """The number in what a program says about its version."""
    found = re.search(r"\d+\.\d+(\.\d+)?", version)
    return found[0] if found else version


def publish(results, versions, idle_table, page=PAGE):
    """Replaces the part between the marks; the page's name."""
    with open(page) as f:
        text = f.read()
    start, end = text.find(BEGIN), text.find(END)
    if start < 0 or end < start:
        raise SystemExit(f"{page}: no place for the tables; it needs the lines {BEGIN} and {END}")
    with open(page, "w") as f:
        f.write(text[:start] + section(results, versions, idle_table) + text[end + len(END):])
    return page
