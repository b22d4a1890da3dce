"""generate.py: writes the training corpus and the held-out set.

    generate.py --out FOLDER --tokens N --seed S   merges.json, tokens.bin, learned.bin, starts.bin
    generate.py --held-out FILE --per-topic N      held-out questions with their accepted answers

A conversation is one to twelve segments in a row; a share of the samples is plain text for the
completions endpoint. tokens.bin is int16, learned.bin (int8) says which tokens carry loss,
starts.bin (int64) is where each sample begins, with the end as the last entry. Same seed, same
bytes.
"""
import argparse
import array
import json
import os
import random
import time

import bpe
from chat_format import answer_text, pieces
from dialogue import Segment
from topics import (
    arithmetic,
    completion,
    facts,
    greetings,
    json_answers,
    lists,
    memory,
    nacelle,
    refusals,
    stories,
    tool_calls,
)

VOCAB_SIZE = 2048
TOKENIZER_SAMPLES = 12000
TOPICS = [  # name, maker, share of the segments
    ("greetings", greetings.make, 10),
    ("nacelle", nacelle.make, 12),
    ("facts", facts.make, 12),
    ("arithmetic", arithmetic.make, 25),
    ("lists", lists.make, 15),
    ("echo", memory.make_echo, 11),
    ("memory", memory.make, 8),
    ("json", json_answers.make, 14),
    ("tools", tool_calls.make, 11),
    ("stories", stories.make, 2),
    ("refusals", refusals.make, 6),
]
_MAKERS = [make for _, make, _ in TOPICS]
_SHARES = [share for _, _, share in TOPICS]
SYSTEM_TEXTS = [
    "You are a helpful assistant.",
    "You are a helpful assistant.",
    "You are the Nacelle demo assistant.",
    "You are a friendly assistant.",
    "Answer briefly.",
    "Be concise.",
    "You are a helpful AI assistant. Answer politely.",
]


def _filler(rng):
    maker = rng.choice([greetings.make, facts.make, arithmetic.make, nacelle.make])
    return maker(rng, False)


def _segment(rng):
    maker = rng.choices(_MAKERS, _SHARES)[0]
    if maker is memory.make:
        return memory.make(rng, False, _filler)
    return maker(rng, False)


def conversation(rng):
    """(messages, tools) of one training conversation."""
    count = rng.choice([1, 1, 1, 1, 1, 2, 2, 3, 4, 5])
    if rng.random() < 0.03:
        count = rng.randint(8, 12)  # long conversations, up to about 1000 tokens
    segments = [_segment(rng)]
    while len(segments) < count:
        more = _segment(rng)
        if more.chainable():
            segments.append(more)
    head = segments[0]
    system = head.system
    if system is None and rng.random() < 0.4:
        system = rng.choice(SYSTEM_TEXTS)
        if rng.random() < 0.12:
            notes = [answer for _, answer in rng.sample(facts.FACTS, rng.randint(3, 24))]
            system += " Here are some notes:\n" + "\n".join(notes)
    messages = [{"role": "system", "content": system}] if system else []
    for segment in segments:
        messages += segment.messages
    return messages, head.tools


def sample(rng):
    """One training sample as (text, learned) pieces."""
    if rng.random() < 0.04:
        return [(completion.text(rng) + "<|endoftext|>", True)]
    return pieces(*conversation(rng))


def held_out_items(per_topic, seed):
    """Held-out conversations without their last assistant message, and that message's text."""
    items = []
    for name, make, _ in TOPICS:
        rng = random.Random("%s/%d" % (name, seed))
        seen = set()
        for _ in range(60 * per_topic):  # a topic may have fewer held-out questions than asked for
            if len(seen) == per_topic:
                break
            segment = make(rng, True)
            messages = list(segment.messages)
            if segment.system:
                messages.insert(0, {"role": "system", "content": segment.system})
            key = json.dumps(messages)
            if key in seen:
                continue
            seen.add(key)
            item = {"topic": name, "messages": messages[:-1], "accept": answer_text(messages[-1])}
            if segment.tools:
                item["tools"] = segment.tools
            items.append(item)
    return items


def load_tokenizer(folder, rng):
    """The tokenizer of this corpus folder; learned from samples of `rng` when there is none yet."""
    path = os.path.join(folder, "merges.json")
    if not os.path.exists(path):
        begin = time.time()
        texts = ["".join(text for text, _ in sample(rng)) for _ in range(TOKENIZER_SAMPLES)]
        merges = bpe.train(texts, VOCAB_SIZE - 256 - len(bpe.SPECIAL_TOKENS))
        bpe.Tokenizer(merges).save(path)
        print("%d merges in %.0f s" % (len(merges), time.time() - begin), flush=True)
    return bpe.Tokenizer.load(path)


def write_corpus(folder, num_tokens, seed):
    os.makedirs(folder, exist_ok=True)
    begin = time.time()
    tokenizer = load_tokenizer(folder, random.Random(seed))
    rng = random.Random(seed + 1)
    tokens, learned, starts = array.array("h"), array.array("b"), array.array("q")
    while len(tokens) < num_tokens:
        starts.append(len(tokens))
        for text, learn in sample(rng):
            ids = tokenizer.encode(text)
            tokens.extend(ids)
            learned.extend([int(learn)] * len(ids))
    starts.append(len(tokens))
    for name, values in (("tokens", tokens), ("learned", learned), ("starts", starts)):
        with open(os.path.join(folder, name + ".bin"), "wb") as f:
            values.tofile(f)
    print(
        "%d samples, %d tokens (%.0f%% learned) in %.0f s"
        % (len(starts) - 1, len(tokens), 100 * sum(learned) / len(learned), time.time() - begin)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out")
    parser.add_argument("--tokens", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--held-out")
    parser.add_argument("--per-topic", type=int, default=12)
    parser.add_argument("--held-out-seed", type=int, default=1000)
    args = parser.parse_args()
    if args.out:
        write_corpus(args.out, args.tokens, args.seed)
    if args.held_out:
        with open(args.held_out, "w") as f:
            for item in held_out_items(args.per_topic, args.held_out_seed):
                f.write(json.dumps(item, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
