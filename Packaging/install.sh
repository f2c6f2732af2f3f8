#!/usr/bin/env bash
# Copies a release build to PREFIX (below DESTDIR when packaging), or removes it: the one list of what is installed where.
# It builds nothing and touches nothing outside DESTDIR/PREFIX and the configuration folder.
#   install.sh install|uninstall   with PREFIX, DESTDIR and SYSCONFDIR in the environment
set -euo pipefail
cd "$(dirname "$0")/.."

: "${PREFIX:=/usr/local}" "${DESTDIR:=}"
if [[ $PREFIX == /usr ]]; then : "${SYSCONFDIR:=/etc}"; else : "${SYSCONFDIR:=$PREFIX/etc}"; fi
[[ $PREFIX == /* ]] || { echo "PREFIX must be an absolute path, not \"$PREFIX\"" >&2; exit 2; }
version=$(sed -n 's/^## \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1)
to=$DESTDIR$PREFIX
lib=$to/lib/sluice
share=$to/share/sluice

# A template with the paths of this installation filled in.
fill() { sed -e "s|@PREFIX@|$PREFIX|g" -e "s|@SYSCONFDIR@|$SYSCONFDIR|g" -e "s|@VERSION@|${version:-0.1.0}|g" "$1"; }
put() { install -D -m "$1" "$2" "$3"; }
put_filled() { install -d "$(dirname "$3")"; fill "$2" >"$3"; chmod "$1" "$3"; }
put_completion() { install -d "$(dirname "$to/$2")"; .build/release/sluice completion "$1" >"$to/$2"; chmod 644 "$to/$2"; }
# Every file below a folder that has one of the endings, with its relative path kept; a link becomes the file that it leads to.
put_tree() {
  local from=$1 dest=$2 file; shift 2
  while IFS= read -r file; do put 644 "$from/$file" "$dest/$file"; done < <(cd "$from" && find -L . -type f "$@" -printf '%P\n')
}

# Where the toolchain that built the binaries keeps the Swift runtime.
runtime=$(swift -print-target-info | sed -n 's/.*"\(.*\/swift\/linux\)".*/\1/p' | head -n 1)

# The Swift runtime libraries that a binary needs, from that toolchain. libc and friends stay the system's.
swift_libraries() {
  ldd "$@" 2>/dev/null | awk -v dir="$runtime/" 'index($3, dir) == 1 { print $3 }' | sort -u
}

# Built binaries look for the runtime in the toolchain's folder first, which may hold another version one day, or be gone. Installed
# ones must not: the folder's name gives way to $ORIGIN, made as long by slashes, so that nothing in the file moves.
forget_toolchain() {
  local mine='$ORIGIN'
  while ((${#mine} < ${#runtime})); do mine+=/; done
  LC_ALL=C sed -i "s|$runtime:[$]ORIGIN|$mine:\$ORIGIN|" "$1"
}

install_all() {
  local binary plugin library
  for binary in sluiced sluice; do
    put 755 ".build/release/$binary" "$to/bin/$binary"
    forget_toolchain "$to/bin/$binary"
  done
  for plugin in .build/plugins/*.so; do
    [[ -e $plugin ]] && put 755 "$plugin" "$lib/plugins/$(basename "$plugin")"
  done
  while IFS= read -r library; do put 644 "$library" "$lib/$(basename "$library")"; done \
    < <(swift_libraries .build/release/sluiced .build/release/sluice $(ls .build/plugins/*.so 2>/dev/null))

  put_tree SDK/Sources/CSluiceABI/include/sluice "$to/include/sluice" -name '*.h'
  put_tree SDK "$share/sdk" -not -path './.build/*'
  [[ -e SDK/sluice-plugin.map ]] && put 644 SDK/sluice-plugin.map "$share/sluice-plugin.map"
  [[ -e SDK/sluice-plugin.pc.in ]] && put_filled 644 SDK/sluice-plugin.pc.in "$to/lib/pkgconfig/sluice-plugin.pc"

  # Where each shell looks by itself.
  put_completion bash share/bash-completion/completions/sluice
  put_completion zsh share/zsh/site-functions/_sluice
  put_completion fish share/fish/vendor_completions.d/sluice.fish

  put 644 docs/example.yaml "$share/example.yaml"
  [[ -e docs/sluice.schema.json ]] && put 644 docs/sluice.schema.json "$share/sluice.schema.json"
  [[ -e $DESTDIR$SYSCONFDIR/sluice/sluice.yaml ]] || put_filled 644 Packaging/sluice.yaml.in "$DESTDIR$SYSCONFDIR/sluice/sluice.yaml"
  put_filled 644 Packaging/sluiced.service.in "$to/lib/systemd/system/sluiced.service"
  put 644 Packaging/sluice.sysusers.conf "$to/lib/sysusers.d/sluice.conf"
  put 644 LICENSE "$to/share/doc/sluice/LICENSE"
  put 644 README.md "$to/share/doc/sluice/README.md"
  echo "Installed Sluice below $to; configuration: $DESTDIR$SYSCONFDIR/sluice/sluice.yaml"
}

# The configuration and the state are the operator's and stay.
uninstall_all() {
  rm -rf "$lib" "$share" "$to/include/sluice" "$to/share/doc/sluice"
  rm -f "$to/bin/sluiced" "$to/bin/sluice" "$to/lib/pkgconfig/sluice-plugin.pc" \
    "$to/lib/systemd/system/sluiced.service" "$to/lib/sysusers.d/sluice.conf" "$to/share/bash-completion/completions/sluice" \
    "$to/share/zsh/site-functions/_sluice" "$to/share/fish/vendor_completions.d/sluice.fish"
  echo "Removed Sluice from $to; left in place: $DESTDIR$SYSCONFDIR/sluice"
}

case ${1:-} in
  install)
    [[ -x .build/release/sluiced && -x .build/release/sluice ]] || { echo "nothing built yet: run make build first" >&2; exit 1; }
    install_all ;;
  uninstall) uninstall_all ;;
  *) echo "usage: install.sh install|uninstall" >&2; exit 2 ;;
esac
