#!/usr/bin/env python3
"""Makes tests/testdata/model/goldens: tiny random models and what transformers computes for them.

Usage: model.py OUT_FOLDER      (needs torch, transformers and safetensors)

For each model of CASES a folder with config.json, weights and golden.safetensors:
  prompt            i32 [P]      token ids
  continuation      i32 [64]     greedy continuation, weights and arithmetic in f32
  positions         i32 [R]      positions of prompt + continuation whose whole rows are kept
  rows_f32          f32 [R, V]   log-probabilities at those positions, arithmetic in f32
  chosen_f32        f32 [P+63]   log-probability of the next token at every position, f32
  rows_native, chosen_native     the same with arithmetic in the checkpoint's dtype (absent for f32)

The seed of a case moves on until the golden can decide something: every greedy step has a top-2
gap of at least 1e-3, the continuation is varied, RoPE scaling and sliding windows change the
result, and the reference's own rounding in 16 bits stays below 1.2e-2 of its f32 result.
"""

import json
import math
import os
import shutil
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

PROMPT_TOKENS = 40
NEW_TOKENS = 64
ROW_POSITIONS = [0, 11, 39, 70, 102]
MIN_GAP = 1e-3
MAX_NATIVE_NOISE = 1.2e-2
MIN_DISTINCT = 8

ROPE_LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
               "high_freq_factor": 4.0, "original_max_position_embeddings": 64}

