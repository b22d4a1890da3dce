#!/usr/bin/env python3
"""Our engine beside llama.cpp: the same model shape and weight width, the same load, one after the other.

32 streams of 128 prompt tokens and 32 output tokens each, as token ids, through both HTTP servers; then
prefill and the decode of one stream (`nacelle bench kernels` and llama-bench). Weights are random. Prints
a table and writes engine-peer.json to --out.

llama.cpp comes from Debian sid (llama.cpp-tools, llama.cpp-examples, python3-gguf); a `debootstrap sid`
folder is enough and needs root for chroot:

    bench/engine_peer.py --peer-root /path/to/sid --model Qwen3-0.6B --width bf16
"""
import argparse
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests" / "integration"))
import harness  # noqa: E402  the tests' way of starting the binary

MODELS = {
    "Qwen3-0.6B": {
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 1024,
        "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16,
        "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936, "max_position_embeddings": 40960,
        "rope_theta": 1000000.0, "rms_norm_eps": 1e-6},
    "Llama-3.2-1B": {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 2048,
        "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
        "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256, "max_position_embeddings": 131072,
        "rope_theta": 500000.0, "rms_norm_eps": 1e-5},
}
# width -> (GGUF type, flags of `nacelle serve`, name in `nacelle bench kernels`, bar with AMX, without)
WIDTHS = {"bf16": ("bf16", (), "bf16", 10, 2), "int8": ("q8_0", ("--quantization", "int8"), "int8", 8, 2)}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="build/release/nacelle")
    parser.add_argument("--out", default="build/bench", type=pathlib.Path)
    parser.add_argument("--peer-root", type=pathlib.Path, help="root folder with llama.cpp, entered by chroot")
    parser.add_argument("--llama-server", default="llama-server",
                        help="the peer's server; llama-bench is looked for beside it")
    parser.add_argument("--model", default="Qwen3-0.6B", choices=MODELS)
    parser.add_argument("--width", default="bf16", choices=WIDTHS)
    parser.add_argument("--threads", default=len(os.sched_getaffinity(0)), type=int)
    parser.add_argument("--streams", default=32, type=int)
    parser.add_argument("--input-tokens", default=128, type=int)
    parser.add_argument("--output-tokens", default=32, type=int)
    parser.add_argument("--repetitions", default=2, type=int, help="of llama-bench")
    parser.add_argument("--parts", default="streams,single", help="streams, single: what to measure")
    parser.add_argument("--sides", default="ours,peer", help="ours, peer: whom to measure")
    parser.add_argument("--keep", type=pathlib.Path, help="folder where made models stay for the next run")
    return parser.parse_args()


