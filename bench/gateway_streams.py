#!/usr/bin/env python3
"""Event streams through the gateway: memory of idle ones, delay of many busy ones.

The engine's side and the client's side are one small event loop each (stream_load.cc), in processes
of their own on core 1; the proxy has core 0. Every event carries the time it was written at, so the
client knows its delay. The same load is measured without a proxy, and through HAProxy where there is
one: the difference is what each adds.

usage: bench/gateway_streams.py [--idle 10000] [--streams 1000] [--rate 50] [--seconds 5]
"""
import argparse
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from gateway_peer import ROOT, cpu_seconds, free_port, haproxy_config, start, wait_for  # noqa: E402

BODY = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hello"}]}'
REQUEST = (b"POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
           b"content-length: %d\r\n\r\n" % len(BODY)) + BODY


def load_program(binary):
    """The two ends: compiled once per source, beside the binary."""
    source, program = ROOT / "bench/stream_load.cc", pathlib.Path(binary).parent / "stream_load"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["g++", "-std=c++20", "-O2", source, "-o", program], check=True)
    return program


def open_streams(port, count):
    """Connected sockets whose stream has begun."""
    peers = []
    for begin in range(0, count, 200):
        batch = []
        for _ in range(min(200, count - begin)):
            peer = socket.create_connection(("127.0.0.1", port))
            peer.sendall(REQUEST)
            batch.append(peer)
        for peer in batch:
            peer.settimeout(20)
            data = b""
            while b"data: " not in data:
                more = peer.recv(4096)
                if not more:
                    raise SystemExit(f"a stream was refused: {data!r}")
                data += more
            peer.setblocking(False)
        peers += batch
    return peers


def resident_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Setup:
    def __init__(self, args, rate):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="gateway-streams-"))
        self.load = load_program(args.binary)
        self.back, self.port, admin, self.peer_port = (free_port() for _ in range(4))
        config = folder / "gateway.yaml"
        config.write_text(f"listen: 127.0.0.1:{self.port}\nadmin: 127.0.0.1:{admin}\n"
                          f"endpoints: ['127.0.0.1:{self.back}']\nscrape_interval_ms: 1000\n")
        self.engine = start(1, self.load, "serve", self.back, rate)
        wait_for(self.back)
        self.gateway = start(0, args.binary, "gateway", "--config", config, "--loops", 1, "--log-level", "error")
        self.haproxy = None
        if rate and shutil.which("haproxy"):
            peer = folder / "haproxy.cfg"
            peer.write_text(haproxy_config(self.peer_port, self.back))
            self.haproxy = start(0, "haproxy", "-f", peer)
            wait_for(self.peer_port)
        wait_for(self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in filter(None, (self.gateway, self.haproxy, self.engine)):
            process.kill()
            process.wait()


def read(setup, port, args):
    """Events that came, p50 and p99 of their delay in microseconds."""
    out = subprocess.run(["taskset", "-c", "1", setup.load, "read", str(port), str(args.streams), str(args.seconds)],
                         capture_output=True, text=True, check=True).stdout
    return [float(value) for value in out.split()]


def measure_proxy(setup, name, port, pid, direct, args):
    used = cpu_seconds(pid)
    events, median, p99 = read(setup, port, args)
    used = (cpu_seconds(pid) - used) * 1e6 / (events * (args.seconds + 1) / args.seconds)
    share = events / (args.streams * args.rate * args.seconds)
    print(f"{name:<9}{median / 1e3:9.2f}{p99 / 1e3:9.2f}{(p99 - direct[2]) / 1e3:12.2f}{used:14.1f}{share:14.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--idle", type=int, default=10000)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--binary", default=ROOT / "build/release/nacelle")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    args.idle = min(args.idle, hard // 2 - 500)  # the gateway has two sockets per stream

    if args.idle > 0:
        with Setup(args, 0) as setup:
            warm = open_streams(setup.port, 100)
            before = resident_bytes(setup.gateway.pid)
            peers = open_streams(setup.port, args.idle)
            each = (resident_bytes(setup.gateway.pid) - before) / args.idle
            print(f"{args.idle} idle streams: {each / 1024:.1f} KiB each of the gateway's memory "
                  f"(bar 40 KB: {each / 40000:.2f} x)")
            del warm, peers
    with Setup(args, args.rate) as setup:
        print(f"{args.streams} streams at {args.rate:g} events/s; delay in ms (bar: 5 added at p99)")
        print(f"{'':<9}{'p50':>9}{'p99':>9}{'p99 added':>12}{'us per event':>14}{'in time':>14}")
        direct = read(setup, setup.back, args)
        print(f"{'direct':<9}{direct[1] / 1e3:9.2f}{direct[2] / 1e3:9.2f}")
        measure_proxy(setup, "nacelle", setup.port, setup.gateway.pid, direct, args)
        if setup.haproxy:
            measure_proxy(setup, "HAProxy", setup.peer_port, setup.haproxy.pid, direct, args)


if __name__ == "__main__":
    main()
