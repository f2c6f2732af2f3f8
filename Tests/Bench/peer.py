"""Starts and stops one proxy under test and looks at its processes: CPU time, run-queue wait, memory. It knows peer.toml and
/proc, not scenarios. A peer is a folder peers/NAME; its templates may use @PORT@ @TLSPORT@ @ORIGIN@ @RUN@ @BENCH@ @ROOT@.
Read loadgen.py next."""
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
import tomllib

BENCH = os.path.dirname(os.path.abspath(__file__))
OFFSET = int(os.environ.get("BENCH_OFFSET", 0))  # shifts every port: a second copy can run beside the first
RUN = os.environ.get("BENCH_RUN", f"{BENCH}/run")
ROOT = os.environ.get("SLUICE_ROOT", os.path.dirname(os.path.dirname(BENCH)))  # whose build a peer starts as @ROOT@/…
ORIGIN = 19000 + OFFSET
TICK = os.sysconf("SC_CLK_TCK")


def children():
    kids = {}
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                with open(f"/proc/{d}/stat") as f:
                    s = f.read()
                kids.setdefault(int(s[s.rindex(")") + 2:].split()[1]), []).append(int(d))
            except OSError:
                pass
    return kids


def tree(pid):
    """The process and everything below it."""
    kids, out, todo = children(), [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        todo += kids.get(p, [])
    return out


def cpu_of(pids):
    """(user s, sys s, run-queue wait s) of the processes."""
    user = system = wait = 0
    for p in pids:
        with open(f"/proc/{p}/stat") as f:
            t = f.read()
        t = t[t.rindex(")") + 2:].split()
        user += int(t[11])
        system += int(t[12])
        for thread in os.listdir(f"/proc/{p}/task"):
            try:
                with open(f"/proc/{p}/task/{thread}/schedstat") as f:
                    wait += int(f.read().split()[1])
            except OSError:
                pass
    return user / TICK, system / TICK, wait / 1e9


def rss_kib(pids):
    """(sum of Pss, sum of Rss) in KiB."""
    pss = rss = 0
    for p in pids:
        with open(f"/proc/{p}/smaps_rollup") as f:
            for line in f:
                if line.startswith("Pss:"):
                    pss += int(line.split()[1])
                elif line.startswith("Rss:"):
                    rss += int(line.split()[1])
    return pss, rss


def cpu0():
    """(busy s, steal s) of CPU 0 since boot."""
    with open("/proc/stat") as f:
        for line in f:
            if line.startswith("cpu0 "):
                v = [int(x) / TICK for x in line.split()[1:]]
                return v[0] + v[1] + v[2] + v[5] + v[6], v[7]
    raise RuntimeError("no cpu0 in /proc/stat")


def wait_port(port, proc, secs=60):
    end = time.time() + secs
    while time.time() < end:
        if proc.poll() is not None:
            raise RuntimeError(f"exited with {proc.returncode}: {proc.args}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"port {port} did not open: {proc.args}")


class Peer:
    def __init__(self, name):
        self.name = name
        self.dir = f"{BENCH}/peers/{name}"
        with open(f"{self.dir}/peer.toml", "rb") as f:
            self.cfg = tomllib.load(f)
        self.label = self.cfg["label"]
        self.port = self.cfg["port"] + OFFSET
        self.features = set(self.cfg["features"])
        self.run = f"{RUN}/{name}"
        self.proc = None
        self.boot = 0.0

    def fill(self, text):
        values = dict(PORT=self.port, TLSPORT=self.port + 1, ORIGIN=ORIGIN, RUN=self.run, BENCH=BENCH, ROOT=ROOT)
        for k, v in values.items():
            text = text.replace(f"@{k}@", str(v))
        return text

    def command(self, variant):
        return shlex.split(self.fill(self.cfg[variant]["cmd"]))

    def can(self, scenario):
        return scenario["need"] in self.features and scenario["variant"] in self.cfg

    def is_installed(self, variant="base"):
        program = next(iter(self.command(variant if variant in self.cfg else next(iter(self.variants())))))
        return shutil.which(program) is not None

    def variants(self):
        return [k for k, v in self.cfg.items() if isinstance(v, dict) and "cmd" in v]

    def write_files(self, variant):
        v = self.cfg[variant]
        shutil.rmtree(self.run, ignore_errors=True)
        os.makedirs(f"{self.run}/var")
        for src, dst in v.get("files", {}).items():
            os.makedirs(os.path.dirname(f"{self.run}/{dst}"), exist_ok=True)
            with open(f"{self.dir}/{src}") as i, open(f"{self.run}/{dst}", "w") as o:
                o.write(self.fill(i.read()))
        if "generate" in v:
            subprocess.run(shlex.split(self.fill(v["generate"])), check=True, cwd=self.dir)
        if self.cfg.get("world_writable"):
            subprocess.run(["chmod", "-R", "a+rwX", self.run], check=True)

    def start(self, variant, cpu=0, env=None, wrap=()):
        """Starts the variant pinned to `cpu` and waits for its port; `env` and `wrap` (a command in front) are for counters.py."""
        with socket.socket() as s:
            if not s.connect_ex(("127.0.0.1", self.port)):
                raise RuntimeError(f"port {self.port} is taken")
        self.write_files(variant)
        env = dict(os.environ, **{k: self.fill(x) for k, x in self.cfg.get("env", {}).items()}, **(env or {}))
        with open(f"{self.run}/out.log", "w") as log:
            self.proc = subprocess.Popen(["taskset", "-c", str(cpu), *wrap, *self.command(variant)],
                                         stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env, cwd=self.run)
        t0 = time.time()
        wait_port(self.port, self.proc)
        self.boot = time.time() - t0
        time.sleep(0.3)

    def pids(self):
        return tree(self.proc.pid)

    def stop(self, secs=5):
        if not self.proc:
            return
        pids = self.pids()
        self.proc.terminate()
        try:
            self.proc.wait(secs)
        except subprocess.TimeoutExpired:
            for p in pids:
                try:
                    os.kill(p, signal.SIGKILL)
                except OSError:
                    pass
            self.proc.wait()
        self.proc = None


class Origin(Peer):
    """The nginx that every proxy forwards to."""

    def __init__(self):
        self.name = "origin"
        self.dir = f"{BENCH}/origin"
        self.cfg = {"base": {"files": {"nginx.conf": "nginx.conf"}, "cmd": "/usr/sbin/nginx -p @RUN@ -c @RUN@/nginx.conf"}}
        self.port = ORIGIN
        self.run = f"{RUN}/origin"
        self.proc = None
        self.boot = 0.0
