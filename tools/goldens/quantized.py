#!/usr/bin/env python3
"""Makes tests/testdata/model/quantized: one tiny Llama in each format of quantised checkpoints.

Usage: quantized.py OUT_FOLDER      (needs numpy; the encoders and the forward pass are written here)

For each case a folder with config.json, model.safetensors and golden.safetensors:
  tokens   i32 [T]
  logits   f32 [T, V]     of the dequantised weights, arithmetic in f64
  q_proj   f32 [64, 64]   its dequantised weights, before any rounding to 16 bits

Layouts: engine.md section 30; compressed-tensors compressors; AutoAWQ WQLinear_GEMM; AutoGPTQ and
GPTQModel qlinear. Weights have a few outliers, and act-order cases use a random order of columns.
"""

import json
import os
import struct
import sys

import numpy as np

HIDDEN, INNER, HEADS, KV_HEADS, HEAD_DIM, VOCAB, TOKENS = 64, 128, 4, 2, 16, 64, 12
LINEARS = {
    "self_attn.q_proj": (HEADS * HEAD_DIM, HIDDEN),
    "self_attn.k_proj": (KV_HEADS * HEAD_DIM, HIDDEN),
    "self_attn.v_proj": (KV_HEADS * HEAD_DIM, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HEADS * HEAD_DIM),
    "mlp.gate_proj": (INNER, HIDDEN),
    "mlp.up_proj": (INNER, HIDDEN),
    "mlp.down_proj": (HIDDEN, INNER),
}
PREFIX = "model.layers.0."

# ---- number formats -------------------------------------------------------------------------


def bf16(values):
    """Rounds to bfloat16, ties to even; returns the 16-bit patterns."""
    bits = np.asarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(patterns):
    return (patterns.astype(np.uint32) << 16).view(np.float32)


def e4m3_table():
    table = np.zeros(256, np.float64)
    for code in range(256):
        exponent, fraction = (code >> 3) & 15, code & 7
        value = fraction / 8 * 2.0 ** -6 if exponent == 0 else (1 + fraction / 8) * 2.0 ** (exponent - 7)
        if code & 0x7F == 0x7F:
            value = np.nan
        table[code] = -value if code & 0x80 else value
    return table


E4M3 = e4m3_table()


def e4m3(values):
    """Nearest code (ties to the lower code) by search: 253 finite values."""
    codes = np.array([c for c in range(256) if not np.isnan(E4M3[c]) and c != 0x80])
    order = codes[np.argsort(E4M3[codes], kind="stable")]
    grid = E4M3[order]
    at = np.clip(np.searchsorted(grid, values), 1, len(grid) - 1)
    lower = np.abs(values - grid[at - 1]) <= np.abs(grid[at] - values)
    return order[np.where(lower, at - 1, at)].astype(np.uint8)


# ---- safetensors ----------------------------------------------------------------------------

DTYPES = {np.dtype(np.float32): "F32", np.dtype(np.float16): "F16", np.dtype(np.int32): "I32",
          np.dtype(np.int64): "I64", np.dtype(np.int8): "I8"}


class Raw:
    """An array whose dtype numpy does not know."""

    def __init__(self, name, patterns):
        self.name, self.patterns = name, patterns


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name in sorted(tensors):
        value = tensors[name]
        kind, array = (value.name, value.patterns) if isinstance(value, Raw) else (
            DTYPES[value.dtype], value)
        blob = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + len(blob)]}
        data += blob
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


# ---- whole numbers in groups ----------------------------------------------------------------


def group_index(k, group, order):
    """Group of each column; `order` lists columns as an act-order quantiser visits them."""
    index = np.empty(k, np.int32)
    index[order] = np.arange(k) // group
    return index


def quantise(weight, bits, index, symmetric, scale_type):
    """Codes 0..2^bits-1, scales and zero points [n, groups], and the dequantised weight."""
    n, groups = weight.shape[0], index.max() + 1
    half, top = 2 ** (bits - 1), 2 ** bits - 1
    scales, zeros = np.zeros((n, groups)), np.full((n, groups), half, np.int64)
    for g in range(groups):
        part = weight[:, index == g]
        if symmetric:
            scales[:, g] = np.abs(part).max(axis=1) / (half - 0.5)
        else:
            low, high = np.minimum(part.min(axis=1), 0), np.maximum(part.max(axis=1), 0)
            scales[:, g] = (high - low) / top
            # GPTQ's older format cannot store a zero point of 0.
            zeros[:, g] = np.clip(np.round(-low / scales[:, g]), 1, top)
    stored = Raw("BF16", bf16(scales)) if scale_type == "bf16" else scales.astype(scale_type)
    exact = (from_bf16(stored.patterns) if scale_type == "bf16" else stored).astype(np.float64)
    codes = np.clip(np.round(weight / exact[:, index]) + zeros[:, index], 0, top).astype(np.int64)
    return codes, stored, exact, zeros, (codes - zeros[:, index]) * exact[:, index]


