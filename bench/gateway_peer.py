#!/usr/bin/env python3
"""Our gateway beside HAProxy, in front of the same trivial back end: throughput and added latency.

The load is a 1 KB chat body. The gateway extracts the model and counts its metrics; HAProxy only passes
on. The back end (HAProxy answering by itself) and the load (wrk) share core 1.

Added latency: each proxy shares that core, too. The direct way crosses no cores, and on a virtual machine
each crossing costs 20 us and more, which would be counted as the proxy's.
`bare` passes bytes on and looks at none (bare_forwarder.cc): what any proxy adds at least.
Throughput: each proxy runs alone on core 0. On a machine where the load's core is full before the
proxy's, requests per second of the proxy's CPU time are the comparison; both are printed.

usage: bench/gateway_peer.py [--seconds 4] [--connections 32] [--binary build/release/nacelle]
"""
import argparse
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ANSWER = json.dumps({"id": "x", "object": "chat.completion", "model": "m",
                     "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"},
                                  "finish_reason": "stop"}]})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise SystemExit(f"nothing listens on port {port}")


def start(core, *command):
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def move(pid, core):
    """All threads of a process."""
    subprocess.run(["taskset", "-a", "-p", "-c", str(core), str(pid)], check=True, stdout=subprocess.DEVNULL)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrk(port, script, seconds, connections):
    """Requests per second, median latency in microseconds, answers that were no 200."""
    out = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script,
         f"http://127.0.0.1:{port}/v1/chat/completions"], capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    value, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", out).groups()
    median = float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return rate, median, int(bad.group(1)) if bad else 0


def haproxy_config(port, server=None):
    text = ("global\n  nbthread 1\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 5s\n"
            "  timeout client 60s\n  timeout server 60s\n  option http-keep-alive\n"
            f"frontend f\n  bind 127.0.0.1:{port}\n")
    if server is None:
        return text + f"  http-request return status 200 content-type application/json string '{ANSWER}'\n"
    return text + f"  default_backend b\nbackend b\n  http-reuse always\n  server s 127.0.0.1:{server}\n"


def bare_forwarder(binary):
    source, program = ROOT / "bench/bare_forwarder.cc", pathlib.Path(binary).parent / "bare_forwarder"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["g++", "-std=c++20", "-O2", "-o", program, source], check=True)
    return program


def gateway_config(port, admin, backend, policy):
    return (f"listen: 127.0.0.1:{port}\nadmin: 127.0.0.1:{admin}\nendpoints: ['127.0.0.1:{backend}']\n"
            f"policy: {policy}\nscrape_interval_ms: 1000\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--policy", default="prefix-aware")
    parser.add_argument("--binary", default=ROOT / "build/release/nacelle")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gateway-peer-"))
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "a" * 930}], "max_tokens": 16})
    script = folder / "chat.lua"
    script.write_text('wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
                      f"wrk.body = '{body}'\n")
    back, bare, peer, ours, admin = (free_port() for _ in range(5))
    (folder / "back.cfg").write_text(haproxy_config(back))
    (folder / "peer.cfg").write_text(haproxy_config(peer, back))
    (folder / "gateway.yaml").write_text(gateway_config(ours, admin, back, args.policy))
    processes = []
    try:
        processes.append(start(1, "haproxy", "-f", folder / "back.cfg"))
        wait_for(back)
        _, direct, _ = wrk(back, script, max(1, args.seconds // 2), 1)
        results = {}
        for name, port, command in (("bare", bare, [bare_forwarder(args.binary), bare, back]),
                                    ("haproxy", peer, ["haproxy", "-f", folder / "peer.cfg"]),
                                    ("nacelle", ours, [args.binary, "gateway", "--config", folder / "gateway.yaml",
                                                       "--loops", 1, "--log-level", "error"])):
            process = start(1, *command)
            processes.append(process)
            wait_for(port)
            _, median, _ = wrk(port, script, max(1, args.seconds // 2), 1)
            move(process.pid, 0)
            before = cpu_seconds(process.pid)
            rate, _, bad = wrk(port, script, args.seconds, args.connections)
            used = cpu_seconds(process.pid) - before
            results[name] = (rate, rate * args.seconds / max(used, 0.01), median - direct)
            print(f"{name:8} {rate:9.0f} requests/s  {results[name][1]:9.0f} per CPU second  "
                  f"added p50 {median - direct:6.1f} us  ({bad} failed)")
            process.terminate()
            process.wait()
        ratio = results["nacelle"][1] / results["haproxy"][1]
        print(f"direct p50 {direct:.1f} us; throughput per core {ratio:.2f} x HAProxy (bar 0.70); "
              f"added p50 {results['nacelle'][2]:.1f} us (bar 25, and {2 * results['haproxy'][2]:.1f} = 2 x HAProxy; "
              f"bare forwarding {results['bare'][2]:.1f})")
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
