#!/usr/bin/env python3
"""Start-up of one engine: seconds from exec to the first /health 200, what stays in memory, and rest.

Memory is measured after start-up and again after a prompt of 2,048 tokens and 32 streams of 128 tokens in
and 32 out; pages of the KV cache are not counted. The engine then rests for 10 seconds, and the processor
time it takes meanwhile is that of an idle engine.

A model of the shape of Qwen3-0.6B with random weights is made once under --out (1.2 GB, and as much again
for its packed weights). Everything is read from the page cache. Prints a table against the bars of the
project and writes startup.json to --out.

    bench/startup.py --binary build/release/nacelle --out build/bench
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import real_size_model  # noqa: E402

KV_BYTES = "128M"
MAX_MODEL_LEN = 1024
SERVING_KV_BYTES = "768M"  # holds the long prompt, then all streams
SERVING_MAX_MODEL_LEN = 4096
LONG_PROMPT, STREAMS, STREAM_IN, STREAM_OUT = 2048, 32, 128, 32
SETTLE_S, REST_S = 2, 10
BARS = {"start_without_cache_s": 1.5, "start_with_cache_s": 0.5, "beyond_weights_and_kv_mib": 150,
        "idle_percent_of_a_core": 0.5}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="build/release/nacelle")
    parser.add_argument("--out", default="build/bench", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, help="folder to start instead of the made-up one")
    parser.add_argument("--runs", default=5, type=int, help="starts of each kind; the median is shown")
    parser.add_argument("--replicas", default=3, type=int)
    parser.add_argument("--flags", default="", help="more flags of nacelle serve, separated by spaces")
    return parser.parse_args()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def healthy(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            peer.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return peer.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


class Replica:
    """A process of `nacelle serve`; `seconds` from exec to the first healthy answer."""

    def __init__(self, args, model, cache, kv_bytes=KV_BYTES, max_model_len=MAX_MODEL_LEN):
        self.port = port = free_port()
        self.model = model
        self.output = tempfile.TemporaryFile()
        command = [args.binary, "serve", model, "--host", "127.0.0.1", "--port", port, "--max-model-len",
                   max_model_len, "--kv-cache-memory-bytes", kv_bytes, "--packed-weight-cache", cache,
                   *args.flags.split()]
        began = time.monotonic()
        self.process = subprocess.Popen([str(part) for part in command], stdout=self.output,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        while not healthy(port):
            if self.process.poll() is not None or time.monotonic() - began > 120:
                self.output.seek(0)
                raise SystemExit(self.output.read().decode(errors="replace"))
            time.sleep(0.001)
        self.seconds = time.monotonic() - began

    def log(self):
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def memory(self):
        """MiB resident: all of it, packed weights that are mapped, checkpoint files, KV, the rest; and the
        share. Each layer's KV is a mapping of its own, known by its exact size."""
        kind, anonymous = None, False
        totals = {"rss": 0, "pss": 0, "packed": 0, "packed_pss": 0, "checkpoint": 0, "kv": 0, "kv_layers": 0,
                  "anonymous": 0, "huge": 0}
        kv_kib = self.kv_layer_kib()
        for line in pathlib.Path(f"/proc/{self.process.pid}/smaps").read_text().splitlines():
            head = re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+\s*(.*)", line)
            if head:
                name = head.group(1).removesuffix(" (deleted)")
                kind = ("packed" if name.endswith(".packed") else "checkpoint" if name.endswith(".safetensors") else None)
                anonymous = not name
                continue
            field, _, value = line.partition(":")
            if field == "Size" and anonymous and int(value.split()[0]) == kv_kib:
                kind = "kv"
                totals["kv_layers"] += 1
            if field not in ("Rss", "Pss", "Anonymous", "AnonHugePages", "FilePmdMapped"):
                continue
            kib = int(value.split()[0])
            if field == "Rss":
                totals["rss"] += kib
                if kind:
                    totals[kind] += kib
            elif field == "Pss":
                totals["pss"] += kib
                if kind == "packed":
                    totals["packed_pss"] += kib
            elif field == "Anonymous":
                totals["anonymous"] += kib
            else:
                totals["huge"] += kib
        layers = totals.pop("kv_layers")
        if layers != self.config()["num_hidden_layers"]:
            raise SystemExit(f"{layers} mappings of {kv_kib} KiB: these are not the layers' KV")
        return {key: kib / 1024 for key, kib in totals.items()}

    def config(self):
        return json.loads((pathlib.Path(self.model) / "config.json").read_text())

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path)
        return connection.getresponse().read().decode()

    def kv_layer_kib(self):
        """Size of one layer's KV, bf16."""
        info = next(line for line in self.get("/metrics").splitlines() if line.startswith("vllm:cache_config_info{"))
        blocks, block_size = (int(re.search(f'{name}="(\\d+)"', info).group(1))
                              for name in ("num_gpu_blocks", "block_size"))
        config = self.config()
        return blocks * block_size * config["num_key_value_heads"] * config["head_dim"] * 2 * 2 // 1024

    def complete(self, prompt, max_tokens):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request("POST", "/v1/completions", json.dumps(
            {"model": str(self.model), "prompt": prompt, "max_tokens": max_tokens, "ignore_eos": True}),
            {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200 or answer["usage"]["completion_tokens"] != max_tokens:
            raise SystemExit(f"a completion failed: {answer}")

    def serve_load(self):
        self.complete([1000 + i for i in range(LONG_PROMPT)], 1)
        with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
            list(pool.map(lambda i: self.complete([5000 + 200 * i + j for j in range(STREAM_IN)], STREAM_OUT),
                          range(STREAMS)))

    def idle_percent(self):
        """Processor time over REST_S seconds in which nobody asks for anything, in percent of a core."""
        def ticks():
            fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])  # utime, stime of all threads
        time.sleep(SETTLE_S)
        before = ticks()
        time.sleep(REST_S)
        return 100 * (ticks() - before) / os.sysconf("SC_CLK_TCK") / REST_S

    def wait_for(self, text):
        deadline = time.monotonic() + 120
        while text not in self.log():
            if time.monotonic() > deadline:
                raise SystemExit(f"no '{text}' in the log:\n{self.log()}")
            time.sleep(0.05)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.output.close()


