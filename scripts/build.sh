#!/bin/sh
# Compiles TypeScript to dist/ and puts the files beside it that are served or read as they are.
set -eu
cd "$(dirname "$0")/.."
rm -rf dist
node_modules/.bin/tsc -p tsconfig.build.json
find api shared training -type f \( -name '*.html' -o -name '*.css' -o -name '*.svg' -o -name '*.json' \) | while read -r file; do
  mkdir -p "dist/$(dirname "$file")"
  cp "$file" "dist/$file"
done

chmod +x dist/cli/haetae.js
