"""evaluate.py: exact-match score on held-out questions, and the model card.

    evaluate.py --corpus FOLDER --run FOLDER --held-out FILE [--show N] [--card FILE]
    evaluate.py --corpus FOLDER --run FOLDER --ask "What is Nacelle?"

Greedy answers with the bf16-rounded weights; an answer counts when it equals the accepted text.
"""
import argparse
import collections
import json
import os
import time

import torch

import bpe
import model_card
from chat_format import prompt
from checkpoint import load_rounded

MAX_TOKENS = 400


class Chat:
    def __init__(self, corpus, run):
        self.tokenizer = bpe.Tokenizer.load(os.path.join(corpus, "merges.json"))
        self.model, self.state = load_rounded(run)
        self.stop_ids = {self.tokenizer.special[t] for t in ("<|im_end|>", "<|endoftext|>")}

    def answer(self, messages, tools=None, max_tokens=MAX_TOKENS):
        ids = self.tokenizer.encode(prompt(messages, tools))
        return self.tokenizer.decode(self.model.greedy(ids, self.stop_ids, max_tokens))


def score(chat, items, show):
    """{topic: [right, all]}; prints the first `show` wrong answers of each topic."""
    table = collections.OrderedDict()
    for item in items:
        expected = item["accept"]
        limit = len(chat.tokenizer.encode(expected)) + 8
        got = chat.answer(item["messages"], item.get("tools"), limit)
        row = table.setdefault(item["topic"], [0, 0, 0])
        row[1] += 1
        row[0] += got == expected
        if got != expected:
            row[2] += 1
            if row[2] <= show:
                print(
                    "%s: %r\n   got      %r\n   expected %r"
                    % (item["topic"], item["messages"][-1]["content"], got, expected),
                    flush=True,
                )
    return collections.OrderedDict((topic, row[:2]) for topic, row in table.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--held-out")
    parser.add_argument("--card")
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--limit", type=int, help="at most this many items per topic")
    parser.add_argument("--ask", action="append", help="turns of one conversation")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    chat = Chat(args.corpus, args.run)
    messages = []
    for question in args.ask or []:
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": chat.answer(messages)})
        print("> %s\n%s" % (question, messages[-1]["content"]), flush=True)
    if args.held_out:
        with open(args.held_out) as f:
            items = [json.loads(line) for line in f]
        if args.limit:
            seen = collections.Counter()
            items = [
                i for i in items if seen.update([i["topic"]]) or seen[i["topic"]] <= args.limit
            ]
        begin = time.time()
        table = score(chat, items, args.show)
        for topic, (right, total) in table.items():
            print("%-12s %4d of %4d  %5.1f%%" % (topic, right, total, 100 * right / total))
        right, total = (sum(row[i] for row in table.values()) for i in (0, 1))
        print(
            "%-12s %4d of %4d  %5.1f%%  (%.0f s)"
            % ("all", right, total, 100 * right / total, time.time() - begin)
        )
        if args.card:
            with open(args.card, "w") as f:
                f.write(model_card.text(chat.model, chat.state, table))


if __name__ == "__main__":
    main()
