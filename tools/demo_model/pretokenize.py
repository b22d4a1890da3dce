"""pretokenize.py: cuts text into the pieces inside which BPE merges may happen.

QWEN2_PATTERN goes into tokenizer.json. The standard library's `re` has no \\p{L}, so PATTERN
writes the same rule with \\w: letters are word characters that are neither a digit nor "_". The
two agree on all text of the generator (check_oracle.py compares the ids); they differ only for
characters such as U+00B2 that are numbers without being decimal digits.
"""
import re

QWEN2_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PATTERN = re.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|(?:[^\r\n\w]|_)?[^\W\d_]+|\d|"
    r" ?(?:[^\s\w]|_)+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"]
_SPECIAL = re.compile("(" + "|".join(re.escape(token) for token in SPECIAL_TOKENS) + ")")


def split_special(text):
    """Text cut at the special tokens; these are pieces of their own."""
    return [piece for piece in _SPECIAL.split(text) if piece]


def pretokens(text):
    return PATTERN.findall(text)
