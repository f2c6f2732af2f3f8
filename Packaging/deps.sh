#!/usr/bin/env bash
# Finds the Debian packages that a task needs and installs the missing ones when it may; otherwise it prints the one command
# to run. Package lists live here and nowhere else. Nothing that is installed gets started: a policy-rc.d that says no
# stands in during the installation and is taken away again.
#   deps.sh run|test|bench|all…   several lists may be named
set -euo pipefail

# Building, and what `make run` starts.
run=(make gcc g++ libc6-dev libssl-dev libc-ares-dev libffi-dev libhiredis-dev libre2-dev libvectorscan-dev libsqlite3-dev)
test=(python3 python3-venv curl openssl pkgconf valgrind binutils wrk nginx libnginx-mod-http-lua redis-server)  # scenarios, counters, fuzzing
bench=(nginx libnginx-mod-http-lua lua-cjson haproxy wrk nghttp2-client openssl liburing-dev util-linux)
all=(trafficserver)                                                      # only for Tests/Bench/setup.sh --ats

wanted=()
for list in "$@"; do
  case $list in
    run) wanted+=("${run[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    all) wanted+=("${all[@]}") ;;
    *) echo "deps.sh: unknown list \"$list\"; known: run test bench all" >&2; exit 2 ;;
  esac
done

check_swift() {
  if ! command -v swift >/dev/null; then
    echo "Sluice needs the Swift toolchain 6.3 or newer and found no \"swift\" in PATH." >&2
    echo "Get it from https://www.swift.org/install/linux/ (for Debian 12: unpack the archive to /usr/local/swift), then:" >&2
    echo "  export PATH=/usr/local/swift/usr/bin:\$PATH" >&2
    exit 1
  fi
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
  read -r major minor <<<"${version:-0 0}"
  if ((major < 6 || (major == 6 && minor < 3))); then
    echo "Sluice needs the Swift toolchain 6.3 or newer; \"$(command -v swift)\" says $major.$minor." >&2
    echo "Get a newer one from https://www.swift.org/install/linux/ and put its usr/bin first in PATH." >&2
    exit 1
  fi
}

missing_packages() {
  local installed name
  installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' "${wanted[@]}" 2>/dev/null || true) "
  for name in "${wanted[@]}"; do
    [[ $installed == *" installed:$name "* ]] || echo "$name"
  done | sort -u
}

install_packages() {
  local as_root=("$@")
  local policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${restore[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
    restore=("${as_root[@]}")
  fi
  echo "Installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

check_swift
if ! command -v dpkg-query >/dev/null; then
  echo "This is not Debian or Ubuntu: please install what corresponds to ${wanted[*]}." >&2
  exit 0
fi
mapfile -t missing < <(missing_packages)
((${#missing[@]})) || exit 0
if ((EUID == 0)); then
  install_packages env
elif sudo -n true 2>/dev/null; then
  install_packages sudo
else
  echo "These packages are missing: ${missing[*]}" >&2
  echo "Please run:  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
