"""bpe.py: byte-level byte-pair encoding: training, encoding, and the Hugging Face tokenizer.json.

Ids: 0..255 are the bytes, then the merges in the order learned, then the special tokens. A byte is
written in tokenizer.json as the printable character of the GPT-2 table.
Source: Sennrich et al., 2016 (merges); GPT-2 (bytes as printable characters).
"""
import collections
import json

from pretokenize import QWEN2_PATTERN, SPECIAL_TOKENS, pretokens, split_special


def byte_characters():
    """The GPT-2 table: byte -> printable character."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {}, 0
    for byte in range(256):
        if byte in printable:
            table[byte] = chr(byte)
        else:
            table[byte] = chr(256 + extra)
            extra += 1
    return table


def train(texts, num_merges):
    """Learns merges as (left id, right id). Ties go to the smaller pair, so the result is fixed."""
    counts = collections.Counter()
    for text in texts:
        for piece in split_special(text):
            if piece not in SPECIAL_TOKENS:
                counts.update(pretokens(piece))
    words = [(list(word.encode("utf-8")), n) for word, n in sorted(counts.items())]
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, (ids, n) in enumerate(words):
        for pair in zip(ids, ids[1:]):
            pairs[pair] += n
            where[pair].add(i)
    merges = []
    while len(merges) < num_merges:
        best = max(pairs, key=lambda p: (pairs[p], (-p[0], -p[1])))
        if pairs[best] < 2:
            break
        new_id = 256 + len(merges)
        merges.append(best)
        for i in list(where[best]):
            ids, n = words[i]
            for pair in zip(ids, ids[1:]):
                pairs[pair] -= n
            ids[:] = _merge(ids, best, new_id)
            for pair in zip(ids, ids[1:]):
                pairs[pair] += n
                where[pair].add(i)
        del pairs[best], where[best]
    return merges


def _merge(ids, pair, new_id):
    out, i = [], 0
    while i < len(ids):
        if i + 1 < len(ids) and (ids[i], ids[i + 1]) == pair:
            out.append(new_id)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(pair) for pair in merges]
        self.rank = {pair: i for i, pair in enumerate(self.merges)}
        self.bytes_of = [bytes([b]) for b in range(256)]
        for left, right in self.merges:
            self.bytes_of.append(self.bytes_of[left] + self.bytes_of[right])
        first = len(self.bytes_of)
        self.special = {token: first + i for i, token in enumerate(SPECIAL_TOKENS)}
        self.vocab_size = first + len(SPECIAL_TOKENS)
        self.cache = {}

    def _encode_word(self, word):
        ids = self.cache.get(word)
        if ids is None:
            ids = list(word.encode("utf-8"))
            while len(ids) > 1:
                rank, pair = min((self.rank.get(p, 1 << 30), p) for p in zip(ids, ids[1:]))
                if rank == 1 << 30:
                    break
                ids = _merge(ids, pair, 256 + rank)
            self.cache[word] = ids
        return ids

    def encode(self, text):
        out = []
        for piece in split_special(text):
            if piece in self.special:
                out.append(self.special[piece])
            else:
                for word in pretokens(piece):
                    out += self._encode_word(word)
        return out

    def decode(self, ids):
        names = {i: token.encode() for token, i in self.special.items()}
        parts = [names.get(i) or self.bytes_of[i] for i in ids]
        return b"".join(parts).decode("utf-8", errors="replace")

    def save(self, path):
        with open(path, "w") as f:
            json.dump({"merges": self.merges}, f)

    @staticmethod
    def load(path):
        with open(path) as f:
            return Tokenizer(json.load(f)["merges"])

    def hugging_face(self):
        """The content of tokenizer.json."""
        chars = byte_characters()
        text = ["".join(chars[b] for b in raw) for raw in self.bytes_of]
        added = [
            {
                "id": i,
                "content": token,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": token.startswith("<|"),
            }
            for token, i in self.special.items()
        ]
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added,
            "normalizer": {"type": "NFC"},
            "pre_tokenizer": {
                "type": "Sequence",
                "pretokenizers": [
                    {
                        "type": "Split",
                        "pattern": {"Regex": QWEN2_PATTERN},
                        "behavior": "Isolated",
                        "invert": False,
                    },
                    {
                        "type": "ByteLevel",
                        "add_prefix_space": False,
                        "trim_offsets": False,
                        "use_regex": False,
                    },
                ],
            },
            "post_processor": {
                "type": "ByteLevel",
                "add_prefix_space": False,
                "trim_offsets": False,
                "use_regex": False,
            },
            "decoder": {
                "type": "ByteLevel",
                "add_prefix_space": False,
                "trim_offsets": False,
                "use_regex": False,
            },
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": "",
                "end_of_word_suffix": "",
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": False,
                "vocab": {token: i for i, token in enumerate(text)},
                "merges": ["%s %s" % (text[a], text[b]) for a, b in self.merges],
            },
        }