def pack(codes, bits, axis):
    """Fields along `axis` into 32-bit words, the first in the low bits; the rest is zeros."""
    per_word = 32 // bits
    codes = np.moveaxis(codes, axis, -1)
    missing = -codes.shape[-1] % per_word
    codes = np.pad(codes, [(0, 0)] * (codes.ndim - 1) + [(0, missing)])
    fields = codes.reshape(*codes.shape[:-1], -1, per_word).astype(np.uint64)
    words = np.zeros(fields.shape[:-1], np.uint64)
    for i in range(per_word):
        words |= fields[..., i] << np.uint64(bits * i)
    return np.moveaxis(words.astype(np.uint32).view(np.int32), -1, axis)


def transpose(stored):
    return Raw(stored.name, stored.patterns.T) if isinstance(stored, Raw) else stored.T


# ---- one linear in each method: tensors by suffix, and the dequantised weight -----------------


def int8_channel(weight, _):
    scale = (np.abs(weight).max(axis=1, keepdims=True) / 127.5).astype(np.float32)
    codes = np.clip(np.round(weight / scale), -128, 127).astype(np.int8)
    return {"weight": codes, "weight_scale": scale}, codes * scale.astype(np.float64)


def packed(bits, group, symmetric=True, order=None):
    def encode(weight, rng):
        n, k = weight.shape
        size = k if group == -1 else group
        columns = np.arange(k) if order is None else order(k, rng)
        index = group_index(k, size, columns)
        codes, scales, _, zeros, dense = quantise(weight, bits, index, symmetric, "bf16")
        tensors = {"weight_packed": pack(codes, bits, 1), "weight_scale": scales,
                   "weight_shape": np.array([n, k], np.int64)}
        if not symmetric:
            tensors["weight_zero_point"] = pack(zeros, bits, 0)
        if order is not None:
            tensors["weight_g_idx"] = index
        return tensors, dense
    return encode


