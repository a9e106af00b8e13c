#!/bin/sh
# Compiles the addons into build/ with plain g++ and Node's headers from npm (node-api-headers, node-addon-api):
#
#   lm.node      sessions of ONNX Runtime with our own operators; needs nothing else
#   faiss.node   FAISS; needs libfaiss and OpenBLAS from the system
#
# Nothing is downloaded. An addon whose sources, flags and libraries are those of the last build is left alone.
#
#   sh scripts/build-native.sh [lm] [faiss] [--force]      default: both. CXX, CXXFLAGS, LDFLAGS are honoured.
#
# Not covered: systems other than Linux. Without the addons an exact scan in JavaScript serves flat indices, and
# ONNX Runtime's own operators the language model and its training.
set -eu
cd "$(dirname "$0")/.."

cxx=${CXX:-g++}
force=
wanted=
for argument in "$@"; do
  case $argument in
  --force) force=yes ;;
  lm | faiss) wanted="$wanted $argument" ;;
  *)
    echo "build-native: there is no addon '$argument'; there are lm and faiss" >&2
    exit 2
    ;;
  esac
done

fail() {
  echo "build-native: $1" >&2
  exit 1
}

command -v "$cxx" >/dev/null 2>&1 || fail "no C++ compiler ($cxx). Run (as root): apt-get install -y g++"
for header in node_modules/node-api-headers/include/node_api.h node_modules/node-addon-api/napi.h; do
  [ -f "$header" ] || fail "$header is missing. Run: npm ci"
done

includes='-I node_modules/node-api-headers/include -I node_modules/node-addon-api'
common="-std=c++17 -g1 -fPIC -fvisibility=hidden -Wall -DNAPI_VERSION=8 -DNAPI_CPP_EXCEPTIONS -DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"

# build NAME FLAGS LINK LIBRARIES DEPENDS: native/NAME/*.cc -> build/NAME.node; DEPENDS: whatever else it is built from.
build() {
  name=$1 flags="$common $2 ${CXXFLAGS:-}" link="-shared $3 ${LDFLAGS:-}" libraries=$4
  started=$(date +%s)
  stamp=$({
    cat native/"$name"/*.h native/"$name"/*.cc scripts/build-native.sh node_modules/node-addon-api/package.json
    echo "$("$cxx" -dumpfullversion) $("$cxx" -dumpmachine) $flags $link $libraries $5"
  } | cksum)
  if [ -z "$force" ] && [ -f "build/$name.node" ] && [ "$(cat "build/$name.stamp" 2>/dev/null)" = "$stamp" ]; then
    echo "build-native: build/$name.node is up to date"
    return
  fi
  # Build in a folder of this run's own and rename at the end: two runs at once do not mix, a failed one leaves
  # the old addon in place.
  mkdir -p build
  work=build/$name.$$
  mkdir "$work"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM
  pids=
  for source in native/"$name"/*.cc; do
    # shellcheck disable=SC2086
    "$cxx" $flags $includes -c "$source" -o "$work/$(basename "$source" .cc).o" &
    pids="$pids $!"
  done
  for pid in $pids; do
    wait "$pid" || fail "compiling $name failed: see the messages above"
  done
  # shellcheck disable=SC2086
  "$cxx" $link -o "$work/$name.node" "$work"/*.o $libraries ||
    fail "linking $name failed: see the messages above"
  mv "$work/$name.node" "build/$name.node"
  printf '%s\n' "$stamp" >"build/$name.stamp"
  rm -rf "$work"
  echo "build-native: build/$name.node built in $(($(date +%s) - started)) s"
}

build_lm() {
  # GCC warns of its own AVX-512 headers. -O3: the kernels' small loops have to be unrolled.
  build lm '-O3 -Wno-uninitialized -Wno-maybe-uninitialized' '' '-ldl' ''
}

build_faiss() {
  install='apt-get install -y g++ libfaiss-dev libopenblas-dev'
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
  [ "$("$cxx" -print-file-name=libopenblas.so)" != libopenblas.so ] ||
    fail "libopenblas is missing. Run (as root): $install"
  # -z nodelete: OpenBLAS and libgomp own threads and exit handlers, so the addon must never be unmapped.
  build faiss '-O2 -fopenmp -Wno-psabi' '-fopenmp -Wl,-z,nodelete -Wl,--exclude-libs,ALL' \
    "$archive -lopenblas -llapack" "$probe $(ls -lL "$archive")"
}

for addon in ${wanted:-lm faiss}; do
  "build_$addon"
done
