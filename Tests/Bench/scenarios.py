"""What can be measured: one entry a scenario. `variant` names the peer's configuration, `need` the feature that a peer must
have, `gen` the load generator. Bodies and paths are the origin's (origin/nginx.conf). TITLES and AIMS are those of the published
table. Read bench.py next."""

H1 = dict(variant="base", need="h1", gen="wrk", conns=64)
TLS = dict(variant="base", need="tls", gen="wrk", conns=64, tls=True)

SCENARIOS = {
    # keep-alive proxying of 1 KiB, by number of connections and size of the request's head
    "plain": dict(H1, path="/1k", size=1024),
    "plain8": dict(H1, path="/1k", size=1024, conns=8),
    "plain256": dict(H1, path="/1k", size=1024, conns=256),
    "browser": dict(H1, path="/1k", size=1024, script="browser.lua"),
    # bodies
    "post": dict(H1, path="/echo", script="post.lua", size=None, method="POST"),
    "16k": dict(H1, path="/16k", size=16384),
    "100k": dict(H1, path="/100k", size=102400),
    "10m": dict(H1, path="/10m", size=10485760, conns=8),
    # a connection per request
    "close": dict(H1, path="/1k", size=1024, headers=["Connection: close"]),
    # routing tables
    "routes": dict(H1, variant="routes", need="routes", script="routes.lua", path="/svc3/1k", host="h7.example.test", size=1024),
    "routes1": dict(H1, variant="routes1", need="routes1", script="routes1.lua", path="/r77/1k", host="one.example.test", size=1024),
    "plain-mix": dict(H1, script="routes.lua", path="/svc3/1k", host="h7.example.test", size=1024),
    # JWT, rate limit, header changes; plain-auth is the same request without the work
    "plugin": dict(H1, variant="plugin", need="plugin", path="/1k", size=1024, token=True),
    "plain-auth": dict(H1, path="/1k", size=1024, token=True),
    # TLS and HTTP/2
    "tls": dict(TLS, path="/1k", size=1024),
    "tls16k": dict(TLS, path="/16k", size=16384),
    "tls-close": dict(TLS, path="/1k", size=1024, headers=["Connection: close"]),
    "hs13-full": dict(TLS, gen="hs", args="13 full", path="/1k", size=1024),
    "hs13-resume": dict(TLS, gen="hs", args="13 resume", path="/1k", size=1024),
    "hs12-full": dict(TLS, gen="hs", args="12 full", path="/1k", size=1024),
    "hs12-resume": dict(TLS, gen="hs", args="12 resume", path="/1k", size=1024),
    "h2": dict(TLS, need="h2", gen="h2load", path="/1k", size=1024),
}

# The published set: the words of docs/performance.md, and the share of nginx's CPU time that is asked for.
TITLES = {
    "plain8": "1 KiB, 8 connections",
    "plain": "1 KiB, 64 connections",
    "plain256": "1 KiB, 256 connections",
    "browser": "browser-size headers",
    "post": "POST of 1 KiB",
    "16k": "16 KiB",
    "100k": "100 KiB",
    "10m": "10 MiB",
    "routes": "10,000 routes on 1000 hosts",
    "routes1": "10,000 routes on one host",
}
AIMS = dict({name: 0.85 for name in TITLES}, **{"16k": 0.80, "100k": 0.70, "10m": 0.50})
# Also with a core that is always full; asked for are as many requests a second as nginx does.
FULL_CORE = ("plain", "browser", "post", "16k", "100k", "10m")
