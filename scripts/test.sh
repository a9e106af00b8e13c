#!/bin/sh
# Sets up, then runs the tests; arguments go to tap (e.g. npm test -- test/shared/errors.test.ts).
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
# tap compiles its plugins once; without this a fresh checkout would run with those it ships with.
stamp=$(cat .taprc package-lock.json | cksum)
if [ "$(cat .setup/tap 2>/dev/null || true)" != "$stamp" ]; then
  node_modules/.bin/tap build >/dev/null
  printf '%s\n' "$stamp" > .setup/tap
fi
exec node_modules/.bin/tap "$@"
