#!/usr/bin/env python3
"""Writes a GGUF file of a real model's shape with random weights, for llama.cpp's programs.

Needs python3-gguf and numpy; bench/engine_peer.py runs it where those are installed.

    bench/gguf_model.py CONFIG_JSON bf16|q8_0 OUT_FILE
"""
import json
import sys

import gguf
import numpy

POOL = 1 << 24  # random values; tensors are cut from it at different places


class Weights:
    """Random tensors of one type: normal, standard deviation 0.02."""

    def __init__(self, width):
        rng = numpy.random.default_rng(1)
        self.width = width
        if width == "q8_0":  # blocks of a scale (f16) and 32 values
            blocks = numpy.zeros((POOL // 32, 34), numpy.uint8)
            blocks[:, :2] = numpy.array([0.02 / 64], numpy.float16).view(numpy.uint8)
            blocks[:, 2:] = rng.integers(-127, 128, (POOL // 32, 32), numpy.int8).view(numpy.uint8)
            self.pool, self.type, self.unit = blocks, gguf.GGMLQuantizationType.Q8_0, 32
        else:
            values = (rng.standard_normal(POOL, numpy.float32) * 0.02).view(numpy.uint32) >> 16
            self.pool = values.astype(numpy.uint16).view(numpy.uint8).reshape(POOL, 2)
            self.type, self.unit = gguf.GGMLQuantizationType.BF16, 1
        self.at = 0

    def make(self, rows, columns):
        units = rows * columns // self.unit
        self.at = (self.at + 12345) % len(self.pool)
        pool = numpy.roll(self.pool, -self.at, axis=0)
        data = numpy.resize(pool, (units, self.pool.shape[1]))
        return data.reshape(rows, -1)


def write(config, width, path):
    arch = {"Qwen3ForCausalLM": "qwen3", "LlamaForCausalLM": "llama"}[config["architectures"][0]]
    hidden, inner, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    heads, kv_heads, head = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    out = gguf.GGUFWriter(path, arch)
    out.add_block_count(config["num_hidden_layers"])
    out.add_context_length(config["max_position_embeddings"])
    out.add_embedding_length(hidden)
    out.add_feed_forward_length(inner)
    out.add_head_count(heads)
    out.add_head_count_kv(kv_heads)
    out.add_key_length(head)
    out.add_value_length(head)
    out.add_rope_dimension_count(head)
    out.add_rope_freq_base(float(config["rope_theta"]))
    out.add_layer_norm_rms_eps(config["rms_norm_eps"])
    out.add_vocab_size(vocab)
    out.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if width == "q8_0" else gguf.LlamaFileType.MOSTLY_BF16)
    # Prompts are token ids, so the vocabulary only has to be there.
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("qwen2" if arch == "qwen3" else "llama-bpe")
    out.add_token_list([f"t{i}" for i in range(vocab)])
    out.add_token_types([gguf.TokenType.NORMAL] * vocab)
    out.add_token_merges(["t 0"])
    out.add_eos_token_id(vocab - 1)
    out.add_bos_token_id(vocab - 2)

    weights = Weights(width)

    def matrix(name, rows, columns):
        out.add_tensor(f"{name}.weight", weights.make(rows, columns), raw_dtype=weights.type)

    def norm(name, size):
        out.add_tensor(f"{name}.weight", numpy.ones(size, numpy.float32))

    matrix("token_embd", vocab, hidden)
    norm("output_norm", hidden)
    for i in range(config["num_hidden_layers"]):
        layer = f"blk.{i}."
        norm(layer + "attn_norm", hidden)
        matrix(layer + "attn_q", heads * head, hidden)
        matrix(layer + "attn_k", kv_heads * head, hidden)
        matrix(layer + "attn_v", kv_heads * head, hidden)
        matrix(layer + "attn_output", hidden, heads * head)
        if arch == "qwen3":
            norm(layer + "attn_q_norm", head)
            norm(layer + "attn_k_norm", head)
        norm(layer + "ffn_norm", hidden)
        matrix(layer + "ffn_gate", inner, hidden)
        matrix(layer + "ffn_up", inner, hidden)
        matrix(layer + "ffn_down", hidden, inner)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


if __name__ == "__main__":
    write(json.loads(open(sys.argv[1]).read()), sys.argv[2], sys.argv[3])
