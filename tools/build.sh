#!/usr/bin/env bash
# tools/build.sh PRESET JOBS: configures once, then builds with progress.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1 jobs=${2:-2}
folder=build/$preset

if [ ! -f "$folder/build.ninja" ]; then
  mkdir -p "$folder"
  cmake --preset "$preset" > "$folder/configure.log" 2>&1 || { cat "$folder/configure.log" >&2; exit 1; }
fi
# Paths in the cache are relative to the checkout: a second clone compiles from the first one's results.
# A precompiled header of 200 MB is hashed once, not for every file that uses it.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_INODECACHE=1
export NINJA_STATUS="[%f/%t %p %es] "
if [ -t 1 ]; then
  exec ninja -C "$folder" -j "$jobs"
fi
# Without a terminal: a line every 25 steps, and everything when it fails.
log=$folder/build.log
if ! ninja -C "$folder" -j "$jobs" > >(tee "$log" | awk 'NR % 25 == 0 { print $1, $2, $3; fflush() }') 2>&1; then
  grep -v '^\[' "$log" | head -n 100 >&2
  exit 1
fi
