#!/usr/bin/env bash
# Kernels and models against the machine's limits, the routing, start-up, wake and cluster comparisons, then every
# component's benchmarks, and the bars of the CPU engine with a verdict each. Reports go to build/bench/.
#
#   tools/bench.sh            all
#   tools/bench.sh yardstick  limits, kernels and models only (`nacelle bench kernels`)
#   tools/bench.sh routing    one part: routing, startup, peer, wake, cluster, gaps, gateway, epp, or a component that
#                             has *_bench.cc (kernels, ...)
#   tools/bench.sh ... --peer-root DIR
#                             a root folder with llama.cpp, for part peer; without it the part is left out
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/bench
mkdir -p "$out"
want=all
peer_root=
while [ $# -gt 0 ]; do
  case "$1" in
    --peer-root) peer_root=${2:?--peer-root needs a folder}; shift ;;
    *) want=$1 ;;
  esac
  shift
done
started=$(date +%s)
status=0
# A part that misses a bar fails, which hides no other part.
part() { "$@" || status=$?; }

if [ "$want" = all ] || [ "$want" = yardstick ]; then
  echo "== yardstick: this machine's limits, and how close kernels and models come"
  build/release/nacelle bench kernels --json "$out/yardstick.json" --svg "$out/roofline.svg"
fi
if [ "$want" = all ] || [ "$want" = routing ]; then
  echo
  echo "== routing: policies on real engines"
  part python3 -B bench/routing.py --binary build/release/nacelle --out "$out"
fi
if [ "$want" = all ] || [ "$want" = startup ]; then
  echo; echo "== startup: exec to /health, memory, rest, replicas"
  part python3 -B bench/startup.py --binary build/release/nacelle --out "$out"
fi
if [ "$want" = all ] || [ "$want" = peer ]; then
  echo; echo "== peer: 32 streams, beside llama.cpp's server"
  if [ -n "$peer_root" ]; then
    for width in bf16 int8; do
      part python3 -B bench/engine_peer.py --binary build/release/nacelle --out "$out" --peer-root "$peer_root" \
        --width "$width" --parts streams
    done
  else
    echo "left out: needs --peer-root DIR, a root folder with llama.cpp (docs/benchmarking.md)"
  fi
fi
if [ "$want" = all ] || [ "$want" = wake ]; then
  echo; echo "== wake: a service at zero, from the request to its first byte"
  part python3 -B bench/wake.py --binary build/release/nacelle --out "$out"
fi
if [ "$want" = all ] || [ "$want" = cluster ]; then
  echo; echo "== cluster: nacelle up as a whole: start, a second service, at rest, routes"
  part python3 -B bench/cluster.py --binary build/release/nacelle --out "$out"
fi
if [ "$want" = all ] || [ "$want" = gaps ]; then
  echo; echo "== gaps: one stream beside prompts of 44,000 tokens"
  python3 -B bench/stream_gaps.py --binary build/release/nacelle --out "$out"
fi
if [ "$want" = all ] || [ "$want" = gateway ]; then
  echo; echo "== gateway: beside HAProxy, event streams, large prompts, scraping"
  if command -v haproxy > /dev/null && command -v wrk > /dev/null && [ "$(nproc)" -ge 2 ]; then
    python3 -B bench/gateway_peer.py | tee "$out/gateway_peer.txt"
    python3 -B bench/gateway_streams.py | tee "$out/gateway_streams.txt"
    python3 -B bench/gateway_bulk.py | tee "$out/gateway_bulk.txt"
  else
    echo "left out: it needs two cores, haproxy and wrk"
  fi
fi
if [ "$want" = all ] || [ "$want" = epp ]; then
  echo; echo "== epp: the Endpoint Picker under the load of a busy proxy"
  if [ "$(nproc)" -ge 2 ]; then
    python3 -B bench/epp_load.py | tee "$out/epp_load.txt"
  else
    echo "left out: it needs two cores"
  fi
fi
for program in build/release/src/*/*_bench; do
  [ -x "$program" ] || continue
  name=$(basename "$program" _bench)
  # The yardstick has measured kernels and models already; ask for these by name.
  if [ "$want" = all ] && { [ "$name" = kernels ] || [ "$name" = model ]; }; then continue; fi
  if [ "$want" = all ] || [ "$want" = "$name" ]; then
    echo; echo "== $name"
    "$program" --benchmark_min_time=0.2 --benchmark_out="$out/$name.json" --benchmark_out_format=json 2>/dev/null
  fi
done
echo
every=; [ "$want" = all ] && every=--all
python3 -B bench/bars.py --out "$out" --since "$started" $every
echo; echo "reports: $out/"
[ "$want" = all ] || exit "$status"
