#!/usr/bin/env python3
"""Routing comparison: the same shared-prefix load through each policy, on four real engines.

The prefixes together exceed one engine's KV cache, and the model (random weights) is prefill-bound on a
CPU: a router that sends a prefix back to where it is cached saves most of the work. Prints a table and a
verdict per bar, and writes one JSON and one SVG per policy to --out. Exit code 1 when a bar is missed.

    bench/routing.py --binary build/release/nacelle --out build/bench
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests" / "integration"))
import harness  # noqa: E402  the tests' way of starting the binary

MODEL = {"hidden_size": 512, "num_hidden_layers": 8, "num_attention_heads": 8, "num_key_value_heads": 4,
         "head_dim": 64, "intermediate_size": 1536}
BLOCK_TOKENS = 16
MIN_THROUGHPUT, MIN_TTFT = 3.0, 2.0  # against round-robin


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="build/release/nacelle")
    parser.add_argument("--out", default="build/bench", type=pathlib.Path)
    parser.add_argument("--engines", default=4, type=int)
    parser.add_argument("--policies", default="round-robin,random,prefix-aware,precise")
    parser.add_argument("--groups", default=24, type=int, help="shared prefixes")
    parser.add_argument("--prompts-per-group", default=10, type=int)
    parser.add_argument("--system-tokens", default=1024, type=int)
    parser.add_argument("--question-tokens", default=48, type=int)
    parser.add_argument("--output-tokens", default=16, type=int)
    parser.add_argument("--concurrency", default=8, type=int)
    parser.add_argument("--cache-tokens", default=10240, type=int, help="KV cache of one engine")
    return parser.parse_args()


def measure(args, policy, model):
    blocks = args.cache_tokens // BLOCK_TOKENS + 1
    up = harness.Up("--policy", policy, model=model, engines=args.engines, engine_flags=(
        "--load-format", "dummy", "--num-gpu-blocks-override", blocks, "--max-model-len", 2048))
    try:
        harness.wait_until(lambda: sum(e["num_blocks"] > 0 for e in up.endpoints()) == args.engines,
                           timeout=120, message="engines answer")
        report = args.out / f"routing-{policy}"
        subprocess.run([
            args.binary, "bench", f"127.0.0.1:{up.port}", "--workload", "shared-prefix", "--groups", str(args.groups),
            "--prompts-per-group", str(args.prompts_per_group), "--system-tokens", str(args.system_tokens),
            "--question-tokens", str(args.question_tokens), "--output-tokens", str(args.output_tokens),
            "--tokenizer", str(model), "--concurrency", str(args.concurrency), "--label", policy,
            "--json", f"{report}.json", "--svg", f"{report}.svg"], check=True, stdout=subprocess.DEVNULL)
        return json.loads(pathlib.Path(f"{report}.json").read_text())["stages"][0]
    finally:
        up.kill()


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    name = re.search(r"model name\s*: (.*)", info)
    return f"{name.group(1) if name else 'unknown CPU'}, {info.count('processor')} CPUs"


def verdicts(stages):
    """Prints each bar whose policies ran, and yields whether it was kept."""

    def verdict(text, ratio, bar):
        kept = ratio >= bar
        print(f"{'kept  ' if kept else 'MISSED'}  {text}: {ratio:.2f} x (bar {bar:g})")
        return kept

    print()
    base, approximate, precise = (stages.get(name) for name in ("round-robin", "prefix-aware", "precise"))
    for name, ours in (("prefix-aware", approximate), ("precise", precise)):
        if base and ours:
            yield verdict(f"{name} against round-robin, output tokens/s",
                          ours["output_tokens_per_s"] / base["output_tokens_per_s"], MIN_THROUGHPUT)
            yield verdict(f"{name} against round-robin, mean TTFT, so many times lower",
                          base["ttft_s"]["mean"] / ours["ttft_s"]["mean"], MIN_TTFT)
    if approximate and precise:
        yield verdict("precise against prefix-aware, output tokens/s",
                      precise["output_tokens_per_s"] / approximate["output_tokens_per_s"], 1)


def main():
    args = parse_args()
    harness.BINARY = args.binary
    args.out.mkdir(parents=True, exist_ok=True)
    shared = args.groups * args.system_tokens
    print(f"{args.engines} engines ({machine()}); {args.groups} prefixes of {args.system_tokens} tokens = {shared} "
          f"tokens, KV cache {args.cache_tokens} tokens an engine; "
          f"{args.groups * args.prompts_per_group} requests, {args.concurrency} at a time")
    header = f"{'policy':<14}{'output tok/s':>14}{'requests/s':>12}{'TTFT mean':>12}{'TTFT p99':>12}{'hits':>8}{'failed':>8}"
    print(header + "\n" + "-" * len(header))
    stages = {}
    with tempfile.TemporaryDirectory() as folder:
        model = harness.dummy_model(pathlib.Path(folder) / "prefill-bound", **MODEL)
        for policy in args.policies.split(","):
            stage = stages[policy] = measure(args, policy, model)
            print(f"{policy:<14}{stage['output_tokens_per_s']:>14.1f}{stage['requests_per_s']:>12.2f}"
                  f"{stage['ttft_s']['mean'] * 1000:>9.0f} ms{stage['ttft_s']['p99'] * 1000:>9.0f} ms"
                  f"{stage['hit_rate'] * 100:>6.0f} %{stage['errors']:>8}", flush=True)
    return 0 if all(list(verdicts(stages))) else 1


if __name__ == "__main__":
    sys.exit(main())
