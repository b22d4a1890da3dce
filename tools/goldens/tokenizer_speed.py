#!/usr/bin/env python3
"""Bytes a second of the `tokenizers` library on the texts of src/tokenizer/tokenizer_bench.cc.

One thread; the best of some runs; a tokenizer that has seen the text once (its word cache is warm).

usage: tokenizer_speed.py TESTDATA_DIR [FAMILY...]     (python3 with the `tokenizers` package)
"""
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
from tokenizers import Tokenizer  # noqa: E402

MASK = (1 << 64) - 1
MIB = 1 << 20


class Random:
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & MASK
        return (self.state >> 33) % n


class Words:
    """The same words in the same order as BenchWords in testing/bench_text.h."""

    ONSET = ["b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "st", "tr", "ch", "th", "pl", "w", "v", ""]
    REST = ["a", "e", "i", "o", "u", "ar", "er", "in", "on", "an", "ing", "ion", "ed", "es", "ate", "al", "ent", "ly", "y",
            "ous"]

    def __init__(self):
        self.random = Random(11)
        self.words = []
        for rank in range(30000):
            word = ""
            for _ in range(1 + self.random.below(2 if rank < 100 else 4)):
                word += self.ONSET[self.random.below(20)]
                word += self.REST[self.random.below(20)]
            self.words.append(word)

    def word(self):
        limit = 2 << self.random.below(15)
        return self.words[self.random.below(min(limit, 30000))]


def prose(size):
    words, out, length = Words(), [], 0
    below = words.random.below
    while length < size:
        part = ""
        for i in range(5 + below(20)):
            word = words.word()
            kind = below(24)
            if i == 0 or kind == 0:
                word = chr(ord(word[0]) - 32) + word[1:]
            if kind == 1:
                word = str(below(3000))
            part += (" " if i else "") + word
            part += "," if kind == 2 else "'s" if kind == 3 else ""
        part += ".\n\n" if below(6) == 0 else ". "
        out.append(part)
        length += len(part)
    return "".join(out)[:size]


def code(size):
    words, out, depth = Words(), "", 0
    below = words.random.below
    pieces, length = [], 0
    while length < size:
        out = " " * (depth * 4)
        kind = below(8)
        a, b, c = words.word(), words.word(), words.word()
        if kind == 0 and depth < 5:
            out += f"if ({a} < {below(100)} && !{b}.{c}()) {{\n"
            depth += 1
        elif kind == 1 and depth > 0:
            out = out[:-4] + "}\n"
            depth -= 1
        elif kind == 2:
            out += f"// {a} {b} {c}\n"
        elif kind == 3:
            out += f'return self.{a}_{b}["{c}"];\n'
        elif kind == 4:
            out += "\n"
        else:
            out += f"auto {a}_{b} = {c}({a}, 0x{below(4096)});\n"
        pieces.append(out)
        length += len(out)
    return "".join(pieces)[:size]


def main():
    folder = sys.argv[1]
    families = sys.argv[2:] or ["gpt2", "llama3", "qwen2", "gpt_oss", "deepseek", "llama2", "mistral", "gemma", "t5", "bert"]
    texts = {"prose": prose(MIB), "code": code(MIB), "letter": "a" * MIB}
    for family in families:
        tok = Tokenizer.from_file(os.path.join(folder, family + ".json"))
        for name, text in texts.items():
            best = 1e9
            for _ in range(4):
                begin = time.process_time()
                count = len(tok.encode(text, add_special_tokens=False).ids)
                best = min(best, time.process_time() - begin)
            print("%-10s %-7s %8.2f MB/s  %d ids" % (family, name, MIB / best / 1e6, count), flush=True)


main()
