#!/usr/bin/env python3
"""gen_routes.py routes|routes1 RUN PORT ORIGIN: writes RUN/sluice.yaml with 10,000 routes: 1000 hosts × 10 path prefixes
(routes), or 10,000 prefixes of one host (routes1); the rest is base.yaml's."""
import os
import sys

kind, run, port, origin = sys.argv[1:]
if kind == "routes":
    table = [(f"h{h}.example.test", f"/svc{p}/*") for h in range(1000) for p in range(10)]
else:
    table = [("one.example.test", f"/r{p}/*") for p in range(10000)]

with open(f"{os.path.dirname(os.path.abspath(__file__))}/base.yaml") as f:
    base = f.read().partition("routes:\n")[0]
for name, value in dict(RUN=run, PORT=port, ORIGIN=origin).items():
    base = base.replace(f"@{name}@", value)
with open(f"{run}/sluice.yaml", "w") as f:
    f.write(base + "routes:\n")
    for i, (host, path) in enumerate(table):
        f.write(f'  - {{ id: r{i}, match: {{ hosts: [{host}], paths: ["{path}"] }}, action: {{ cluster: origin }} }}\n')
