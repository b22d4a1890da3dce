#!/usr/bin/env python3
"""Does a long prompt delay another request's stream? Gaps between the chunks of one stream.

One client streams from `nacelle serve` while others send chat prompts of 44,000 tokens one after another, more
than the model's context: each is rendered, tokenised and refused, so that what is measured is the work before a
prompt reaches the engine and not its prefill. Beside it, in the same run: the stream alone, and with a stranger
that keeps one core busy, which is what the machine does to any server whose threads need all cores.

    bench/stream_gaps.py --binary build/release/nacelle --out build/bench
"""
import argparse
import json
import multiprocessing
import pathlib
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

PROSE = ("The harbour master counted the boats twice before the storm, wrote the number in the ledger, and walked home "
         "along the wall while the lamps came on one after another. ")
PARTS = ("alone", "44,000-token prompts", "a busy stranger")


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="build/release/nacelle")
    parser.add_argument("--out", default="build/bench", type=pathlib.Path)
    parser.add_argument("--model", default="models/demo")
    parser.add_argument("--tokens", default=44000, type=int, help="of a long prompt")
    parser.add_argument("--seconds", default=5, type=float, help="of each part")
    return parser.parse_args()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def post(port, path, body, timeout=120):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


def wait_healthy(process, port):
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"nacelle serve ended with {process.returncode}; its log is above")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1)
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("nacelle serve was not healthy in 30 s")


def stream_gaps(port, seconds):
    """Milliseconds between chunks, of as many streams as fit in `seconds`, one after another."""
    gaps, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        body = json.dumps({"prompt": "Once upon a time", "max_tokens": 2000, "ignore_eos": True, "stream": True}).encode()
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(body) + body)
            last = None
            while time.monotonic() < end:
                if not peer.recv(1 << 16):
                    break
                now = time.perf_counter()
                if last is not None:
                    gaps.append((now - last) * 1e3)
                last = now
    return gaps


def send_prompts(port, text, stop, statuses):
    while not stop.is_set():
        statuses.append(post(port, "/v1/chat/completions", {"messages": [{"role": "user", "content": text}], "max_tokens": 1})[0])


def burn():
    while True:
        pass


def run_part(name, port, text, seconds):
    stop, statuses = threading.Event(), []
    if name == PARTS[1]:
        # A process of its own: this one's interpreter lock would be part of the gaps.
        manager = multiprocessing.Manager()
        stop, statuses = manager.Event(), manager.list()
        helper = multiprocessing.Process(target=send_prompts, args=(port, text, stop, statuses))
    else:
        helper = multiprocessing.Process(target=burn) if name == PARTS[2] else None
    if helper:
        helper.start()
        time.sleep(0.3)
    gaps = stream_gaps(port, seconds)
    stop.set()
    statuses = list(statuses)
    if helper:
        helper.terminate() if name == PARTS[2] else helper.join(30)
    cuts = statistics.quantiles(gaps, n=1000)
    row = {"part": name, "chunks": len(gaps), "p50_ms": cuts[499], "p99_ms": cuts[989], "p99.9_ms": cuts[998], "max_ms": max(gaps)}
    if name == PARTS[1]:
        row["prompts"] = len(statuses)
        if set(statuses) != {400}:
            sys.exit(f"long prompts were answered with {sorted(set(statuses))}, expected 400 for one longer than the context")
    return row


def main():
    args = parse_args()
    port = free_port()
    process = subprocess.Popen([args.binary, "serve", args.model, "--port", str(port), "--uvicorn-log-level", "error"])
    try:
        wait_healthy(process, port)
        _, counted = post(port, "/tokenize", {"prompt": PROSE * 10})
        text = PROSE * round(args.tokens * 10 / counted["count"])
        print(f"{args.model}, prompts of {args.tokens} tokens ({len(text) >> 10} KiB)\n")
        print(f"{'stream beside':24}{'chunks':>8}{'p50':>10}{'p99':>10}{'p99.9':>10}{'max':>10}   ms between chunks")
        rows = []
        for name in PARTS:
            row = run_part(name, port, text, args.seconds)
            rows.append(row)
            note = f"   {row['prompts']} prompts" if "prompts" in row else ""
            print(f"{name:24}{row['chunks']:8}" + "".join(f"{row[k]:10.2f}" for k in ("p50_ms", "p99_ms", "p99.9_ms", "max_ms")) + note, flush=True)
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "stream_gaps.json").write_text(json.dumps(rows, indent=1) + "\n")
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    main()
