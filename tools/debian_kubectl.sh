#!/usr/bin/env bash
# Debian's kubectl (1.20) for the tests, in build/debian-kubectl, where the one that is installed is another: the
# oldest and a current one are both driven. Needs no root; does nothing when Debian's is installed or there already.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=build/debian-kubectl
[ -x "$folder/usr/bin/kubectl" ] && exit 0
[ "$(dpkg-query -W -f '${db:Status-Status}' kubernetes-client 2>/dev/null)" = installed ] && exit 0

echo "fetching Debian's kubectl for the tests"
mkdir -p "$folder"
cd "$folder"
fetch() { apt-get download kubernetes-client; }
if ! { fetch || { [ "$(id -u)" -eq 0 ] && apt-get update && fetch; }; } >log 2>&1; then
  tail -n 5 log >&2
  echo "could not fetch Debian's kubectl: the tests of kubectl run with what is installed only" >&2
  exit 0
fi
dpkg -x kubernetes-client_*.deb .
rm -f kubernetes-client_*.deb log
