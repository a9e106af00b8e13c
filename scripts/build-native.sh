#!/bin/sh
# Compiles the FAISS addon into build/faiss.node with plain g++: libfaiss and OpenBLAS from the system, Node's
# headers from npm (node-api-headers, node-addon-api). Nothing is downloaded. Does nothing where the sources,
# the flags and libfaiss are those of the last build.
#
#   sh scripts/build-native.sh [--force]      CXX, CXXFLAGS, LDFLAGS are honoured.
#
# Not covered: systems other than Linux; there the exact scan in JavaScript serves flat indices.
set -eu
cd "$(dirname "$0")/.."

started=$(date +%s)
cxx=${CXX:-g++}
out=build/faiss.node
install='apt-get install -y g++ libfaiss-dev libopenblas-dev'

fail() {
  echo "build-native: $1" >&2
  exit 1
}

command -v "$cxx" >/dev/null 2>&1 || fail "no C++ compiler ($cxx). Run (as root): $install"
for header in node_modules/node-api-headers/include/node_api.h node_modules/node-addon-api/napi.h; do
  [ -f "$header" ] || fail "$header is missing. Run: npm ci"
done

includes='-I node_modules/node-api-headers/include -I node_modules/node-addon-api'
flags="-std=c++17 -O2 -g1 -fPIC -fopenmp -fvisibility=hidden -Wall -Wno-psabi -DNAPI_VERSION=8 -DNAPI_CPP_EXCEPTIONS -DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS ${CXXFLAGS:-}"
# -z nodelete: OpenBLAS and libgomp own threads and exit handlers, so the addon must never be unmapped.
link="-shared -fopenmp -Wl,-z,nodelete -Wl,--exclude-libs,ALL ${LDFLAGS:-}"

# The preprocessor tells whether FAISS's headers are there, and of which version.
probe=$(printf '#include <faiss/Index.h>\nHAETAE FAISS_VERSION_MAJOR.FAISS_VERSION_MINOR.FAISS_VERSION_PATCH\n' |
  "$cxx" -std=c++17 -E -P -x c++ - 2>/dev/null | sed -n 's/^HAETAE //p' | tr -d ' ') || true
case $probe in
[0-9]*) ;;
*) fail "the headers of FAISS are missing. Run (as root): $install" ;;
esac
archive=$("$cxx" -print-file-name=libfaiss.a)
[ "$archive" != libfaiss.a ] || archive=$("$cxx" -print-file-name=libfaiss.so)
[ "$archive" != libfaiss.so ] || fail "libfaiss is missing. Run (as root): $install"
[ "$("$cxx" -print-file-name=libopenblas.so)" != libopenblas.so ] || fail "libopenblas is missing. Run (as root): $install"

stamp=$({
  cat native/faiss/*.h native/faiss/*.cc scripts/build-native.sh node_modules/node-addon-api/package.json
  echo "$("$cxx" -dumpfullversion) $("$cxx" -dumpmachine) $flags $link $probe"
  ls -lL "$archive"
} | cksum)
if [ "${1:-}" != --force ] && [ -f "$out" ] && [ "$(cat build/faiss.stamp 2>/dev/null)" = "$stamp" ]; then
  echo "build-native: $out is up to date (FAISS $probe)"
  exit 0
fi

# Build in a folder of this run's own and rename at the end: two runs at once do not mix, a failed one leaves
# the old addon in place.
mkdir -p build
work=build/native.$$
mkdir "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
pids=
for source in native/faiss/*.cc; do
  # shellcheck disable=SC2086
  "$cxx" $flags $includes -c "$source" -o "$work/$(basename "$source" .cc).o" &
  pids="$pids $!"
done
for pid in $pids; do
  wait "$pid" || fail 'compiling failed: see the messages above'
done
# shellcheck disable=SC2086
"$cxx" $link -o "$work/faiss.node" "$work"/*.o "$archive" -lopenblas -llapack ||
  fail "linking failed: see the messages above. If a library is missing, run (as root): $install"
mv "$work/faiss.node" "$out"
printf '%s\n' "$stamp" >build/faiss.stamp
echo "build-native: $out built in $(($(date +%s) - started)) s (FAISS $probe)"
