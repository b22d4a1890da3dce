#!/usr/bin/env python3
"""Large prompts through the gateway, and what scraping a hundred idle endpoints costs.

Prompts of 220 KB from 100 connections go to an engine that reads them and answers shortly; the same
load goes to the engine directly and through HAProxy. The gateway reads each body whole, finds the
model and hashes the prompt. Engines and load share core 1, each proxy has core 0. A hundred
connections keep core 1 full, so the delay is taken with four, where nothing queues but the proxy.

usage: bench/gateway_bulk.py [--seconds 4] [--binary build/release/nacelle]
"""
import argparse
import json
import pathlib
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from gateway_peer import ANSWER, ROOT, cpu_seconds, free_port, haproxy_config, start, wait_for  # noqa: E402

REPLY = (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER)
         + ANSWER.encode())
METRICS = "".join(f"# HELP vllm:{name} x\n# TYPE vllm:{name} {kind}\nvllm:{name}{{model_name=\"m\"}} {value}\n"
                  for name, kind, value in (("num_requests_running", "gauge", 3), ("num_requests_waiting", "gauge", 1),
                                            ("kv_cache_usage_perc", "gauge", 0.4),
                                            ("prompt_tokens_total", "counter", 123456),
                                            ("generation_tokens_total", "counter", 234567)))
METRICS += 'vllm:cache_config_info{block_size="16",num_gpu_blocks="20000"} 1\n'
METRICS += "".join(f'vllm:e2e_request_latency_seconds_bucket{{le="{2 ** i}",model_name="m"}} {i * 100}\n'
                   for i in range(60))
PAGE = (b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n" % len(METRICS)) + METRICS.encode()


class Engine:
    """One connection: heads and bodies are counted off, nothing is kept."""

    def __init__(self, peer):
        self.peer, self.head, self.left = peer, b"", 0

    def feed(self, data):
        while data:
            if self.left:
                used = min(self.left, len(data))
                self.left -= used
                data = data[used:]
                if self.left == 0:
                    self.peer.send(REPLY)
                continue
            self.head += bytes(data)
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data, self.head = self.head[:end].lower(), memoryview(self.head[end + 4:]), b""
            length = re.search(rb"content-length: *(\d+)", head)
            if head.startswith(b"get"):
                self.peer.send(PAGE)
            elif length and int(length.group(1)):
                self.left = int(length.group(1))
            else:
                self.peer.send(REPLY)


def serve(port, ports):
    selector = selectors.DefaultSelector()
    for one in range(port, port + ports):
        listener = socket.create_server(("127.0.0.1", one), backlog=1024)
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ)
    buffer = memoryview(bytearray(1 << 18))
    while True:
        for key, _ in selector.select():
            if key.data is None:
                peer = key.fileobj.accept()[0]
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(peer, selectors.EVENT_READ, Engine(peer))
                continue
            try:
                count = key.fileobj.recv_into(buffer)
            except OSError:
                count = 0
            if count:
                key.data.feed(buffer[:count])
            else:
                selector.unregister(key.fileobj)
                key.fileobj.close()


def wrk(port, script, seconds, connections=100):
    out = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script,
                          f"http://127.0.0.1:{port}/v1/chat/completions"], capture_output=True, text=True,
                         check=True).stdout
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
            float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit], int(bad.group(1)) if bad else 0)


def gateway(folder, binary, endpoints, interval_ms):
    port, admin = free_port(), free_port()
    config = folder / "gateway.yaml"
    listed = ", ".join(f"'127.0.0.1:{one}'" for one in endpoints)
    config.write_text(f"listen: 127.0.0.1:{port}\nadmin: 127.0.0.1:{admin}\nendpoints: [{listed}]\n"
                      f"scrape_interval_ms: {interval_ms}\n")
    process = start(0, binary, "gateway", "--config", config, "--loops", 1, "--log-level", "error")
    wait_for(port)
    return process, port


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--binary", default=ROOT / "build/release/nacelle")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--ports", type=int, default=1, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        return serve(args.serve, args.ports)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gateway-bulk-"))
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "word " * 44000}]})
    script = folder / "prompt.lua"
    script.write_text('wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
                      f"wrk.body = '{body}'\n")
    processes = []
    try:
        back = 21000
        processes.append(start(1, sys.executable, __file__, "--serve", back, "--ports", 100))
        wait_for(back + 99)
        direct, _, _ = wrk(back, script, args.seconds)
        _, direct_p99, _ = wrk(back, script, args.seconds, 4)
        print(f"bulk     {len(body)} bytes a request; direct {direct:.0f} requests/s from 100 connections, "
              f"p99 {direct_p99:.1f} ms with 4")
        peer = free_port()
        (folder / "peer.cfg").write_text(haproxy_config(peer, back))
        processes.append(start(0, "haproxy", "-f", folder / "peer.cfg"))
        wait_for(peer)
        ours, port = gateway(folder, args.binary, [back], 1000)
        processes.append(ours)
        for name, process, at in (("haproxy", processes[1], peer), ("nacelle", ours, port)):
            wrk(at, script, 1)
            used = cpu_seconds(process.pid)
            rate, _, bad = wrk(at, script, args.seconds)
            used = cpu_seconds(process.pid) - used
            _, p99, _ = wrk(at, script, args.seconds, 4)
            print(f"  {name:8} {rate:6.0f} requests/s, {rate * args.seconds / max(used, 0.01):6.0f} per CPU second, "
                  f"p99 {p99:.1f} ms, {p99 - direct_p99:+.1f} ms ({bad} failed)")
        print("  bars: 2000 per CPU second, 5 ms added")
        ours.kill()
        ours.wait()

        scraper, _ = gateway(folder, args.binary, range(back, back + 100), 100)
        processes.append(scraper)
        time.sleep(1)
        used = cpu_seconds(scraper.pid)
        time.sleep(args.seconds)
        used = cpu_seconds(scraper.pid) - used
        print(f"scraping 100 endpoints every 100 ms, {len(METRICS)} bytes each: {used / args.seconds:.3f} cores "
              f"(bar 0.1: {used / args.seconds / 0.1:.2f} x)")
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return None


if __name__ == "__main__":
    main()
