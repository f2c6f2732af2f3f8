#!/bin/bash
# The plugin host and C plugins under a sanitizer: `run.sh address` or `run.sh thread`. Both the host and the fixtures are instrumented, with
# the toolchain's own clang. Only the targets that Package.swift names under SLUICE_SANITIZE are built. What is run and why: README.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
kind=${1:?address or thread}
case $kind in
address)
  wanted='SluicePluginsTests.(Fiber|Token|Tables|PluginHost|HTTPClient|RuleFunction)Tests|SluiceLoopTests.(FiberPool|JobQueue)Tests|SluiceCELTests'
  # swiftIsParked builds Swift plugins, which are not instrumented; the others measure memory, which is not what it was.
  unwanted='swiftIsParked|memoryGoesBack|tenThousandAtOnce'
  # An owner per board is kept until the process ends, on purpose; tests make many boards.
  export ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1:abort_on_error=0
  ;;
thread)
  wanted='SluicePluginsTests.(Fiber|Token)Tests|SluiceLoopTests.(FiberPool|JobQueue)Tests'
  unwanted='memoryGoesBack|tenThousand|thereIsAnEnd'
  export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
  ;;
*) echo "run.sh: unknown sanitizer \"$kind\"; known: address thread" >&2; exit 64 ;;
esac
export SLUICE_SANITIZE=$kind
how=(--disable-xctest "--sanitize=$kind" --scratch-path ".build/sanitize/$kind")
# The reduced package needs no pins, and SwiftPM would write it a file without any.
pins=Package.resolved
back() { if [[ -f .build/sanitize/pins ]]; then mv -f .build/sanitize/pins $pins; else rm -f $pins; fi; }
mkdir -p .build/sanitize
if [[ -f $pins ]]; then mv -f $pins .build/sanitize/pins; fi
trap back EXIT
swift build --build-tests "${how[@]}" 2>&1 | grep -v 'Cannot export local symbol'
timeout --foreground --kill-after=10 180 swift test --skip-build "${how[@]}" --filter "$wanted" --skip "$unwanted" 2>&1 | grep -v ' started\.$'
