#!/usr/bin/env python3
"""Writes tests/testdata/kv_events/: payloads of KV events as msgpack-python packs them.

Each line of golden.txt is a name and the payload in hex. Needs python3-msgpack. Run it from the repository root:
python3 tools/goldens/kv_events.py
"""
import pathlib

import msgpack

TIMESTAMP = 1700000000.25


def batch(*events, rank=0):
    return msgpack.packb([TIMESTAMP, list(events), rank])


def stored(hashes, parent, tokens, block_size, extra):
    """The fields of BlockStored in the order of its declaration; the last one is the sliding window."""
    return ["BlockStored", hashes, parent, tokens, block_size, None, "GPU", None, extra, 0, "full_attention", None]


STORED_KEYS = ["type", "block_hashes", "parent_block_hash", "token_ids", "block_size", "lora_id", "medium",
               "lora_name", "extra_keys", "group_idx", "kv_cache_spec_kind"]
REMOVED_KEYS = ["type", "block_hashes", "medium", "group_idx"]


def as_map(event):
    keys = {"BlockStored": STORED_KEYS, "BlockRemoved": REMOVED_KEYS, "AllBlocksCleared": ["type"]}[event[0]]
    return dict(zip(keys, event))


DIGEST_1, DIGEST_2 = bytes(range(32)), bytes(range(100, 132))
NUMBER_1, NUMBER_2 = (int.from_bytes(d[-8:], "big") for d in (DIGEST_1, DIGEST_2))
TOKENS = [1, 127, 128, 255, 256, 65535, 65536, 128009]


def events(first, second):
    return [stored([first, second], None, TOKENS, 4, [["salt"], None]),
            stored([second], first, TOKENS[:4], 4, [None]),
            ["BlockRemoved", [first], "GPU", 0],
            ["AllBlocksCleared"]]


def numbers():
    """Every form of an integer, a text and a container that the writer can choose."""
    edges = [0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**64 - 1,
             -1, -32, -33, -128, -129, -32768, -32769, -2**31, -2**31 - 1, -2**63]
    return [edges, ["", "x" * 31, "x" * 32, "x" * 255, "x" * 256], [b"", b"y" * 255, b"y" * 256],
            [None, True, False, 1.5], list(range(16)), {"k": 1}]


def main():
    folder = pathlib.Path("tests/testdata/kv_events")
    folder.mkdir(parents=True, exist_ok=True)
    as_numbers, as_bytes = events(NUMBER_1, NUMBER_2), events(DIGEST_1, DIGEST_2)
    rows = {
        "map_numbers": batch(*map(as_map, as_numbers)),
        "map_bytes": batch(*map(as_map, as_bytes)),
        "array_numbers": batch(*as_numbers),
        "array_bytes": batch(*as_bytes),
        "edges": msgpack.packb(numbers()),
    }
    (folder / "golden.txt").write_text("".join(f"{name} {payload.hex()}\n" for name, payload in rows.items()))
    corpus = pathlib.Path("fuzz/corpus/kv_events")
    corpus.mkdir(parents=True, exist_ok=True)
    for name, payload in rows.items():
        (corpus / name).write_bytes(payload)
    shapes = {
        "older_array_without_lora_name": batch(["BlockStored", [1], None, [1, 2], 2, None, "GPU"]),
        "older_array_without_medium": batch(["BlockStored", [1], 2, [1, 2], 2, 7]),
        "no_rank": msgpack.packb([TIMESTAMP, [["AllBlocksCleared"]]]),
        "extra_items": msgpack.packb([TIMESTAMP, [["AllBlocksCleared", 1, {"a": [1]}]], 3, "more"]),
        "sliding_window_group": batch(as_map(stored([5], None, [1, 2], 2, [None])[:9] + [1, "sliding_window", 128])),
        "multimodal_keys": batch(stored([5], None, [1, 2], 2, [[["image-hash", 3]]])),
        "negative_hash": batch(["BlockRemoved", [-2, 2**64 - 1], "CPU"]),
        "unknown_event": batch({"type": "BlockMoved", "to": "moon"}, ["Nothing", 1]),
        "announces_too_much": bytes.fromhex("93cb3ff0000000000000ddffffffff00"),
        "deep": batch(["AllBlocksCleared", [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]),
        "extension": batch(["AllBlocksCleared", msgpack.ExtType(5, b"abc")]),
        "empty": b"",
        "never_used": b"\x93\xc1",
    }
    for name, payload in shapes.items():
        (corpus / name).write_bytes(payload)


main()
