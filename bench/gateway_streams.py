#!/usr/bin/env python3
"""Event streams through the gateway: memory of idle ones, delay of many busy ones.

The engine's side and the client's side are one small event loop each, in processes of their own on
core 1; the gateway has core 0. Every event carries the time it was written at, so the client knows
its delay. The same load is measured without the gateway, and the difference is what it adds.

usage: bench/gateway_streams.py [--idle 10000] [--streams 1000] [--rate 50] [--seconds 5]
"""
import argparse
import os
import pathlib
import resource
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from gateway_peer import ROOT, cpu_seconds, free_port, start, wait_for  # noqa: E402

HEAD = (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
BODY = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hello"}]}'
REQUEST = (b"POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
           b"content-length: %d\r\n\r\n" % len(BODY)) + BODY
FILLER = "x" * 150  # an event of a chat stream has about 200 bytes


def chunk():
    event = b'data: {"t":%d,"d":"%s"}\n\n' % (time.monotonic_ns(), FILLER.encode())
    return b"%x\r\n%s\r\n" % (len(event), event)


def serve(port, rate):
    """Answers every request with a stream: one event, then `rate` a second (0: none)."""
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    slots = 50  # the streams' events are spread over their period
    groups = [set() for _ in range(slots)]
    count, turn, due = 0, 0, time.monotonic()
    while True:
        pause = max(0.0, due - time.monotonic()) if rate else 1.0
        for key, _ in selector.select(pause):
            if key.fileobj is listener:
                while True:
                    try:
                        peer = listener.accept()[0]
                    except BlockingIOError:
                        break
                    peer.setblocking(False)
                    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(peer, selectors.EVENT_READ)
                continue
            peer = key.fileobj
            try:
                data = peer.recv(65536)
            except OSError:
                data = b""
            if data.startswith(b"POST"):
                peer.send(HEAD + chunk())
                groups[count % slots].add(peer)
                count += 1
            elif data.startswith(b"GET"):
                peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            elif not data:
                selector.unregister(peer)
                for group in groups:
                    group.discard(peer)
                peer.close()
        while rate and time.monotonic() >= due:
            for peer in list(groups[turn % slots]):
                try:
                    peer.send(chunk())
                except OSError:
                    groups[turn % slots].discard(peer)
            turn += 1
            due += 1 / rate / slots


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


def delays(port, count, seconds):
    """Microseconds from write to receipt of each event, over `count` streams."""
    peers = open_streams(port, count)
    selector = selectors.DefaultSelector()
    for peer in peers:
        selector.register(peer, selectors.EVENT_READ)
    found, end = [], time.monotonic() + seconds + 1
    begin = end - seconds  # the first second is not counted
    while (now := time.monotonic()) < end:
        for key, _ in selector.select(0.1):
            data = key.fileobj.recv(65536)
            if not data:
                raise SystemExit("a stream ended")
            if now < begin:
                continue
            arrived = time.monotonic_ns()
            for piece in data.split(b'"t":')[1:]:
                found.append((arrived - int(piece.split(b",", 1)[0])) / 1e3)
    for peer in peers:
        peer.close()
    return found


def resident_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Setup:
    def __init__(self, binary, rate):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gateway-streams-"))
        self.back, self.port, admin = free_port(), free_port(), free_port()
        config = self.folder / "gateway.yaml"
        config.write_text(f"listen: 127.0.0.1:{self.port}\nadmin: 127.0.0.1:{admin}\n"
                          f"endpoints: ['127.0.0.1:{self.back}']\nscrape_interval_ms: 1000\n")
        self.engine = start(1, sys.executable, __file__, "--serve", self.back, "--rate", rate)
        wait_for(self.back)
        self.gateway = start(0, binary, "gateway", "--config", config, "--loops", 1, "--log-level", "error")
        wait_for(self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.gateway, self.engine):
            process.kill()
            process.wait()


def client(port, streams, seconds):
    out = subprocess.run(["taskset", "-c", "1", sys.executable, __file__, "--client", str(port),
                          "--streams", str(streams), "--seconds", str(seconds)],
                         capture_output=True, text=True, check=True).stdout
    return [float(value) for value in out.split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--idle", type=int, default=10000)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--binary", default=ROOT / "build/release/nacelle")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--client", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    args.idle = min(args.idle, hard // 2 - 500)  # the gateway has two sockets per stream
    if args.serve:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        return serve(args.serve, args.rate)
    if args.client:
        values = sorted(delays(args.client, args.streams, args.seconds))
        print(len(values), statistics.median(values), values[int(0.99 * (len(values) - 1))])
        return None

    with Setup(args.binary, 0) as setup:
        warm = open_streams(setup.port, 100)
        before = resident_bytes(setup.gateway.pid)
        peers = open_streams(setup.port, args.idle)
        each = (resident_bytes(setup.gateway.pid) - before) / args.idle
        print(f"idle     {args.idle} streams: {each / 1024:.1f} KiB each of the gateway's memory "
              f"(bar 40 KB: {each / 40000:.2f} x)")
        del warm, peers
    with Setup(args.binary, args.rate) as setup:
        direct = client(setup.back, args.streams, args.seconds)
        used = cpu_seconds(setup.gateway.pid)
        through = client(setup.port, args.streams, args.seconds)
        used = cpu_seconds(setup.gateway.pid) - used
        wanted = args.streams * args.rate * args.seconds
        print(f"streams  {args.streams} at {args.rate:g} events/s: {through[0] / wanted:.2f} of the events came "
              f"in time ({direct[0] / wanted:.2f} without the gateway)")
        print(f"         delay p50 {direct[1] / 1e3:.2f} -> {through[1] / 1e3:.2f} ms, "
              f"p99 {direct[2] / 1e3:.2f} -> {through[2] / 1e3:.2f} ms: "
              f"{(through[2] - direct[2]) / 1e3:.2f} ms added (bar 5 ms)")
        print(f"         {used * 1e6 / (through[0] * (args.seconds + 1) / args.seconds):.1f} us of CPU per event")
    return None


if __name__ == "__main__":
    main()
