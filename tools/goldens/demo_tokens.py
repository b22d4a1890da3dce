#!/usr/bin/env python3
"""Makes tests/testdata/demo_model/held_out_tokens.txt: held_out.jsonl as the demo model's tokens.

Usage: demo_tokens.py URL HELD_OUT.jsonl > held_out_tokens.txt      (URL of `nacelle serve models/demo`)

One conversation a line, its accepted answer included, as token ids. Tests and benchmarks below the
tokenizer read real text from it.
"""

import json
import sys
import urllib.request


def tokens_of(url, messages):
    body = {"messages": messages, "add_generation_prompt": False}
    request = urllib.request.Request(url + "/tokenize", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["tokens"]


def main():
    url, path = sys.argv[1:]
    for line in open(path):
        case = json.loads(line)
        messages = case["messages"] + [{"role": "assistant", "content": case["accept"]}]
        print(*tokens_of(url, messages))


if __name__ == "__main__":
    main()
