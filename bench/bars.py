#!/usr/bin/env python3
"""The bars of the CPU engine with a verdict each, from the reports that tools/bench.sh has written.

    bench/bars.py --out build/bench [--since SECONDS] [--all]

Reports older than --since (seconds since 1970) belong to another run and are not read. With --all a bar
without a report is named too, with the part of tools/bench.sh that measures it.
"""
import argparse
import json
import pathlib
import statistics
import sys

BOOKKEEPING_US = 100  # of a step of 256 sequences
TOKENIZER_MB_PER_S = 40
BYTE_LEVEL_BPE = ("gpt2", "llama3", "qwen2", "gpt_oss", "tekken", "deepseek", "roberta")
PEER_WIDTHS = ("bf16", "int8")
TO_US = {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}
PEER = "32 streams against llama-server"


def line(name, bar, ok, figure):
    verdict = {True: "ok", False: "missed", None: "left out"}[ok]
    return f"  {name:<58}{bar:<20}{verdict:>8}  {figure}"


def yardstick(report):
    """Rows of one bar are one line, as in the yardstick's own text."""
    bars = {}
    for row in report["rows"]:
        for bar in row["bars"]:
            place = " ".join(part for part in (row["section"], row["name"], row["column"]) if part)
            bars.setdefault((bar["name"], bar["of"], bar["at_least"]), []).append((bar["reached"], bar["ok"], place))
    for (name, of, at_least), rows in bars.items():
        figure = (lambda x: f"{x:.2f} x oneDNN") if of == "peer" else (lambda x: f"{100 * x:.0f} %")
        worst, _, place = min(rows)
        good = sum(ok for _, ok, _ in rows)
        yield line(name, f">= {figure(at_least)}", good == len(rows),
                   f"{good} of {len(rows)} rows; worst {figure(worst)} ({place})")
    for ratio in report["ratios"]:
        if "bar" not in ratio:
            continue
        figure = (lambda x: f"{100 * x:.0f} %") if ratio["at_most"] else (lambda x: f"{x:.2f} x")
        yield line(ratio["name"], f"{'<=' if ratio['at_most'] else '>='} {figure(ratio['bar'])}", ratio["ok"],
                   figure(ratio["value"]))


def startup(report):
    bars = report["bars"]
    singles = [("exec to /health, packing", report["start_without_cache_s"], "start_without_cache_s", "s"),
               ("exec to /health, packed weights mapped", report["start_with_cache_s"], "start_with_cache_s", "s"),
               ("memory beyond weights and KV after start", report["beyond_mib_without_cache"],
                "beyond_weights_and_kv_mib", "MiB"),
               ("memory beyond weights and KV after serving", [max(report["beyond_mib_after_serving"].values())],
                "beyond_weights_and_kv_mib", "MiB"),
               ("idle engine, of a core", [max(report["idle_percent_of_a_core"].values())],
                "idle_percent_of_a_core", "%")]
    for name, values, key, unit in singles:
        middle = statistics.median(values)
        yield line(name, f"<= {bars[key]:g} {unit}", middle <= bars[key], f"{middle:.2f} {unit}")


def engine(report):
    for run in report["benchmarks"]:
        if run["name"].startswith("step_bookkeeping/at_once/256/"):
            value = run["real_time"] * TO_US[run["time_unit"]]
            yield line("bookkeeping of a step, 256 sequences", f"<= {BOOKKEEPING_US} us", value <= BOOKKEEPING_US,
                       f"{value:.0f} us")


def tokenizer(report):
    speeds = {run["name"]: run["bytes_per_second"] / 1e6 for run in report["benchmarks"]
              if "bytes_per_second" in run}
    for kind in ("prose", "code"):
        of_kind = {family: speeds[f"encode/{family}/{kind}"] for family in BYTE_LEVEL_BPE
                   if f"encode/{family}/{kind}" in speeds}
        if not of_kind:
            continue
        worst = min(of_kind, key=of_kind.get)
        yield line(f"byte-level BPE, {kind}, one core", f">= {TOKENIZER_MB_PER_S} MB/s",
                   of_kind[worst] >= TOKENIZER_MB_PER_S,
                   f"{sum(x >= TOKENIZER_MB_PER_S for x in of_kind.values())} of {len(of_kind)} families; worst "
                   f"{of_kind[worst]:.0f} MB/s ({worst})")


def peer(report):
    key = f"{report['streams']} streams"
    ours, theirs = report["nacelle"].get(key), report["llama_cpp"].get(key)
    name = f"{PEER}, {report['model']} {report['width']}"
    if ours is None or theirs is None:
        yield line(name, f">= {report['bar']:g} x", None, "one side was not measured")
    else:
        yield line(name, f">= {report['bar']:g} x", ours / theirs >= report["bar"],
                   f"{ours / theirs:.2f} x ({ours:.0f} against {theirs:.0f} tok/s)")


PARTS = {"yardstick": ("yardstick.json", yardstick, "products, prefill and decode as shares of the machine's limits"),
         "startup": ("startup.json", startup, "start-up, memory, rest"),
         "engine": ("engine.json", engine, "bookkeeping of a step"),
         "tokenizer": ("tokenizer.json", tokenizer, "byte-level BPE")}


def lines(folder, since, every):
    def report(path):
        if not path.exists() or path.stat().st_mtime < since:
            return None
        return json.loads(path.read_text())

    for part, (name, read, what) in PARTS.items():
        found = report(folder / name)
        if found is not None:
            yield from read(found)
        elif every:
            yield line(what, "", None, f"not measured in this run: tools/bench.sh {part}")
    peers = [found for path in sorted(folder.glob("engine-peer-*.json")) if (found := report(path)) is not None]
    for found in peers:
        yield from peer(found)
    for width in PEER_WIDTHS if every else ():
        if not any(found["width"] == width for found in peers):
            yield line(f"{PEER}, {width}", "", None, "needs --peer-root DIR, a root folder with llama.cpp")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="build/bench", type=pathlib.Path)
    parser.add_argument("--since", default=0, type=float)
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    text = "\n".join(lines(args.out, args.since, args.all))
    if text:
        print("bars of the CPU engine\n" + text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
