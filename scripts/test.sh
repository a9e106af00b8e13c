#!/bin/sh
# Sets up, then runs the tests; arguments go to tap (e.g. npm test -- test/shared/errors.test.ts).
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node_modules/.bin/tap "$@"
