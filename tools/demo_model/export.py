"""export.py: writes a trained checkpoint as a Hugging Face model folder.

    export.py --corpus FOLDER --run FOLDER --out MODEL_FOLDER

Writes model.safetensors (bf16), config.json, generation_config.json, tokenizer.json and
tokenizer_config.json. README.md, the model card, is written by evaluate.py.
"""
import argparse
import json
import os

import bpe
import safetensors_file
from checkpoint import load_rounded

HERE = os.path.dirname(os.path.abspath(__file__))


def model_config(config, tokenizer):
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads,
        "head_dim": config.head_dim,
        "hidden_act": "silu",
        "rms_norm_eps": config.rms_norm_eps,
        "rope_theta": config.rope_theta,
        "rope_scaling": None,
        "max_position_embeddings": config.max_position_embeddings,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "initializer_range": 0.03,
        "tie_word_embeddings": True,
        "use_cache": True,
        "use_sliding_window": False,
        "sliding_window": None,
        "max_window_layers": config.num_hidden_layers,
        "bos_token_id": tokenizer.special["<|endoftext|>"],
        "eos_token_id": tokenizer.special["<|im_end|>"],
        "torch_dtype": "bfloat16",
    }


def generation_config(tokenizer):
    """A low temperature: the default answer is nearly always the most likely one."""
    end, text_end = tokenizer.special["<|im_end|>"], tokenizer.special["<|endoftext|>"]
    return {
        "bos_token_id": text_end,
        "pad_token_id": text_end,
        "eos_token_id": [end, text_end],
        "do_sample": True,
        "temperature": 0.1,
        "top_p": 0.9,
        "top_k": 20,
    }


def tokenizer_config(config, tokenizer):
    with open(os.path.join(HERE, "chat_template.jinja")) as f:
        template = f.read().rstrip("\n")
    added = {
        str(i): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": token.startswith("<|"),
        }
        for token, i in tokenizer.special.items()
    }
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": added,
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
        "bos_token": None,
        "chat_template": template,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": config.max_position_embeddings,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    tokenizer = bpe.Tokenizer.load(os.path.join(args.corpus, "merges.json"))
    model, state = load_rounded(args.run)
    os.makedirs(args.out, exist_ok=True)
    size = safetensors_file.write_bf16(
        os.path.join(args.out, "model.safetensors"), dict(model.named_parameters())
    )
    files = {
        "config.json": model_config(model.config, tokenizer),
        "generation_config.json": generation_config(tokenizer),
        "tokenizer.json": tokenizer.hugging_face(),
        "tokenizer_config.json": tokenizer_config(model.config, tokenizer),
    }
    for name, content in files.items():
        with open(os.path.join(args.out, name), "w") as f:
            json.dump(content, f, indent=1 if name == "tokenizer.json" else 2, ensure_ascii=False)
            f.write("\n")
    print(
        "step %d, %d tokens: %.1f MB of weights in %s"
        % (state["step"], state["tokens"], size / 1e6, args.out)
    )


if __name__ == "__main__":
    main()