class Peer:
    """llama.cpp's programs, in a root folder of their own or on this machine."""

    def __init__(self, args, folder):
        self.root = args.peer_root
        self.folder = folder
        self.threads = args.threads
        self.server = args.llama_server
        self.bench = str(pathlib.Path(args.llama_server).parent / "llama-bench") \
            if "/" in args.llama_server else "llama-bench"

    def command(self, *words):
        return (["chroot", str(self.root)] if self.root else []) + [str(word) for word in words]

    def inside(self, path):
        """A path as the peer's programs see it."""
        return "/" + str(path.relative_to(self.root)) if self.root else str(path)

    def make_model(self, config, gguf_type):
        path = self.folder / f"{config['model_type']}-{config['hidden_size']}-{gguf_type}.gguf"
        if not path.exists():
            (self.folder / "config.json").write_text(json.dumps(config))
            shutil.copy(pathlib.Path(__file__).with_name("gguf_model.py"), self.folder)
            part = path.with_suffix(".part")
            subprocess.run(self.command("python3", self.inside(self.folder / "gguf_model.py"),
                                        self.inside(self.folder / "config.json"), gguf_type, self.inside(part)),
                           check=True)
            part.rename(path)
        return self.inside(path)

    def singles(self, model, args):
        """Tokens per second of prefill and of one stream."""
        run = subprocess.run(
            self.command(self.bench, "-m", model, "-t", self.threads, "-p", 512, "-n", args.output_tokens,
                         "-r", args.repetitions, "-o", "json"),
            check=True, capture_output=True, text=True)
        rows = json.loads(run.stdout)
        return {("prefill 512" if row["n_prompt"] else "decode 1"): row["avg_ts"] for row in rows}

    @contextlib.contextmanager
    def serve(self, model, args):
        port = harness.free_port()
        slot = args.input_tokens + args.output_tokens + 32
        process = subprocess.Popen(
            self.command(self.server, "-m", model, "-t", self.threads, "-tb", self.threads, "--port", port,
                         "-np", args.streams, "-c", slot * args.streams, "--no-webui"),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        try:
            wait_ready(process, port)
            yield port
        finally:
            process.terminate()
            process.wait()


def wait_ready(process, port):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"llama-server ended with {process.returncode}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise SystemExit("llama-server was not ready after 120 s")


def post(port, path, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    data = response.read()
    if response.status != 200:
        raise SystemExit(f"{path}: status {response.status}: {data[:300]!r}")
    return json.loads(data)


def load(port, path, make_body, count_tokens, args):
    """Output tokens per second of all streams together, from the first byte sent to the last received."""
    numbers = random.Random(1)
    # Ids that both vocabularies have; every prompt is different, so no prefix is shared.
    prompts = [[numbers.randrange(300, 2000) for _ in range(args.input_tokens)] for _ in range(args.streams)]
    post(port, path, make_body(prompts[0][:8], 2))  # the first request pays for what is made on demand
    with concurrent.futures.ThreadPoolExecutor(args.streams) as pool:
        start = time.monotonic()
        answers = list(pool.map(lambda prompt: post(port, path, make_body(prompt, args.output_tokens)), prompts))
        seconds = time.monotonic() - start
    tokens = sum(count_tokens(answer) for answer in answers)
    wanted = args.streams * args.output_tokens
    if tokens != wanted:
        raise SystemExit(f"{path}: {tokens} output tokens instead of {wanted}")
    return tokens / seconds


def our_streams(args, config, flags, folder):
    model = harness.dummy_model(folder / "ours", **config)
    port = harness.free_port()
    blocks = (args.input_tokens + args.output_tokens + 32) * args.streams // 16
    server = harness.Server(
        ["serve", model, "--port", port, "--load-format", "dummy", "--max-num-seqs", args.streams,
         "--max-model-len", 4096, "--num-gpu-blocks-override", max(blocks, 260), *flags], port)
    try:
        return load(port, "/v1/completions",
                    lambda prompt, n: {"model": str(model), "prompt": prompt, "max_tokens": n,
                                       "ignore_eos": True, "temperature": 0},
                    lambda answer: answer["usage"]["completion_tokens"], args)
    finally:
        server.kill()


def our_singles(args, name):
    run = subprocess.run([args.binary, "bench", "kernels", "--threads", str(args.threads), "--no-onednn",
                          "--only", name, "--json", "-"], check=True, capture_output=True, text=True)
    speed = {row["name"]: row["tokens_per_s"] for row in json.loads(run.stdout)["rows"]}
    return {"prefill 512": speed["prefill 512"],
            "decode 1": speed[next(n for n in speed if n.startswith("decode, 1 stream"))]}


def measure(args, folder):
    gguf_type, flags, name, _, _ = WIDTHS[args.width]
    config = {**MODELS[args.model], "tie_word_embeddings": True}
    ours, theirs = {}, {}
    parts, sides = args.parts.split(","), args.sides.split(",")
    if "ours" in sides:
        if "streams" in parts:
            ours[f"{args.streams} streams"] = our_streams(args, config, flags, folder)
        if "single" in parts:
            ours.update(our_singles(args, f"{args.model} {name}"))
    if "peer" in sides:
        peer = Peer(args, folder)
        model = peer.make_model(config, gguf_type)
        if "streams" in parts:
            with peer.serve(model, args) as port:
                theirs[f"{args.streams} streams"] = load(
                    port, "/completion",
                    lambda prompt, n: {"prompt": prompt, "n_predict": n, "ignore_eos": True,
                                       "cache_prompt": False, "temperature": 0},
                    lambda answer: answer["tokens_predicted"], args)
        if "single" in parts:
            theirs.update(peer.singles(model, args))
    return ours, theirs


def has_amx():
    return "amx_tile" in pathlib.Path("/proc/cpuinfo").read_text()


def main():
    args = parse_args()
    harness.BINARY = args.binary
    args.out.mkdir(parents=True, exist_ok=True)
    bar = WIDTHS[args.width][3 if has_amx() else 4]
    with contextlib.ExitStack() as stack:
        if args.keep:
            folder = args.keep
            folder.mkdir(parents=True, exist_ok=True)
        else:  # the peer's programs must be able to see it
            place = args.peer_root / "tmp" if args.peer_root else None
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=place)))
        ours, theirs = measure(args, folder)
    print(f"{args.model} {args.width}, {args.threads} threads, random weights; {args.streams} streams of "
          f"{args.input_tokens} tokens in, {args.output_tokens} out")
    print(f"{'tokens per second':<20}{'nacelle':>10}{'llama.cpp':>12}{'ratio':>10}")
    for what in dict.fromkeys([*ours, *theirs]):
        mine, other = ours.get(what), theirs.get(what)
        figures = [f"{x:.1f}" if x else "-" for x in (mine, other)]
        ratio = f"{mine / other:.2f} x" if mine and other else ""
        note = f"   (bar {bar} x)" if ratio and what.endswith("streams") else ""
        print(f"{what:<20}{figures[0]:>10}{figures[1]:>12}{ratio:>10}{note}")
    report = {"model": args.model, "width": args.width, "threads": args.threads, "streams": args.streams,
              "input_tokens": args.input_tokens, "output_tokens": args.output_tokens,
              "nacelle": ours, "llama_cpp": theirs, "bar": bar}
    (args.out / f"engine-peer-{args.model}-{args.width}.json").write_text(json.dumps(report, indent=2) + "\n")
    key = f"{args.streams} streams"
    return 1 if key in ours and key in theirs and ours[key] / theirs[key] < bar else 0


if __name__ == "__main__":
    sys.exit(main())