# keys: "older" writes torch_dtype, rope_theta and rope_scaling; "newer" dtype and rope_parameters.
CASES = {
    "llama_llama3_tied_f32": dict(
        arch="LlamaForCausalLM", dtype="float32", keys="older",
        config=dict(vocab_size=257, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                    num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=512,
                    tie_word_embeddings=True, rms_norm_eps=1e-5),
        rope={**ROPE_LLAMA3, "rope_theta": 500000.0}),
    "llama_linear_bias_f32": dict(
        arch="LlamaForCausalLM", dtype="float32", keys="newer",
        config=dict(vocab_size=131, hidden_size=48, intermediate_size=40, num_hidden_layers=2,
                    num_attention_heads=4, num_key_value_heads=1, head_dim=16,
                    max_position_embeddings=128, attention_bias=True, mlp_bias=True,
                    eos_token_id=[2, 5]),
        rope={"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}),
    "llama_head80_f32": dict(
        arch="LlamaForCausalLM", dtype="float32", keys="older",
        config=dict(vocab_size=97, hidden_size=24, intermediate_size=33, num_hidden_layers=2,
                    num_attention_heads=2, num_key_value_heads=1, head_dim=80,
                    max_position_embeddings=256),
        rope={"rope_type": "default", "rope_theta": 10000.0}),
    "llama_dynamic_f16": dict(
        arch="LlamaForCausalLM", dtype="float16", keys="older",
        config=dict(vocab_size=257, hidden_size=48, intermediate_size=64, num_hidden_layers=3,
                    num_attention_heads=4, num_key_value_heads=2, head_dim=16,
                    max_position_embeddings=64, tie_word_embeddings=True),
        rope={"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0}),
    "llama_longrope_f32": dict(
        arch="LlamaForCausalLM", dtype="float32", keys="newer",
        config=dict(vocab_size=199, hidden_size=32, intermediate_size=40, num_hidden_layers=2,
                    num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=256),
        rope={"rope_type": "longrope", "rope_theta": 10000.0,
              "original_max_position_embeddings": 64,
              "short_factor": [1.0 + 0.05 * i for i in range(8)],
              "long_factor": [1.0 + 0.9 * i for i in range(8)]}),
    "llama_vocab1009_bf16": dict(
        arch="LlamaForCausalLM", dtype="bfloat16", keys="newer",
        config=dict(vocab_size=1009, hidden_size=32, intermediate_size=96, num_hidden_layers=2,
                    num_attention_heads=4, num_key_value_heads=1, head_dim=32,
                    max_position_embeddings=512, tie_word_embeddings=True),
        rope={"rope_type": "default", "rope_theta": 500000.0}),
    "mistral_window8_sharded_f32": dict(
        arch="MistralForCausalLM", dtype="float32", keys="older", shards="60KB",
        config=dict(vocab_size=257, hidden_size=24, intermediate_size=32, num_hidden_layers=3,
                    num_attention_heads=8, num_key_value_heads=1, head_dim=16,
                    max_position_embeddings=512, sliding_window=8, tie_word_embeddings=True),
        rope={"rope_type": "default", "rope_theta": 10000.0}),
    "mistral_head128_bf16": dict(
        arch="MistralForCausalLM", dtype="bfloat16", keys="older",
        config=dict(vocab_size=257, hidden_size=32, intermediate_size=56, num_hidden_layers=2,
                    num_attention_heads=2, num_key_value_heads=1, head_dim=128,
                    max_position_embeddings=1024, sliding_window=None),
        rope={"rope_type": "default", "rope_theta": 1000000.0}),
    "qwen2_yarn_head64_f32": dict(
        arch="Qwen2ForCausalLM", dtype="float32", keys="newer",
        config=dict(vocab_size=151, hidden_size=32, intermediate_size=36, num_hidden_layers=2,
                    num_attention_heads=2, num_key_value_heads=1, head_dim=64,
                    max_position_embeddings=256),
        rope={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64,
              "rope_theta": 10000.0}),
    "qwen2_window12_sharded_bf16": dict(
        arch="Qwen2ForCausalLM", dtype="bfloat16", keys="older", shards="60KB",
        config=dict(vocab_size=257, hidden_size=48, intermediate_size=64, num_hidden_layers=3,
                    num_attention_heads=3, num_key_value_heads=3, max_position_embeddings=512,
                    use_sliding_window=True, sliding_window=12, max_window_layers=1,
                    tie_word_embeddings=True),
        rope={"rope_type": "default", "rope_theta": 1000000.0}),
    "qwen3_untied_f32": dict(
        arch="Qwen3ForCausalLM", dtype="float32", keys="newer",
        config=dict(vocab_size=257, hidden_size=24, intermediate_size=40, num_hidden_layers=2,
                    num_attention_heads=4, num_key_value_heads=2, head_dim=32,
                    max_position_embeddings=512),
        rope={"rope_type": "default", "rope_theta": 1000000.0}),
    "qwen3_ratio8_head128_f16": dict(
        arch="Qwen3ForCausalLM", dtype="float16", keys="older",
        config=dict(vocab_size=263, hidden_size=16, intermediate_size=48, num_hidden_layers=2,
                    num_attention_heads=8, num_key_value_heads=1, head_dim=128,
                    max_position_embeddings=512, tie_word_embeddings=True),
        rope={"rope_type": "default", "rope_theta": 1000000.0}),
    "qwen3_yarn_untruncated_bias_f32": dict(
        arch="Qwen3ForCausalLM", dtype="float32", keys="older",
        config=dict(vocab_size=173, hidden_size=24, intermediate_size=32, num_hidden_layers=2,
                    num_attention_heads=2, num_key_value_heads=2, head_dim=48, attention_bias=True,
                    max_position_embeddings=128),
        rope={"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 32,
              "beta_fast": 16.0, "beta_slow": 2.0, "attention_factor": 1.25, "truncate": False,
              "rope_theta": 10000.0}),
}


def fill(model, seed, logit_std, attention_gain):
    """Random weights that keep activations near 1, attention peaked and logits near logit_std."""
    generator = torch.Generator().manual_seed(seed)
    hidden = model.config.hidden_size
    tied = model.config.tie_word_embeddings
    for name, parameter in model.named_parameters():
        shape = parameter.shape
        if name.endswith("norm.weight"):
            value = 1.0 + 0.2 * torch.randn(shape, generator=generator)
        elif name.endswith("bias"):
            value = 0.3 * torch.randn(shape, generator=generator)
        elif "embed_tokens" in name:
            std = logit_std / math.sqrt(hidden) if tied else 1.0
            value = std * torch.randn(shape, generator=generator)
        elif "lm_head" in name:
            value = logit_std / math.sqrt(hidden) * torch.randn(shape, generator=generator)
        else:
            gain = attention_gain if ("q_proj" in name or "k_proj" in name) else 1.0
            value = gain / math.sqrt(shape[1]) * torch.randn(shape, generator=generator)
        parameter.data.copy_(value)


def rewrite_config(folder, case):
    """config.json with the keys of the wanted generation, spelled as the hubs' files spell them."""
    path = os.path.join(folder, "config.json")
    config = json.load(open(path))
    for key in ("dtype", "torch_dtype", "rope_parameters", "rope_scaling", "rope_theta",
                "transformers_version", "layer_types"):
        config.pop(key, None)
    rope = dict(case["rope"])
    if case["keys"] == "older":
        config["torch_dtype"] = case["dtype"]
        config["rope_theta"] = rope.pop("rope_theta")
        if rope["rope_type"] == "default":
            config["rope_scaling"] = None
        else:
            if rope["rope_type"] == "dynamic":  # the oldest spelling
                rope["type"] = rope.pop("rope_type")
            config["rope_scaling"] = rope
    else:
        config["dtype"] = case["dtype"]
        config["rope_parameters"] = rope
    with open(path, "w") as out:
        json.dump(config, out, indent=1, sort_keys=True)
        out.write("\n")


def load(folder, dtype, **overrides):
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager", **overrides).eval()
    rotary = model.model.rotary_emb
    config = model.config
    kind = config.rope_parameters["rope_type"]
    # These two kinds change frequencies with the length of the batch in transformers. A server
    # decides once, for its whole context: dynamic as if factor * max_position_embeddings tokens are
    # there, longrope with the long factors as max_position_embeddings exceeds the original length.
    if kind in ("dynamic", "longrope"):
        length = config.max_position_embeddings
        if kind == "dynamic":
            length = int(length * config.rope_parameters["factor"])
        frequencies, scaling = ROPE_INIT_FUNCTIONS[kind](config, "cpu", seq_len=length)
        rotary.inv_freq = frequencies
        rotary.attention_scaling = scaling
        rotary.rope_type = "default"
    return model


@torch.no_grad()
def log_probs(model, tokens):
    logits = model(torch.tensor([tokens]), use_cache=False).logits[0].float()
    return torch.log_softmax(logits, dim=-1)


@torch.no_grad()
def greedy(model, prompt):
    """The continuation and the smallest top-2 gap met on the way."""
    tokens, smallest = list(prompt), math.inf
    for _ in range(NEW_TOKENS):
        top = torch.topk(model(torch.tensor([tokens]), use_cache=False).logits[0, -1].float(), 2)
        smallest = min(smallest, (top.values[0] - top.values[1]).item())
        tokens.append(int(top.indices[0]))
    return tokens[len(prompt):], smallest


def largest(a, b):
    return (a - b).abs().max().item()


def attempt(name, case, folder, seed):
    """Writes one model; returns why this seed will not do, or None."""
    shutil.rmtree(folder, ignore_errors=True)
    rope = dict(case["rope"])
    config = AutoConfig.for_model(
        case["arch"].removesuffix("ForCausalLM").lower(), **case["config"], rope_parameters=rope)
    config.architectures = [case["arch"]]
    model = getattr(transformers, case["arch"])(config)
    native = getattr(torch, case["dtype"])
    # The eager reference rounds scores and logits to the dtype: large ones drown the comparison.
    logit_std, attention_gain = {torch.float32: (2.0, 1.6), torch.float16: (1.0, 1.1),
                                 torch.bfloat16: (0.3, 0.6)}[native]
    fill(model, seed, logit_std, attention_gain)
    model = model.to(native)
    model.save_pretrained(folder, max_shard_size=case.get("shards", "1GB"))
    rewrite_config(folder, case)

    generator = torch.Generator().manual_seed(seed + 1000)
    vocab = case["config"]["vocab_size"]
    prompt = torch.randint(0, vocab, (PROMPT_TOKENS,), generator=generator).tolist()
    full = load(folder, torch.float32)
    continuation, gap = greedy(full, prompt)
    if gap < MIN_GAP:
        return f"top-2 gap {gap:.1e}"
    if len(set(continuation)) < MIN_DISTINCT:
        return f"{len(set(continuation))} distinct tokens"
    tokens = prompt + continuation[:-1]
    rows = log_probs(full, tokens)
    following = torch.tensor(tokens[1:] + [continuation[-1]])
    chosen = rows.gather(1, following[:, None])[:, 0]

    if case["rope"]["rope_type"] != "default":
        plain = load(folder, torch.float32)
        rotary = plain.model.rotary_emb
        dim = rotary.inv_freq.shape[0] * 2
        theta = case["rope"]["rope_theta"]
        rotary.inv_freq = 1.0 / theta ** (torch.arange(0, dim, 2).float() / dim)
        rotary.attention_scaling, rotary.rope_type = 1.0, "default"
        difference = largest(rows, log_probs(plain, tokens))
        if difference < 0.05:
            return f"RoPE scaling changes log-probabilities by {difference:.1e} only"
    if case["config"].get("sliding_window"):
        wide = load(folder, torch.float32, sliding_window=4096)
        difference = largest(rows, log_probs(wide, tokens))
        if difference < 0.05:
            return f"the window changes log-probabilities by {difference:.1e} only"

    golden = {
        "prompt": torch.tensor(prompt, dtype=torch.int32),
        "continuation": torch.tensor(continuation, dtype=torch.int32),
        "positions": torch.tensor(ROW_POSITIONS, dtype=torch.int32),
        "rows_f32": rows[ROW_POSITIONS].contiguous(),
        "chosen_f32": chosen.contiguous(),
    }
    noise = 0.0
    if native != torch.float32:
        own = log_probs(load(folder, native), tokens)
        own_chosen = own.gather(1, following[:, None])[:, 0]
        noise = max(largest(own[ROW_POSITIONS], rows[ROW_POSITIONS]), largest(own_chosen, chosen))
        if noise > MAX_NATIVE_NOISE:
            return f"rounding noise {noise:.1e}"
        golden["rows_native"] = own[ROW_POSITIONS].contiguous()
        golden["chosen_native"] = own_chosen.contiguous()
    save_file(golden, os.path.join(folder, "golden.safetensors"))
    size = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder))
    print(f"{name}: seed {seed}, gap {gap:.1e}, distinct {len(set(continuation))}, "
          f"noise {noise:.1e}, std {rows.std().item():.2f}, {size} bytes", flush=True)
    return None


def main():
    out = sys.argv[1]
    only = sys.argv[2:]
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    for name, case in CASES.items():
        if only and name not in only:
            continue
        for seed in range(200):
            reason = attempt(name, case, os.path.join(out, name), seed)
            if reason is None:
                break
            print(f"{name}: seed {seed}: {reason}", flush=True)
        else:
            sys.exit(f"{name}: no seed will do")


if __name__ == "__main__":
    main()