def starts(args, model, cache, runs):
    seconds, memories = [], []
    for _ in range(runs):
        replica = Replica(args, model, cache)
        seconds.append(replica.seconds)
        memories.append(replica.memory())
        replica.stop()
    return seconds, memories


def beyond(memory, packed_mib):
    """MiB that are neither packed weights, mapped or private, nor pages of the checkpoint or of the KV cache."""
    private = 0 if memory["packed"] > 0 else packed_mib
    return memory["rss"] - memory["packed"] - memory["checkpoint"] - memory["kv"] - private


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    name = re.search(r"model name\s*: (.*)", info)
    return f"{name.group(1) if name else 'unknown CPU'}, {len(os.sched_getaffinity(0))} CPUs"


def report(name, values, bar, unit):
    middle = statistics.median(values)
    verdict = "" if bar is None else f"   bar {bar:g} {unit}: {'met' if middle <= bar else 'MISSED'}"
    print(f"{name:<52}{middle:>9.2f} {unit:<4}({min(values):.2f} .. {max(values):.2f}){verdict}", flush=True)
    return middle


def main():
    args = parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    model = args.model or real_size_model.write(args.out / "qwen3-0.6b-random")
    cache = args.out / "startup-cache"
    shutil.rmtree(cache, ignore_errors=True)
    for path in pathlib.Path(model).iterdir():  # into the page cache
        if path.is_file():
            with open(path, "rb", buffering=0) as file:
                while file.read(16 << 20):
                    pass
    print(f"{machine()}; {model}, KV {KV_BYTES}")

    plain, plain_memory = starts(args, model, "off", args.runs)
    writer = Replica(args, model, cache)
    writer.wait_for("packed weights cached")
    written = writer.memory()
    writer.stop()
    cached, cached_memory = starts(args, model, cache, args.runs)
    packed = max(memory["packed"] for memory in cached_memory)
    plain_beyond = [beyond(memory, packed) for memory in plain_memory]
    cached_beyond = [beyond(memory, packed) for memory in cached_memory]
    replicas = [Replica(args, model, cache) for _ in range(args.replicas)]
    memories = [replica.memory() for replica in replicas]
    for replica in replicas:
        replica.stop()

    served_beyond, idle = {}, {}
    for name, folder in (("packing", "off"), ("mapped", cache)):
        replica = Replica(args, model, folder, SERVING_KV_BYTES, SERVING_MAX_MODEL_LEN)
        replica.serve_load()
        idle[name] = replica.idle_percent()
        served_beyond[name] = beyond(replica.memory(), packed)
        replica.stop()

    result = {"machine": machine(), "bars": BARS, "start_without_cache_s": plain, "start_with_cache_s": cached,
              "beyond_mib_without_cache": plain_beyond, "beyond_mib_with_cache": cached_beyond,
              "beyond_mib_after_serving": served_beyond, "idle_percent_of_a_core": idle,
              "writer_memory_mib": written, "replica_memory_mib": memories}
    missed = 0
    missed += report("exec to /health, packing", plain, BARS["start_without_cache_s"], "s") > BARS["start_without_cache_s"]
    missed += report("exec to /health, packed weights mapped", cached, BARS["start_with_cache_s"],
                     "s") > BARS["start_with_cache_s"]
    limit = BARS["beyond_weights_and_kv_mib"]
    missed += report("memory beyond weights and KV, packing", plain_beyond, limit, "MiB") > limit
    missed += report("memory beyond weights and KV, mapped", cached_beyond, limit, "MiB") > limit
    for name, value in served_beyond.items():
        missed += report(f"the same after 2,048 tokens and 32 streams, {name}", [value], limit, "MiB") > limit
    limit = BARS["idle_percent_of_a_core"]
    for name, value in idle.items():
        missed += report(f"idle engine, {name}, of a core", [value], limit, "%") > limit
    one = packed
    held = sum(memory["packed_pss"] for memory in memories)
    print(f"packed weights: {one:.0f} MiB; {args.replicas} replicas hold {held:.0f} MiB of them together "
          f"({held / one:.2f} copies); {sum(m['pss'] for m in memories):.0f} MiB in all")
    (args.out / "startup.json").write_text(json.dumps(result, indent=1))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
