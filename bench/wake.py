#!/usr/bin/env python3
"""Wake from zero: from a request to its first byte, and what of it is not the engine's own start.

A `nacelle up` with the demo model gets a service that may have no replica. Each turn waits until it has none,
sends one streamed request through the gateway, and follows it by the clock: the pod's states by a watch, the
container's start by /proc, the engine's by the first and the last line that it writes while it starts. Beyond the
engine is the whole less two times that are measured in the same turn without a cluster: exec of the same engine
to its first /health 200, and the first byte of a request sent to the engine itself. Prints a table and writes
wake.json to --out.

    bench/wake.py --binary build/release/nacelle --out build/bench
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import startup  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
BAR_MS = 100
TICK_S = 1 / os.sysconf("SC_CLK_TCK")

SERVICE = """
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: sleeper, namespace: default, annotations: {nacelle.dev/scale-to-zero-after: 3s, nacelle.dev/scale-down-period: 1s}}
spec:
  model: {id: sleeper, source: {uri: "file://%s"}}
  engine: {args: %s}
  replicas: 0
  autoscaling:
    minReplicas: 0
    maxReplicas: 1
    scaleDownStabilizationSeconds: 0
    metrics: [{type: RequestQueue, requestQueue: {targetAverageQueueDepth: 8}}]
"""
PHASES = ("pod made", "pod bound to a node", "container started", "engine's first words", "engine started",
          "pod ready", "first byte")


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="build/release/nacelle")
    parser.add_argument("--out", default="build/bench", type=pathlib.Path)
    parser.add_argument("--runs", default=5, type=int, help="wakes; the median is shown")
    parser.add_argument("--model", default=ROOT / "models" / "demo", type=pathlib.Path)
    parser.add_argument("--flags", default="", help="more flags of the engine, separated by spaces")
    return parser.parse_args()


def first_byte(host, port, path):
    """Seconds from sending a streamed request of one token to the first byte of its answer."""
    body = json.dumps({"model": "sleeper", "prompt": f"At {time.monotonic()} Nacelle", "max_tokens": 1,
                       "stream": True}).encode()
    head = (f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode()
    with socket.create_connection((host, port), timeout=150) as peer:
        began = time.monotonic()
        peer.sendall(head + body)
        answer = peer.recv(65536)
        seconds = time.monotonic() - began
        while piece := peer.recv(65536):
            answer += piece
    if not answer.startswith(b"HTTP/1.1 200") or b"[DONE]" not in answer:
        raise SystemExit(f"no whole answer: {answer[:400]}")
    return seconds


class PodWatch:
    """When the service's pods were seen to be in each state, by uid."""

    def __init__(self, up):
        self.seen = {}
        server, token, context = up.credentials()
        request = urllib.request.Request(
            f"{server}/api/v1/namespaces/default/pods?watch=true&labelSelector=app.kubernetes.io/name%3Dsleeper",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})
        self.answer = urllib.request.urlopen(request, context=context)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.answer:
            now = time.time()
            pod = json.loads(line)["object"]
            seen = self.seen.setdefault(pod["metadata"]["uid"], {"name": pod["metadata"]["name"]})
            status = pod.get("status") or {}
            ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or [])
            seen.setdefault("pod made", now)
            if pod["spec"].get("nodeName"):
                seen.setdefault("pod bound to a node", now)
            if ready:
                seen.setdefault("pod ready", now)


def process_start(pid):
    """When the process began, to half a tick of the kernel's clock."""
    ticks = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - (ticks + 0.5) * TICK_S
    return time.time() - age


def said(up, pod):
    """When the engine wrote its first line, and when that it had started."""
    server, token, context = up.credentials()
    request = urllib.request.Request(f"{server}/api/v1/namespaces/default/pods/{pod}/log?timestamps=true",
                                     headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, context=context) as answer:
        lines = answer.read().decode().splitlines()

    def moment(line):
        when = re.match(r"(\S+?)(\.\d+)?Z ", line)
        return datetime.datetime.fromisoformat(when.group(1) + "+00:00").timestamp() + float(when.group(2) or 0)
    started = [moment(line) for line in lines if "Application startup complete" in line]
    if not started:
        raise SystemExit(f"the engine of pod {pod} did not say that it had started")
    return moment(lines[0]), started[0]


