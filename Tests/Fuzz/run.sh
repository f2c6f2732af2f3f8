#!/bin/sh
# Builds the codec and HeadFuzz.swift with libFuzzer and AddressSanitizer and fuzzes for SECONDS (default 60).
# Usage: Tests/Fuzz/run.sh [SECONDS [CORPUS]]   exit 0: nothing found. CORPUS, a folder, keeps what was learnt.
# A finding is copied to Tests/Fuzz/Seeds/crash-*: commit it with the fix, later runs begin with it.
set -eu
seconds=${1:-60}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-fuzz.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
corpus=${2:-$work/corpus}
mkdir -p "$corpus"
cd "$work"
compile() { # module, sources...
    module=$1
    shift
    swiftc -O -wmo -swift-version 6 -parse-as-library -sanitize=fuzzer,address -enable-experimental-feature Lifetimes \
        -I "$root/Sources/CSluiceSys/include" -I . -module-name "$module" -emit-module -c "$@" -o "$module.o"
}
compile SluiceBytes "$root"/Sources/SluiceBytes/*.swift
compile SluiceHTTP "$root"/Sources/SluiceHTTP/*.swift
compile HeadFuzz "$root"/Tests/Fuzz/HeadFuzz.swift
swiftc -sanitize=fuzzer,address SluiceBytes.o SluiceHTTP.o HeadFuzz.o -o fuzz 2>link.log || { cat link.log; exit 1; }
if ./fuzz -max_total_time="$seconds" -max_len=1500 -len_control=10 -timeout=10 -rss_limit_mb=1024 -seed=1 -print_final_stats=1 -verbosity=1 \
    -dict="$root/Tests/Fuzz/http.dict" -artifact_prefix="$work/crash-" "$corpus" "$root/Tests/Fuzz/Seeds" >fuzz.log 2>&1; then
    grep -E '^stat::(number_of_executed_units|new_units_added)|^#[0-9]+.*DONE' fuzz.log
else
    tail -60 fuzz.log
    cp "$work"/crash-* "$root/Tests/Fuzz/Seeds/" 2>/dev/null || true
    exit 1
fi
