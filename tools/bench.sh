#!/usr/bin/env bash
# The routing and start-up comparisons, then every component's benchmarks. Reports go to build/bench/.
#
#   tools/bench.sh            all
#   tools/bench.sh routing    one part: routing, startup, or a component that has *_bench.cc (kernels, tokenizer, ...)
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/bench
mkdir -p "$out"
want=${1:-all}

if [ "$want" = all ] || [ "$want" = routing ]; then
  echo "== routing: policies on real engines"
  python3 -B bench/routing.py --binary build/release/nacelle --out "$out"
fi
if [ "$want" = all ] || [ "$want" = startup ]; then
  echo; echo "== startup: exec to /health, memory, replicas"
  python3 -B bench/startup.py --binary build/release/nacelle --out "$out"
fi
for program in build/release/src/*/*_bench; do
  [ -x "$program" ] || continue
  name=$(basename "$program" _bench)
  if [ "$want" = all ] || [ "$want" = "$name" ]; then
    echo; echo "== $name"
    "$program" --benchmark_min_time=0.2 --benchmark_out="$out/$name.json" --benchmark_out_format=json 2>/dev/null
  fi
done
echo; echo "reports: $out/"
