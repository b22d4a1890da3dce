#!/usr/bin/env bash
# tools/build.sh PRESET JOBS: configures once, then builds. Prints one progress line per second at most.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1 jobs=${2:-2}
folder=build/$preset

if [ ! -f "$folder/build.ninja" ]; then
  mkdir -p "$folder"
  cmake --preset "$preset" > "$folder/configure.log" 2>&1 || { cat "$folder/configure.log" >&2; exit 1; }
fi
export NINJA_STATUS="[%f/%t %p %es] "
ninja -C "$folder" -j "$jobs" --quiet 2>/dev/null || ninja -C "$folder" -j "$jobs"
