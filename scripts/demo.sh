#!/bin/sh
# The main job, end to end: set up, start the API on the bundled default, post the real test.csv to /batch,
# write submission.csv, and say where the page is. On a terminal the API stays in the foreground (Ctrl-C stops
# it); elsewhere it stays in the background, and the command that stops it is printed.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node scripts/demo.mjs "$@"
