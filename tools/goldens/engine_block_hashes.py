#!/usr/bin/env python3
"""Writes tests/testdata/engine/block_hashes.txt: block hashes computed with CPython's own pickle.

Needs libxxhash.so.0. CBOR is the small canonical subset that block hashes use. Run it from the
repository root:  python3 tools/goldens/engine_block_hashes.py > tests/testdata/engine/block_hashes.txt
"""
import ctypes
import hashlib
import pickle
import random


def cbor_head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << (8 * size):
            return bytes([major << 5 | code]) + value.to_bytes(size, "big")
    raise ValueError(value)


def cbor(value):
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return cbor_head(0, value) if value >= 0 else cbor_head(1, -1 - value)
    if isinstance(value, bytes):
        return cbor_head(2, len(value)) + value
    if isinstance(value, str):
        raw = value.encode()
        return cbor_head(3, len(raw)) + raw
    return cbor_head(4, len(value)) + b"".join(map(cbor, value))


class Xxh128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def load_xxhash():
    library = ctypes.CDLL("libxxhash.so.0")
    library.XXH3_128bits.restype = Xxh128
    library.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]

    def digest(data):
        result = library.XXH3_128bits(data, len(data))
        return result.high.to_bytes(8, "big") + result.low.to_bytes(8, "big")

    return digest


def main():
    xxh128 = load_xxhash()
    sha256 = lambda data: hashlib.sha256(data).digest()
    pickled = lambda value: pickle.dumps(value, protocol=5)
    algorithms = {
        "sha256": lambda v: sha256(pickled(v)),
        "sha256_cbor": lambda v: sha256(cbor(v)),
        "xxhash": lambda v: xxh128(pickled(v)),
        "xxhash_cbor": lambda v: xxh128(cbor(v)),
    }
    rng = random.Random(20240607)
    print("# algorithm seed | extra keys, comma separated, - for none | tokens | root, hash, hash of child")
    extras = [(), ("lora-a",), ("lora-a", "salt"), ("x" * 255,), ("y" * 256,), ("grüße",),
              ("a", "b", "c", "d")]
    for name, h in algorithms.items():
        for seed in ("0", "42", "a longer seed"):
            root = h(seed)
            for case in range(12):
                extra = extras[case % len(extras)]
                size = (16, 1, 2, 3, 4, 128, 600)[case % 7]
                top = (200, 256, 65535, 65536, 151936, 2**31 - 1)[case % 6]
                tokens = tuple(rng.randint(0, top) for _ in range(size))
                if case == 0:
                    tokens = tuple(range(1, 17))
                # Unpickled copies: equal strings must not be the same object (memo references).
                first = h((root, tokens, tuple(extra) or None))
                child = h((first, tokens, None))
                print(f"{name} {seed.replace(' ', '_')} | {','.join(extra) or '-'} | "
                      f"{','.join(map(str, tokens))} | {root.hex()} {first.hex()} {child.hex()}")


main()
