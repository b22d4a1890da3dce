#!/usr/bin/env bash
# Runs every test of the release build; ends on ctest's summary. `make test` has built it already.
set -euo pipefail
cd "$(dirname "$0")/.."

python3 tools/check_includes.py src
if [ tests/clients/package-lock.json -nt tests/clients/node_modules/.package-lock.json ]; then
  echo "installing the npm client libraries that the tests use"
  npm --prefix tests/clients ci --silent --no-audit --no-fund
fi
tools/debian_kubectl.sh
ctest --test-dir build/release --output-on-failure -j "${JOBS:-2}" "$@"
