#!/bin/sh
# Sets everything up on a fresh Debian or Ubuntu machine with Node 20 or later. Idempotent: a step whose inputs
# did not change is skipped, so a second run takes about a second.
#
#   libraries (apt) -> npm ci -> addons (g++) -> TypeScript -> knowledge base from data/raw
set -eu
cd "$(dirname "$0")/.."
stamps=.setup
mkdir -p "$stamps"
started=$(date +%s)

say() { printf '%s\n' "setup: $*"; }
fail() { printf '%s\n' "setup: $*" >&2; exit 1; }
seconds() { echo "$(($(date +%s) - $1)) s"; }
# changed NAME VALUE: is VALUE not what the last successful run of step NAME left?
changed() { [ "$(cat "$stamps/$1" 2>/dev/null || true)" != "$2" ]; }
done_with() { printf '%s\n' "$2" > "$stamps/$1"; }

command -v node >/dev/null 2>&1 || fail "Node.js is not installed. Install version 20 or later, then run this again."
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || fail "Node.js $(node -v) is too old: version 20 or later is needed."
command -v npm >/dev/null 2>&1 || fail "npm is not installed. Install it (it comes with Node.js), then run this again."

# --- libraries for the addons
packages=
command -v g++ >/dev/null 2>&1 || packages="$packages g++"
[ -e /usr/include/faiss/Index.h ] || [ -e /usr/local/include/faiss/Index.h ] || packages="$packages libfaiss-dev"
found=
for library in /usr/lib/*/libopenblas.so /usr/lib/libopenblas.so /usr/local/lib/libopenblas.so; do
  [ ! -e "$library" ] || found=yes
done
[ -n "$found" ] || packages="$packages libopenblas-dev"
if [ -n "$packages" ]; then
  t=$(date +%s)
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo"; else as_root=none; fi
  fi
  if ! command -v apt-get >/dev/null 2>&1 || [ "$as_root" = none ]; then
    say "missing:$packages. To get the fast vector index, run this and then set up again:"
    say "  sudo apt-get update && sudo apt-get install -y$packages"
    say "going on without: an exact scan answers in its place"
  else
    say "installing$packages with apt (a minute or two)"
    $as_root apt-get update -qq >/dev/null || say "apt-get update failed; trying with the lists that are here"
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $packages >"$stamps/apt.log" 2>&1 ||
      fail "apt-get could not install$packages; its last lines: $(tail -n 3 "$stamps/apt.log")"
    say "installed$packages in $(seconds "$t")"
  fi
fi

# --- packages of npm
lock=$(cksum < package-lock.json)-$major
if [ ! -d node_modules ] || changed npm "$lock"; then
  t=$(date +%s)
  say "installing npm packages (half a minute)"
  rm -f "$stamps/npm"
  npm ci --no-audit --no-fund --loglevel=error
  done_with npm "$lock"
  say "installed npm packages in $(seconds "$t")"
fi

# --- addons; the script says itself what it does, and skips what is up to date
if command -v g++ >/dev/null 2>&1; then
  sh scripts/build-native.sh lm
  if [ -e /usr/include/faiss/Index.h ] || [ -e /usr/local/include/faiss/Index.h ]; then
    sh scripts/build-native.sh faiss
  fi
fi

# --- TypeScript
sources=$(find api cli shared training package-lock.json tsconfig.json tsconfig.build.json -type f \
  -exec ls -l --time-style=full-iso {} + | cksum)
if [ ! -e dist/cli/haetae.js ] || changed typescript "$sources"; then
  t=$(date +%s)
  say "compiling TypeScript"
  rm -f "$stamps/typescript"
  npm run --silent build
  done_with typescript "$sources"
  say "compiled TypeScript in $(seconds "$t")"
fi

# --- the knowledge base
node dist/cli/haetae.js train ensure
say "ready in $(seconds "$started")"