def fp8(grain, scale_name="weight_scale", block=(0, 0), static=False):
    def encode(weight, _):
        n, k = weight.shape
        if grain == "tensor":
            scale = np.array(np.abs(weight).max() / 448, np.float32)
            full = np.full((n, k), scale)
        elif grain == "channel":
            scale = (np.abs(weight).max(axis=1, keepdims=True) / 448).astype(np.float32)
            full = np.broadcast_to(scale, (n, k))
        else:
            rows, columns = -(-n // block[0]), -(-k // block[1])
            scale = np.zeros((rows, columns), np.float32)
            full = np.zeros((n, k), np.float32)
            for r in range(rows):
                for c in range(columns):
                    at = (slice(r * block[0], (r + 1) * block[0]),
                          slice(c * block[1], (c + 1) * block[1]))
                    scale[r, c] = np.abs(weight[at]).max() / 448
                    full[at] = scale[r, c]
        codes = e4m3(weight / full)
        tensors = {"weight": Raw("F8_E4M3", codes), scale_name: scale}
        if static:
            tensors["input_scale"] = np.array(0.02, np.float32)
        return tensors, E4M3[codes] * full.astype(np.float64)
    return encode


def awq(group):
    def encode(weight, _):
        n, k = weight.shape
        codes, scales, _, zeros, dense = quantise(weight, 4, np.arange(k) // group, False, np.float16)
        interleaved = np.arange(n).reshape(-1, 8)[:, [0, 2, 4, 6, 1, 3, 5, 7]].reshape(-1)
        return {"qweight": pack(codes.T[:, interleaved], 4, 1),
                "qzeros": pack(zeros.T[:, interleaved], 4, 1), "scales": transpose(scales)}, dense
    return encode


def gptq(bits, group, symmetric, version, order=None):
    def encode(weight, rng):
        n, k = weight.shape
        index = group_index(k, group, np.arange(k) if order is None else order(k, rng))
        codes, scales, _, zeros, dense = quantise(weight, bits, index, symmetric, np.float16)
        return {"qweight": pack(codes.T, bits, 0),
                "qzeros": pack(zeros.T - (1 if version == 1 else 0), bits, 1),
                "scales": transpose(scales), "g_idx": index}, dense
    return encode


# ---- the model ------------------------------------------------------------------------------


def make_weights(rng):
    weights = {"model.embed_tokens.weight": rng.normal(0, 1, (VOCAB, HIDDEN)),
               "lm_head.weight": rng.normal(0, 0.3, (VOCAB, HIDDEN)),
               "model.norm.weight": rng.normal(1, 0.1, HIDDEN),
               PREFIX + "input_layernorm.weight": rng.normal(1, 0.1, HIDDEN),
               PREFIX + "post_attention_layernorm.weight": rng.normal(1, 0.1, HIDDEN)}
    # What stays dense is exact in bfloat16, so that only quantisation can differ.
    weights = {name: from_bf16(bf16(value)).astype(np.float64) for name, value in weights.items()}
    for name, (n, k) in LINEARS.items():
        weight = rng.normal(0, k ** -0.5, (n, k)) * np.exp(rng.normal(0, 0.5, (n, 1)))
        weight[rng.integers(n, size=4), rng.integers(k, size=4)] *= 6
        weights[f"{PREFIX}{name}.weight"] = from_bf16(bf16(weight)).astype(np.float64)
    return weights


def rms_norm(x, weight):
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5) * weight


def rotate(x):
    half = HEAD_DIM // 2
    angle = np.arange(len(x))[:, None] * 10000.0 ** (-np.arange(half) / half)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def logits_of(weights, tokens):
    linear = lambda name, x: x @ weights[f"{PREFIX}{name}.weight"].T
    x = weights["model.embed_tokens.weight"][tokens]
    normed = rms_norm(x, weights[PREFIX + "input_layernorm.weight"])
    q = rotate(linear("self_attn.q_proj", normed).reshape(-1, HEADS, HEAD_DIM))
    k = rotate(linear("self_attn.k_proj", normed).reshape(-1, KV_HEADS, HEAD_DIM))
    v = linear("self_attn.v_proj", normed).reshape(-1, KV_HEADS, HEAD_DIM)
    heads = []
    for h in range(HEADS):
        shared = h * KV_HEADS // HEADS
        scores = q[:, h] @ k[:, shared].T / np.sqrt(HEAD_DIM)
        scores[np.triu_indices(len(tokens), 1)] = -np.inf
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        heads.append(scores / scores.sum(axis=1, keepdims=True) @ v[:, shared])
    x = x + linear("self_attn.o_proj", np.concatenate(heads, axis=1))
    normed = rms_norm(x, weights[PREFIX + "post_attention_layernorm.weight"])
    gate, up = linear("mlp.gate_proj", normed), linear("mlp.up_proj", normed)
    x = x + linear("mlp.down_proj", gate / (1 + np.exp(-gate)) * up)
    return rms_norm(x, weights["model.norm.weight"]) @ weights["lm_head.weight"].T


# ---- cases ----------------------------------------------------------------------------------


def one_order(k, _):  # the same for all linears of one width: stacks keep their form
    return np.random.default_rng(k).permutation(k)


def own_order(k, rng):  # another for each linear: stacks cannot share it
    return rng.permutation(k)


def compressed(form, ignore=("lm_head",), groups=None, **weights):
    weights = {"num_bits": 4, "type": "int", "symmetric": True, "dynamic": False, "actorder": None,
               "group_size": None, "observer": "minmax", **weights}
    groups = groups or {"group_0": {"targets": ["Linear"], "weights": weights,
                                    "input_activations": None, "output_activations": None}}
    return {"quant_method": "compressed-tensors", "format": form, "ignore": list(ignore),
            "quantization_status": "compressed", "kv_cache_scheme": None, "config_groups": groups}


MIXED = {
    "down": {"targets": ["re:.*down_proj$"], "format": "pack-quantized",
             "weights": {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group",
                         "group_size": 128}},
    "rest": {"targets": ["Linear"], "format": "int-quantized",
             "weights": {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"},
             "input_activations": {"num_bits": 8, "dynamic": True, "strategy": "token"}},
}

# name: (quantization_config, encoder of a linear by name; None: stays dense)
CASES = {
    "ct_int8_channel": (compressed("int-quantized", num_bits=8, strategy="channel"),
                        lambda name: int8_channel),
    "ct_int4_g32": (compressed("pack-quantized", strategy="group", group_size=32),
                    lambda name: packed(4, 32)),
    "ct_int4_g64_zeros": (compressed("pack-quantized", strategy="group", group_size=64,
                                     symmetric=False), lambda name: packed(4, 64, False)),
    "ct_int4_channel": (compressed("pack-quantized", strategy="channel"),
                        lambda name: packed(4, -1)),
    "ct_int4_g32_ordered": (compressed("pack-quantized", strategy="group", group_size=32,
                                       actorder="group"),
                            lambda name: packed(4, 32, True, one_order)),
    "ct_int4_g16_ordered_apart": (compressed("pack-quantized", strategy="group", group_size=16,
                                             actorder="group", symmetric=False),
                                  lambda name: packed(4, 16, False, own_order)),
    "ct_int8_g32_packed": (compressed("pack-quantized", strategy="group", group_size=32,
                                      num_bits=8, symmetric=False),
                           lambda name: packed(8, 32, False)),
    "ct_fp8_channel": (compressed("float-quantized", num_bits=8, type="float", strategy="channel"),
                       lambda name: fp8("channel")),
    "ct_mixed_targets": (compressed("mixed-precision", ("lm_head", "re:.*v_proj"), MIXED),
                         lambda name: packed(4, 128) if name.endswith("down_proj")
                         else None if name.endswith("v_proj") else int8_channel),
    "fp8_tensor": ({"quant_method": "fp8", "activation_scheme": "static"},
                   lambda name: fp8("tensor", static=True)),
    "fp8_block": ({"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
                   "weight_block_size": [48, 40]},
                  lambda name: fp8("block", "weight_scale_inv", (48, 40))),
    "awq_g32": ({"quant_method": "awq", "bits": 4, "group_size": 32, "zero_point": True,
                 "version": "gemm", "modules_to_not_convert": ["o_proj"]},
                lambda name: None if name.endswith("o_proj") else awq(32)),
    "gptq_int4_g32_ordered": ({"quant_method": "gptq", "bits": 4, "group_size": 32,
                               "desc_act": True, "sym": False, "checkpoint_format": "gptq"},
                              lambda name: gptq(4, 32, False, 1, own_order)),
    "gptq_v2_int4_g64": ({"quant_method": "gptq", "bits": 4, "group_size": 64, "desc_act": False,
                          "sym": True, "checkpoint_format": "gptq_v2"},
                         lambda name: gptq(4, 64, True, 2)),
    "gptq_int8_g64": ({"quant_method": "gptq", "bits": 8, "group_size": 64, "desc_act": False,
                       "sym": True}, lambda name: gptq(8, 64, True, 1)),
}

CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN,
          "intermediate_size": INNER, "num_hidden_layers": 1, "num_attention_heads": HEADS,
          "num_key_value_heads": KV_HEADS, "head_dim": HEAD_DIM, "vocab_size": VOCAB,
          "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "max_position_embeddings": 512,
          "tie_word_embeddings": False, "torch_dtype": "bfloat16"}


def main():
    out = sys.argv[1]
    for number, (case, (config, encoder_of)) in enumerate(CASES.items()):
        rng = np.random.default_rng(100 + number)
        weights = make_weights(rng)
        tensors = {}
        for name in list(weights):
            module = name.removeprefix(PREFIX).removesuffix(".weight")
            encode = encoder_of(module) if module in LINEARS else None
            if encode is None:
                tensors[name] = Raw("BF16", bf16(weights[name]))
                continue
            parts, weights[name] = encode(weights[name], rng)
            for suffix, value in parts.items():
                tensors[f"{PREFIX}{module}.{suffix}"] = value
        tokens = rng.integers(VOCAB, size=TOKENS).astype(np.int32)
        folder = os.path.join(out, case)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump({**CONFIG, "quantization_config": config}, file, indent=1)
            file.write("\n")
        write_safetensors(os.path.join(folder, "model.safetensors"), tensors)
        write_safetensors(os.path.join(folder, "golden.safetensors"), {
            "tokens": tokens, "logits": logits_of(weights, tokens).astype(np.float32),
            "q_proj": weights[PREFIX + "self_attn.q_proj.weight"].astype(np.float32)})


if __name__ == "__main__":
    main()
