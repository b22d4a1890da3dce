#!/usr/bin/env python3
"""An Endpoint Picker under the load of a busy proxy: cores used, and how long a decision takes.

`nacelle epp` has core 0; the proxy's and the engines' side (epp_load.cc) share core 1. A request is
an ext_proc stream in full-duplex mode: headers, a chat body of about 200 tokens, then an answer of
100 events that come one by one and go back one by one. The picker's CPU time is that of /proc over
the measured seconds; scraping the engines every 50 ms is part of it.

Three rows: tokens of an endpoint's streams together, as an engine's steps make them; the same over
TLS, which is the picker's default; each stream's tokens at moments of their own, so that no two
messages share a packet.

usage: bench/epp_load.py [--rate 500] [--tokens 100] [--answer-ms 1000] [--seconds 10] [--engines 8]
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from gateway_peer import ROOT, cpu_seconds, free_port, start, wait_for  # noqa: E402

BAR_CORES, BAR_DECISION_MS = 0.3, 1.0


def machine():
    model = next(line for line in open("/proc/cpuinfo") if line.startswith("model name"))
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return f"{model.split(':')[1].strip()}, {os.cpu_count()} cores, commit {commit.stdout.strip()}"


class Setup:
    """A picker with its engines."""

    def __init__(self, args, tls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="epp-load-"))
        ports = [free_port() for _ in range(args.engines)]
        endpoints = folder / "endpoints.yaml"
        endpoints.write_text(json.dumps({"endpoints": [
            {"name": f"e{i}", "address": "127.0.0.1", "port": str(port)} for i, port in enumerate(ports)]}))
        self.load = pathlib.Path(args.binary).parent / "bench" / "epp_load"
        self.engines = start(1, self.load, "engines", *ports)
        for port in ports:
            wait_for(port)
        self.port = free_port()
        self.picker = start(0, args.binary, "epp", "--endpoints-file", endpoints, "--grpc-port", self.port,
                            "--grpc-health-port", free_port(), "--metrics-port", free_port(), "--bind-host",
                            "127.0.0.1", "--loops", 1, "--log-level", "error",
                            *([] if tls else ["--secure-serving=false"]))
        wait_for(self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.picker, self.engines):
            process.kill()
            process.wait()


def measure(setup, args, moments, transport):
    """Cores of the picker, and the words of the load's last line as numbers."""
    load = subprocess.Popen(["taskset", "-c", "1", setup.load, "streams", str(setup.port), str(args.rate),
                             str(args.seconds), str(args.tokens), str(args.answer_ms), str(args.connections), moments,
                             transport], stdout=subprocess.PIPE, text=True)
    try:
        marks = {}
        for line in load.stdout:
            if line.strip() not in ("begin", "end"):
                break
            marks[line.strip()] = cpu_seconds(setup.picker.pid)
        if load.wait() != 0:
            raise SystemExit("no stream ended")
    finally:
        load.kill()
        load.wait()
    return (marks["end"] - marks["begin"]) / args.seconds, [float(word) for word in line.split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rate", type=float, default=500, help="requests per second")
    parser.add_argument("--tokens", type=int, default=100, help="events of an answer")
    parser.add_argument("--answer-ms", type=int, default=1000, help="from its first to its last event")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--engines", type=int, default=8)
    parser.add_argument("--connections", type=int, default=2, help="of the proxy to the picker")
    parser.add_argument("--binary", default=ROOT / "build/release/nacelle")
    args = parser.parse_args()
    print(machine())
    print(f"{args.rate:g} requests/s of about 200 tokens in, {args.tokens} out over {args.answer_ms} ms, "
          f"{args.engines} engines; times in ms (bar: {BAR_CORES} core, decision p95 {BAR_DECISION_MS:g} ms)")
    print(f"{'':<12}{'cores':>7}{'us per event':>14}{'decision p50':>14}{'p95':>7}{'p99':>7}"
          f"{'event p50':>11}{'p95':>7}{'p99':>7}{'streams/s':>11}{'wrong':>7}  bar")
    for name, moments, transport in (("together", "together", "plain"), ("tls", "together", "tls"),
                                     ("apart", "apart", "plain")):
        with Setup(args, transport == "tls") as setup:
            cores, (ended, *times, wrong) = measure(setup, args, moments, transport)
        times = [value / 1e3 for value in times]
        kept = cores <= BAR_CORES and times[1] < BAR_DECISION_MS
        print(f"{name:<12}{cores:7.2f}{cores / args.rate / args.tokens * 1e6:14.2f}{times[0]:14.2f}{times[1]:7.2f}"
              f"{times[2]:7.2f}{times[3]:11.2f}{times[4]:7.2f}{times[5]:7.2f}{ended / args.seconds:11.1f}{wrong:7.0f}"
              f"  {'kept' if kept else 'missed'}", flush=True)


if __name__ == "__main__":
    main()
