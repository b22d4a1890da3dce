#!/usr/bin/env python3
"""Makes tests/testdata/model/rope.json: RoPE frequencies as Hugging Face transformers has them.

Usage: model_rope.py OUT_FILE        (needs torch and transformers)

Each case: a config.json (shapes of well-known models), the frequencies, the factor of cos and sin.
`dynamic` and `longrope` are asked for the whole context at once, as a server decides it.
"""

import json
import sys

from transformers import AutoConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding


def shape(**keys):
    return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 256,
            "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
            "vocab_size": 32, **keys}


def longrope(max_positions, **keys):
    return shape(head_dim=96, max_position_embeddings=max_positions, rope_theta=10000.0,
                 rope_scaling={"rope_type": "longrope", "original_max_position_embeddings": 4096,
                               "short_factor": [round(1.0 + 0.03 * i, 4) for i in range(48)],
                               "long_factor": [round(1.1 + 1.3 * i, 4) for i in range(48)], **keys})


CASES = {
    "plain, theta 1e6, head 128": shape(
        head_dim=128, max_position_embeddings=32768, rope_theta=1000000.0),
    "Llama 3.1 8B": shape(
        head_dim=128, max_position_embeddings=131072, rope_theta=500000.0,
        rope_scaling={"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                      "original_max_position_embeddings": 8192, "rope_type": "llama3"}),
    "Llama 3.2 1B": shape(
        head_dim=64, max_position_embeddings=131072, rope_theta=500000.0,
        rope_scaling={"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                      "original_max_position_embeddings": 8192, "rope_type": "llama3"}),
    "Qwen 2.5 with YaRN 4x": shape(
        head_dim=128, max_position_embeddings=32768, rope_theta=1000000.0,
        rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}),
    "YaRN without truncation": shape(
        head_dim=64, max_position_embeddings=131072, rope_theta=150000.0,
        rope_scaling={"rope_type": "yarn", "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0,
                      "original_max_position_embeddings": 4096, "truncate": False}),
    "YaRN with mscale": shape(
        head_dim=64, max_position_embeddings=163840, rope_theta=10000.0,
        rope_scaling={"type": "yarn", "factor": 40.0, "beta_fast": 32, "beta_slow": 1,
                      "mscale": 0.707, "mscale_all_dim": 1.0,
                      "original_max_position_embeddings": 4096}),
    "YaRN with attention_factor": shape(
        head_dim=64, max_position_embeddings=8192, rope_theta=10000.0,
        rope_scaling={"type": "yarn", "factor": 2.0, "attention_factor": 1.3,
                      "original_max_position_embeddings": 4096}),
    "linear": shape(
        head_dim=128, max_position_embeddings=4096, rope_theta=10000.0,
        rope_scaling={"type": "linear", "factor": 3.0}),
    "dynamic": shape(
        head_dim=80, max_position_embeddings=4096, rope_theta=10000.0,
        rope_scaling={"type": "dynamic", "factor": 2.5}),
    "longrope, long": longrope(131072),
    "longrope, short": longrope(4096),
    "longrope, attention_factor": longrope(131072, attention_factor=1.5),
}


def frequencies(case):
    config = AutoConfig.for_model(**{k: v for k, v in case.items() if k != "architectures"})
    kind = config.rope_parameters["rope_type"]
    if kind == "default":
        return LlamaRotaryEmbedding.compute_default_rope_parameters(config)
    length = config.max_position_embeddings
    if kind == "dynamic":
        length = int(length * config.rope_parameters["factor"])
    return ROPE_INIT_FUNCTIONS[kind](config, "cpu", seq_len=length)


def main():
    out = []
    for name, case in CASES.items():
        inverse, scale = frequencies(case)
        out.append({"name": name, "config": case, "scale": float(scale),
                    "inverse": [float(f"{x:.9g}") for x in inverse.tolist()]})
    with open(sys.argv[1], "w") as file:
        json.dump(out, file, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