def engine_alone(args, flags):
    """Seconds from exec of the engine to its first /health 200, and to a first byte of it."""
    port = startup.free_port()
    command = [args.binary, "serve", args.model, "--served-model-name", "sleeper", "--host", "127.0.0.1", "--port",
               port, *flags]
    began = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not startup.healthy(port):
            if process.poll() is not None or time.monotonic() - began > 120:
                raise SystemExit(f"the engine alone did not start: {command}")
            time.sleep(0.001)
        seconds = time.monotonic() - began
        return seconds, first_byte("127.0.0.1", port, "/v1/completions")
    finally:
        process.kill()
        process.wait()


def wait_for_zero(up, harness, path):
    """No replica is wanted, and no process of one is left."""
    harness.wait_until(lambda: not up.pods("app.kubernetes.io/name=sleeper") and
                       (up.get(path).get("status") or {}).get("desiredReplicas") == 0, 120, "no replica is left")
    harness.wait_until(lambda: up.request("GET", "/default/sleeper/v1/models").status == 503, 30, "its route")


def wake(up, harness, watch):
    """Seconds from the request to each phase."""
    before, engines = set(watch.seen), set(up.engine_pids())
    began = time.time()
    total = first_byte("127.0.0.1", up.port, "/default/sleeper/v1/completions")
    # This watch may hear of it after the gateway's.
    harness.wait_until(lambda: any("pod ready" in watch.seen[pod] for pod in set(watch.seen) - before), 10,
                       "the pod in the watch")
    seen, = (watch.seen[pod] for pod in set(watch.seen) - before)
    pid, = set(up.engine_pids()) - engines
    first_words, started = said(up, seen["name"])
    moments = {**seen, "container started": process_start(pid), "engine's first words": first_words,
               "engine started": started}
    return {**{phase: moments[phase] - began for phase in PHASES[:-1]}, "first byte": total}


def main():
    args = parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    os.environ["NACELLE"] = str(pathlib.Path(args.binary).resolve())
    sys.path.insert(0, str(ROOT / "tests" / "integration"))
    import cluster  # noqa: E402  the tests' way of starting a cluster
    import harness  # noqa: E402

    path = f"{cluster.SCALED_SERVICES}/sleeper"
    up = cluster.Cluster(engines=1)
    try:
        up.wait_ready("demo")
        flags = ["--kv-cache-memory-bytes", "64M", *args.flags.split()]
        up.apply(path, SERVICE % (args.model.resolve(), json.dumps(flags)))
        up.wait_ready("sleeper", services=cluster.SCALED_SERVICES)
        watch = PodWatch(up)
        turns = []
        for _ in range(args.runs):
            wait_for_zero(up, harness, path)
            turn = wake(up, harness, watch)
            wait_for_zero(up, harness, path)
            turn["engine alone: exec to /health"], turn["engine alone: first byte"] = engine_alone(args, flags)
            turn["beyond the engine"] = turn["first byte"] - sum(
                turn[f"engine alone: {part}"] for part in ("exec to /health", "first byte"))
            turns.append(turn)
    finally:
        up.close()

    print(f"{startup.machine()}; {args.model.name}; {args.runs} wakes, milliseconds: median (best .. worst)")
    for name in turns[0]:
        values = sorted(1000 * turn[name] for turn in turns)
        print(f"{'request to ' + name if name in PHASES else name:<36}{statistics.median(values):>8.0f} "
              f"({values[0]:.0f} .. {values[-1]:.0f})")
    beyond = statistics.median(1000 * turn["beyond the engine"] for turn in turns)
    print(f"bar {BAR_MS} ms beyond the engine: {'met' if beyond <= BAR_MS else 'MISSED'}")
    result = {"machine": startup.machine(), "bar_ms": BAR_MS, "turns": turns}
    (args.out / "wake.json").write_text(json.dumps(result, indent=1))
    return 0 if beyond <= BAR_MS else 1


if __name__ == "__main__":
    sys.exit(main())
