"""A model folder of a real shape with random weights: what start-up and memory are measured with.

The weights are bf16 numbers of small size that differ from each other, written at disk speed; the tokenizer
is byte-level BPE with as many tokens and merges as the real one and words of similar length. The same
folder comes out of every run. Standard library only.
"""
import json
import pathlib
import random
import struct

SOURCE = pathlib.Path(__file__).parents[1]
QWEN3_0_6B = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 1024, "intermediate_size": 3072,
    "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
    "vocab_size": 151936, "max_position_embeddings": 40960, "rms_norm_eps": 1e-6, "rope_theta": 1000000,
    "tie_word_embeddings": True, "hidden_act": "silu", "torch_dtype": "bfloat16", "eos_token_id": 151645}
NUM_TOKENS = 151643  # without the added ones
CHUNK_BYTES = 32 << 20


def tensor_shapes(config):
    hidden, inner, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    q, kv = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    yield "model.embed_tokens.weight", [config["vocab_size"], hidden]
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", [hidden]
        yield prefix + "post_attention_layernorm.weight", [hidden]
        yield prefix + "self_attn.q_norm.weight", [head]
        yield prefix + "self_attn.k_norm.weight", [head]
        yield prefix + "self_attn.q_proj.weight", [q, hidden]
        yield prefix + "self_attn.k_proj.weight", [kv, hidden]
        yield prefix + "self_attn.v_proj.weight", [kv, hidden]
        yield prefix + "self_attn.o_proj.weight", [hidden, q]
        yield prefix + "mlp.gate_proj.weight", [inner, hidden]
        yield prefix + "mlp.up_proj.weight", [inner, hidden]
        yield prefix + "mlp.down_proj.weight", [hidden, inner]
    yield "model.norm.weight", [hidden]


def write_weights(path, config):
    header, size = {}, 0
    for name, shape in tensor_shapes(config):
        num_bytes = 2
        for extent in shape:
            num_bytes *= extent
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [size, size + num_bytes]}
        size += num_bytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    source = random.Random(1)
    # The upper byte of a bf16 is its sign and exponent: +-2^-5 .. +-2^-2 here.
    upper = bytes((0x3C, 0x3D, 0xBC, 0xBD)[byte % 4] for byte in range(256))
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        while size > 0:
            chunk = bytearray(source.randbytes(min(size, CHUNK_BYTES)))
            chunk[1::2] = chunk[1::2].translate(upper)
            file.write(chunk)
            size -= len(chunk)


def byte_chars():
    """GPT-2's printable character of each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return {byte: chr(byte if byte in plain else 256 + sum(b not in plain for b in range(byte))) for byte in range(256)}


def tokenizer(num_tokens):
    """Byte-level BPE: 256 bytes, then merges of earlier tokens, mostly short with short."""
    source = random.Random(2)
    frequent = [chr(byte) for byte in range(ord("a"), ord("z") + 1)] + ["Ġ"]
    tokens = list(byte_chars().values())
    known, merges = set(tokens), []
    while len(tokens) < num_tokens:
        early = min(len(tokens), 256 + 3000)
        left = source.choice(frequent) if source.random() < 0.3 else tokens[source.randrange(33, early)]
        right = tokens[source.randrange(33, early)]
        if len(left + right) <= 14 and left + right not in known:
            known.add(left + right)
            tokens.append(left + right)
            merges.append([left, right])
    base = json.loads((SOURCE / "tests" / "testdata" / "tokenizer" / "qwen2.json").read_text())
    added = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *(f"<|extra_{i}|>" for i in range(23))]
    base["added_tokens"] = [{**base["added_tokens"][0], "id": num_tokens + i, "content": text}
                            for i, text in enumerate(added)]
    base["model"]["vocab"] = {token: number for number, token in enumerate(tokens)}
    base["model"]["merges"] = merges
    return base


def write(folder, config=QWEN3_0_6B, num_tokens=NUM_TOKENS):
    """Makes `folder` unless an earlier call did; its path."""
    folder = pathlib.Path(folder)
    weights = folder / "model.safetensors"
    if weights.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    # Laid out over several lines, as the real file is: 11 MB.
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(num_tokens), ensure_ascii=False, indent=2))
    demo = json.loads((SOURCE / "models" / "demo" / "tokenizer_config.json").read_text())
    demo.pop("added_tokens_decoder")
    (folder / "tokenizer_config.json").write_text(json.dumps(demo))
    write_weights(folder / "part", config)
    (folder / "part").rename(weights)
    return folder
