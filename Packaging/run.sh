#!/usr/bin/env bash
# What `make run` does after the build: the demo upstream and Sluice with the bundled configuration, in the foreground, and
# four requests to try. Ctrl-C (or TERM) stops both. It builds nothing; the gateway's state lives in .build/run.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=.build/release
export SLUICE_STATE=$PWD/.build/run
plugins=$PWD/.build/plugins
configuration=docs/example.yaml
upstream_log=$SLUICE_STATE/demo-upstream.log
mkdir -p "$SLUICE_STATE"

# Is somebody listening there already? Asked by a connection, so that no tool is needed.
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

for port in 8080 8081 8082 8090; do
  if taken "$port"; then
    echo "make run needs 127.0.0.1:$port, and something listens there already: stop it (see: ss -ltnp 'sport = :$port')" >&2
    exit 1
  fi
done

pids=()
stop_all() {
  trap - EXIT INT TERM
  ((${#pids[@]})) && kill -TERM "${pids[@]}" 2>/dev/null
  wait 2>/dev/null
}
trap stop_all EXIT
trap 'stop_all; exit 0' INT TERM

"$bin/sluice" demo-upstream --listen 127.0.0.1:8090 >"$upstream_log" 2>&1 &
pids+=($!)
"$bin/sluice" run -c "$configuration" &
sluice=$!
pids+=("$sluice")

ready=
for _ in $(seq 200); do
  kill -0 "$sluice" 2>/dev/null || { wait "$sluice" && status=0 || status=$?; echo "sluice ended with status $status" >&2; exit 1; }
  if taken 8080 && taken 8082 && taken 8090; then ready=1; break; fi
  sleep 0.05
done
[[ $ready ]] || {
  echo "sluice did not open 127.0.0.1:8080 and 8082, or the demo upstream 8090, within 10 s; see above and $upstream_log" >&2
  exit 1
}

cat <<TEXT

  traffic         http://127.0.0.1:8080        (upstream: the demo origin on 127.0.0.1:8090)
  dyups API       http://127.0.0.1:8081
  admin API       http://127.0.0.1:8082        state, logs: .build/run

Try it:

  curl -i http://127.0.0.1:8080/hello
  curl -i http://127.0.0.1:8080/anything/you-like
  curl -i http://127.0.0.1:8080/private/report; curl -i -H 'x-api-key: demo-key' http://127.0.0.1:8080/private/report
  curl -i -X POST http://127.0.0.1:8082/v1/plugins/load -H 'Content-Type: application/json' -d '{"path": "$plugins/key-auth.so"}'

Ctrl-C stops everything.

TEXT
wait "$sluice" && status=0 || status=$?
exit "$status"
