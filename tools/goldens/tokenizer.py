#!/usr/bin/env python3
"""Writes tests/testdata/tokenizer/: tokenizer.json files of every family, a corpus and golden ids.

The text is made here, the tokenizers are trained on it, and the ids come from the `tokenizers`
library. Nothing is downloaded. Goldens are hashes: the 2 MB that are encoded are made from the
corpus by `Stream`, which src/tokenizer/golden_test.cc writes again in C++.

usage: tokenizer.py OUT_DIR     (python3 with the `tokenizers` package)
"""
import base64
import json
import os
import struct
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, processors, trainers
from tokenizers import pre_tokenizers as pre

MASK = (1 << 64) - 1
RECORD = "\x1e"
NUM_CHUNKS = 520
CHUNK_BYTES = 4096
NUM_BYTE_STRINGS = 10000
BYTE_STRINGS_PER_LINE = 100
NUM_DECODES = 1000
DECODES_PER_LINE = 50


class Random:
    """A 64-bit linear congruential generator: the same numbers here and in C++."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & MASK
        return self.state >> 33

    def below(self, n):
        return self.next() % n


def fnv(values, state=0xCBF29CE484222325):
    for value in values:
        state = ((state ^ value) * 0x100000001B3) & MASK
    return state


# ---------------------------------------------------------------------------------- the corpus

WORDS = """the of and to in is that for it as was with be by on not he his but at are this have from or
had an they which one you were her all she there would their we him been has when who will more no if out
so said what up its about into than them can only other new some could time these two may then do first any
my now such like our over man me even most made after also did many before must through years where much
your way well down should because each just those people how too little state good very make world still
own see men work long get here between both life being under never day same another know while last might
us great old year off come since against go came right used take three server token request engine model
memory stream cache block router gateway quickly unbelievable internationalization characteristically
antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis""".split()

SENTENCES = {
    "german": "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. Straße, Maßstab, Übung.",
    "french": "Dès Noël, où un zéphyr haï me vêt de glaçons würmiens, je dîne d’exquis rôtis de bœuf à l’aÿ.",
    "spanish": "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío, ¿añoraba a su querido cachorro?",
    "polish": "Pchnąć w tę łódź jeża lub ośm skrzyń fig. Zażółć gęślą jaźń.",
    "turkish": "Pijamalı hasta yağız şoföre çabucak güvendi. İstanbul ve Iğdır.",
    "vietnamese": "Do bạch kim rất quý nên sẽ dùng để lắp vô xương. Tiếng Việt có dấu.",
    "russian": "Съешь же ещё этих мягких французских булок, да выпей чаю. Широкая электрификация южных губерний.",
    "greek": "Ταχίστη αλώπηξ βαφής ψημένη γη, δρασκελίζει υπέρ νωθρού κυνός. Ὀδυσσεὺς ᾠδή.",
    "hebrew": "דג סקרן שט בים מאוכזב ולפתע מצא לו חברה. שָׁלוֹם עֲלֵיכֶם",
    "arabic": "نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر ومغلف بجلد أزرق. مُحَمَّد",
    "persian": "بر اساس آمار، می‌خواهم کتاب‌ها را بخوانم ۱۲۳۴۵۶۷۸۹۰",
    "hindi": "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश करने वाले विष्णुवतार भगवान श्रीराम। १२३४",
    "bengali": "আমার সোনার বাংলা, আমি তোমায় ভালোবাসি। ১২৩",
    "tamil": "யாதும் ஊரே யாவரும் கேளிர் தீதும் நன்றும் பிறர்தர வாரா",
    "thai": "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน ๑๒๓",
    "khmer": "ខ្ញុំអាចញ៉ាំកញ្ចក់បាន ដោយគ្មានបញ្ហារ",
    "tibetan": "ཤེལ་སྒོ་ཟ་ནས་ང་ན་གི་མ་རེད།",
    "georgian": "მინას ვჭამ და არა მტკივა. ႠႡႢ",
    "armenian": "Կրնամ ապակի ուտել և ինծի անհանգիստ չըներ։",
    "ethiopic": "ሰማይ አይታረስ ንጉሥ አይከሰስ።",
    "chinese": "天地玄黃，宇宙洪荒。日月盈昃，辰宿列張。我能吞下玻璃而不伤身体。",
    "chinese mixed": "请在2024年12月31日之前完成GPU驱动的升级，版本号为v535.104.05。",
    "japanese": "いろはにほへと ちりぬるを わかよたれそ つねならむ。私はガラスを食べられます。ｶﾀｶﾅ",
    "korean": "키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다. 나는 유리를 먹을 수 있어요.",
    "jamo": "\u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165 \u1100\u1161\u11a8",
    "deseret": "𐐀𐐁𐐂𐐨𐐩𐐪 𝕳𝖊𝖑𝖑𝖔 𝓌ℴ𝓇𝓁𝒹 ①②③ ⅣⅦ ½¾ ²³ ﬁﬂ ﬃ ﷺ",
    "emoji": "😀😃😄 👩‍👩‍👧‍👦 👨🏽‍💻 🏳️‍🌈 🇩🇪🇫🇷🇯🇵 ❤️ ☎️ 1️⃣2️⃣ 🤷🏿‍♀️ 🫠🫡 text:) ¯\\_(ツ)_/¯",
    "combining": "e\u0301 a\u0308\u0304 n\u0303 o\u0302\u0323 Z\u0351\u036b\u0343\u036aa\u0321\u034al\u0334\u0329go\u0361\u0489 c\u0327\u0301 \u0301\u0300 \u0958\u0929",
    "math": "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β = ¬(¬α ∨ β), ∑_{i=1}^{n} i² ≤ ∫f(x)dx ≠ √2 × π ÷ ∞",
    "currency": "$1,234.56 €99,99 £12 ¥10000 ₹500 ₿0.00042 50% 100‰ №5 §3 ©2024 ®™ 20°C",
    "quotes": "“Curly” ‘single’ «guillemets» „low“ — em – en … ‐ ‑ ‒ ― • · ※ † ‡",
    "spaces": "a\u00a0b\u2003c\u2009d\u200ae\u202ff\u205fg\u3000h\u1680i\u2028j\u2029k\u0085l\u200bm\ufeffn\u2060o\u00adp\u180eq",
    "controls": "bell\x07 esc\x1b[31mred\x1b[0m nul\x00 del\x7f vt\x0b ff\x0c c1\x80\x9f sep\x1c\x1d",
    "widths": "ＦＵＬＬ ｗｉｄｔｈ １２３ ！？ ﾊﾝｶｸ ㌔㍍ ㈱ ㋿ ℡",
    "contractions": "I'm you're he's we'll they've I'd don't IT'S WE'LL They'Ve o'clock 'tis y'all'd've 'S 'ſ x'ſ 'LL 'rE",
    "new letters": "\ua7c0\ua7d0 \U00011f02\U00011f10 \U0001e4d0 \U000105c9 \u0870\u0871 \U00011935\U00011930 \U00016d68 \u061d\u1c89\u1c8a",
    "specials": "<|endoftext|> <s>hello</s> <|im_start|>user\nhi<|im_end|>\n <mask> [MASK] [CLS] <unk> <pad> <|begin_of_text|>x<|eot_id|>",
    "added": "the  <lstrip>  x  <rstrip>  y <both> z alone aloneword wordalone alone. <Norm> <norm> ÄÖ-token <tool_call>{}</tool_call>",
    "pieces": "▁ ▁▁ x▁y ▁▁▁the <0x41><0xE2> <0x0A> ##ing </w> Ġthe ĊĊ",
    "urls": "https://example.com/path/to/page?query=value&other=1#frag user.name+tag@sub.example.co.uk 192.168.0.1:8080 2001:db8::1",
    "numbers": "0 1 12 123 1234 12345 123456 1234567 3.14159265358979 1e-10 0xDEADBEEF 1_000_000 2024-12-31T23:59:59Z ٣٤٥ Ⅷ ⑨ 一二三",
}

CODE = [
    "int main(int argc, char** argv) {\n  for (int i = 0; i < argc; ++i) {\n    printf(\"%d: %s\\n\", i, argv[i]);\n  }\n  return 0;\n}\n",
    "def fibonacci(n: int) -> list[int]:\n    \"\"\"The first n numbers.\"\"\"\n    out = [0, 1]\n    while len(out) < n:\n        out.append(out[-1] + out[-2])\n    return out[:n]\n\n\nclass HTTPServerError(Exception):\n    pass\n",
    "template <class T>\nauto max(const T& a, const T& b) -> decltype(a < b ? b : a) {\n\treturn a < b ? b : a;\t// comment\n}\n",
    "{\"model\": \"demo\", \"messages\": [{\"role\": \"user\", \"content\": \"Hi!\"}], \"max_tokens\": 16, \"stream\": true, \"x\": [1, 2.5, null]}",
    "SELECT u.id, COUNT(*) AS n FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE u.name LIKE '%x%' GROUP BY 1 HAVING n > 10;",
    "#!/bin/sh\nset -eu\nfor f in *.txt; do\n  sed -i 's/foo/bar/g' \"$f\" && echo \"done: ${f##*/}\" >> /dev/null 2>&1 || exit 1\ndone\n",
    "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Page</title></head>\n<body class=\"a b\"><p>Some&nbsp;text</p><!-- note --></body></html>\n",
    "fn main() {\r\n    let v: Vec<_> = (0..10).map(|x| x * x).collect();\r\n    println!(\"{:?}\", v);\r\n}\r\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n# Title\n\n* item one\n* item two\n\n```python\nx = {'k': [1,2,3]}\n```\n",
    "diff --git a/x b/x\n@@ -1,3 +1,4 @@\n-old line\n+new line\n \tcontext\n",
    "        deeply\n            indented\n                text\n\n\n\n    \t \t mixed   \n  \n",
]


def make_corpus():
    rng = Random(20240607)
    records = list(SENTENCES.values()) + CODE
    for size in (3, 8, 15, 40):
        for space in (" ", "\n", "\t", "\r\n", "\u3000", "-", "=", "0", "7", "a", "A", "é", "漢", "ا", "!", "😀"):
            records.append(space * size)
    records += ["camelCaseIdentifier", "PascalCaseIdentifier", "SCREAMING_SNAKE", "snake_case_name", "XMLHttpRequest2",
                "iPhone15ProMax", "ÀÉÎõü", "ЖЗИабв", "ǅungla", "ʰʱʲ", "ªº", "ﾞﾟ"]
    while sum(len(r.encode()) for r in records) < 90000:
        words = []
        for _ in range(6 + rng.below(30)):
            word = WORDS[min(rng.below(len(WORDS)), rng.below(len(WORDS)))]
            kind = rng.below(20)
            if kind == 0:
                word = word.capitalize()
            elif kind == 1:
                word = word.upper()
            elif kind == 2:
                word += ["'s", ",", ".", "!", "?", ";", ":", "n't", "ing", "ed", "-"][rng.below(11)]
            elif kind == 3:
                word = str(rng.below(10 ** (1 + rng.below(9))))
            words.append(word)
        records.append(" ".join(words).capitalize() + ".")
    assert not any(RECORD in r for r in records)
    return records


class Stream:
    """Endless text from the corpus; golden_test.cc has the same steps."""

    def __init__(self, records, seed):
        self.records = records
        self.rng = Random(seed)

    def append_to(self, out):
        kind = self.rng.below(16)
        record = self.records[self.rng.below(len(self.records))]
        if kind < 9:
            out.append(record)
        elif kind < 11:  # a part of a record
            first = self.rng.below(len(record) + 1)
            count = self.rng.below(len(record) - first + 1)
            out.append(record[first : first + count])
        elif kind == 11:  # any character
            c = self.rng.below(0x110000)
            out.append(chr(0xFFFD if 0xD800 <= c <= 0xDFFF else c))
        elif kind == 12:  # a few characters of the lower planes
            for _ in range(1 + self.rng.below(8)):
                out.append(chr(self.rng.below(0x3400)))
        elif kind == 13:  # a long run
            c = " \n\ta0!\u00a0é"[self.rng.below(8)]
            out.append(c * (1 + self.rng.below(100)))
        else:
            out.append(" " if kind == 14 else "\n")

    def chunk(self):
        out, size = [], 0
        while size < CHUNK_BYTES:
            before = len(out)
            self.append_to(out)
            size += sum(len(part.encode()) for part in out[before:])
        return "".join(out)


def random_bytes(rng):
    out = bytearray()
    for _ in range(rng.below(41)):
        kind = rng.below(4)
        if kind == 0:
            out.append(rng.below(256))
        elif kind == 1:
            out.append(0x80 + rng.below(0x40))
        elif kind == 2:
            out.append(0xC0 + rng.below(0x40))
        else:
            out.append(0x20 + rng.below(0x60))
    return bytes(out)


# ---------------------------------------------------------------------------------- the families

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
QWEN35 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def o200k(contraction, digits):
    prefix = r"[^\r\n\p{L}\p{N}]?"
    return (prefix + UPPER + "*" + LOWER + "+" + contraction + "|" + prefix + UPPER + "+" + LOWER + "*" + contraction
            + "|" + digits + TAIL)


O200K = o200k(CONTRACTIONS + "?", r"\p{N}{1,3}")
TEKKEN = o200k("", r"\p{N}")
DEEPSEEK = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
            r"""| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""")
CLIP = (r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
ALPHABET = pre.ByteLevel.alphabet()
SPECIALS = ["<|endoftext|>", "<|begin_of_text|>", "<|eot_id|>", "<|im_start|>", "<|im_end|>"]


def byte_level(text, pre_tokenizer, vocab_size=900, normalizer=None, specials=SPECIALS):
    tok = Tokenizer(models.BPE())
    if normalizer:
        tok.normalizer = normalizer
    tok.pre_tokenizer = pre_tokenizer
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=ALPHABET, show_progress=False)
    tok.train_from_iterator(text, trainer)
    tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens(specials)
    return tok


def split(regex):
    return pre.Sequence([pre.Split(Regex(regex), "isolated"), pre.ByteLevel(add_prefix_space=False, use_regex=False)])


def edit(tok, change):
    spec = json.loads(tok.to_str())
    change(spec)
    return Tokenizer.from_str(json.dumps(spec))


def bos_template(tok, bos, eos=None):
    single = f"{bos} $A" + (f" {eos}" if eos else "")
    names = [bos] + ([eos] if eos else [])
    tok.post_processor = processors.TemplateProcessing(
        single=single, pair=single + " $B", special_tokens=[(n, tok.token_to_id(n)) for n in names])


def gpt2(text):
    return byte_level(text, pre.ByteLevel(add_prefix_space=False))


def llama3(text):
    tok = byte_level(text, split(LLAMA3))

    def thin(spec):  # words that no merge reaches: only ignore_merges finds them
        spec["model"]["ignore_merges"] = True
        spec["model"]["merges"] = [m for i, m in enumerate(spec["model"]["merges"]) if i % 9]

    tok = edit(tok, thin)
    tok.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False)])
    bos = "<|begin_of_text|>"
    tok.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single=f"{bos} $A", pair=f"{bos} $A {bos} $B:1", special_tokens=[(bos, tok.token_to_id(bos))])])
    return tok


def qwen2(text):
    tok = byte_level(text, split(QWEN2), normalizer=normalizers.NFC())
    tok.add_tokens([AddedToken("<tool_call>", normalized=False), AddedToken("</tool_call>", normalized=False)])
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    return tok


def qwen35(text):
    return byte_level(text, split(QWEN35), normalizer=normalizers.NFC(), vocab_size=600)


def gpt_oss(text):
    return byte_level(text, split(O200K))


def tekken(text):
    return byte_level(text, split(TEKKEN), vocab_size=600)


def deepseek(text):
    steps = pre.Sequence([
        pre.Split(Regex(r"\p{N}{1,3}"), "isolated"), pre.Split(Regex("[一-龥\u3040-ゟ゠-ヿ]+"), "isolated"),
        pre.Split(Regex(DEEPSEEK), "isolated"), pre.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok = byte_level(text, steps)
    bos_template(tok, "<|begin_of_text|>")
    return tok


def roberta(text):
    tok = byte_level(text, pre.ByteLevel(add_prefix_space=True), specials=["<s>", "<pad>", "</s>", "<unk>"], vocab_size=700)
    tok.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tok.post_processor = processors.RobertaProcessing(("</s>", tok.token_to_id("</s>")), ("<s>", tok.token_to_id("<s>")))
    return tok


BYTES = ["<0x%02X>" % b for b in range(256)]


def sentencepiece_bpe(text, vocab_size=900):
    """A BPE vocabulary as SentencePiece makes it: <unk> <s> </s>, bytes, then pieces with U+2581."""
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tok.pre_tokenizer = pre.Metaspace(prepend_scheme="always")
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, limit_alphabet=220, show_progress=False,
                                  special_tokens=["<unk>", "<s>", "</s>"] + BYTES)
    tok.train_from_iterator(text, trainer)

    def change(spec):
        spec["model"]["byte_fallback"] = True
        spec["pre_tokenizer"] = None
        spec["added_tokens"] = spec["added_tokens"][:3]

    return edit(tok, change)


def llama_decoder(strip=True):
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if strip else []))


def llama2(text):
    tok = sentencepiece_bpe(text)
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tok.decoder = llama_decoder()
    bos_template(tok, "<s>")
    return tok


def mistral(text):
    tok = sentencepiece_bpe(text, 700)
    tok.pre_tokenizer = pre.Metaspace(prepend_scheme="first", split=False)
    tok.normalizer = normalizers.Strip(left=True, right=False)  # not in served files: checks the origin
    tok.decoder = llama_decoder()
    bos_template(tok, "<s>", "</s>")
    return tok


def gemma(text):
    tok = sentencepiece_bpe(text, 700)
    tok.normalizer = normalizers.Replace(" ", "▁")
    tok.pre_tokenizer = pre.Split(" ", "merged_with_previous")
    tok.decoder = llama_decoder(strip=False)
    tok.add_tokens([AddedToken(t, normalized=False) for t in ["\n\n", "\n\n\n", "▁▁", "▁▁▁▁", "<table>"]])
    bos_template(tok, "<s>")
    return tok


def unigram_trainer(vocab_size, extra=()):
    return trainers.UnigramTrainer(vocab_size=vocab_size, unk_token="<unk>", show_progress=False,
                                   special_tokens=["<pad>", "</s>", "<unk>"] + list(extra))


def t5(text):
    tok = Tokenizer(models.Unigram())
    tok.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tok.pre_tokenizer = pre.Metaspace(prepend_scheme="always")
    tok.train_from_iterator(text, unigram_trainer(900))
    tok.decoder = decoders.Metaspace()
    tok.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", tok.token_to_id("</s>"))])
    return tok


def charsmap(rules):
    """SentencePiece's compiled form of {text: replacement}: a Darts double array and the replacements."""
    blob, offsets = b"", {}
    for target in sorted(set(rules.values())):
        offsets[target] = len(blob)
        blob += target.encode() + b"\0"
    root = {}
    for source, target in rules.items():
        node = root
        for byte in source.encode():
            node = node.setdefault(byte, {})
        node[-1] = offsets[target]
    units, used = [0], {0}

    def place(node, at):
        base = 1
        while any((base ^ max(k, 0)) in used for k in node):
            base += 1
        assert (base ^ at) < 1 << 21
        for k in node:
            slot = base ^ max(k, 0)
            used.add(slot)
            while len(units) <= slot:
                units.append(0)
            units[slot] = (1 << 31 | node[k]) if k == -1 else k
        units[at] |= (base ^ at) << 10 | ((1 << 8) if -1 in node else 0)
        for k, child in node.items():
            if k != -1:
                place(child, base ^ k)

    place(root, 0)
    while len(units) % 256:
        units.append(0)
    trie = b"".join(struct.pack("<I", u) for u in units)
    return struct.pack("<I", len(trie)) + trie + blob


def xlmr(text):
    rules = {"\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u3000": " ", "\u200b": "", "ﬁ": "fi", "½": "1/2", "①": "1",
             "e\u0301": "é", "a\u0308": "ä", "Ａ": "A", "！": "!", "…": "...", "㍍": "メートル", "™": "TM", "ß": "ß", "\x07": ""}
    tok = Tokenizer(models.Unigram())
    spec = json.loads(tok.to_str())
    spec["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap(rules)).decode()}
    tok = Tokenizer.from_str(json.dumps(spec))
    tok.pre_tokenizer = pre.Sequence([pre.WhitespaceSplit(), pre.Metaspace(prepend_scheme="always")])
    tok.train_from_iterator(text, unigram_trainer(1250, BYTES))

    def change(spec):
        spec["model"]["byte_fallback"] = True
        spec["added_tokens"] = spec["added_tokens"][:3]

    tok = edit(tok, change)
    tok.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tok.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    return tok


def bert(text):
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tok.normalizer = normalizers.BertNormalizer(lowercase=True)
    tok.pre_tokenizer = pre.BertPreTokenizer()
    tok.train_from_iterator(text, trainers.WordPieceTrainer(
        vocab_size=1500, show_progress=False, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    tok.decoder = decoders.WordPiece()
    tok.post_processor = processors.BertProcessing(("[SEP]", tok.token_to_id("[SEP]")), ("[CLS]", tok.token_to_id("[CLS]")))
    return tok


def bert_cased(text):
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=12))
    tok.normalizer = normalizers.BertNormalizer(lowercase=False, clean_text=False, strip_accents=None)
    tok.pre_tokenizer = pre.Sequence([pre.Whitespace(), pre.Digits(individual_digits=True), pre.Punctuation("contiguous")])
    tok.train_from_iterator(text, trainers.WordPieceTrainer(
        vocab_size=1000, show_progress=False, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    tok.decoder = decoders.WordPiece(cleanup=False)
    return tok


def clip(text):
    tok = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tok.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tok.pre_tokenizer = pre.Sequence([pre.Split(Regex(CLIP), "removed", invert=True), pre.ByteLevel(add_prefix_space=False)])
    tok.train_from_iterator(text, trainers.BpeTrainer(
        vocab_size=1100, initial_alphabet=ALPHABET, end_of_word_suffix="</w>", show_progress=False,
        special_tokens=["<|startoftext|>", "<|endoftext|>"]))
    tok.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.BPEDecoder("</w>")])
    return tok


def odd(text):
    """Parts that served files seldom have: prefixes, unknown tokens one by one, every added-token flag."""
    tok = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##", fuse_unk=False))
    tok.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()])
    tok.pre_tokenizer = pre.Sequence([
        pre.CharDelimiterSplit("-"), pre.Split(Regex(r"\d+|\p{Lu}"), "merged_with_next"), pre.Split("e", "merged_with_previous"),
        pre.Split(Regex(r"[[:punct:]]|(?<=a)b"), "contiguous"), pre.WhitespaceSplit(), pre.Digits(individual_digits=False)])
    tok.train_from_iterator(text, trainers.BpeTrainer(
        vocab_size=800, limit_alphabet=100, continuing_subword_prefix="##", show_progress=False, special_tokens=["[UNK]"]))
    tok.decoder = decoders.Sequence([decoders.Strip("t", 1, 0), decoders.Replace(Regex("[aeiou]{2}"), "_"), decoders.WordPiece()])
    tok.add_tokens([
        AddedToken("<lstrip>", lstrip=True), AddedToken("<rstrip>", rstrip=True, normalized=False),
        AddedToken("<both>", lstrip=True, rstrip=True), AddedToken("alone", single_word=True),
        AddedToken("<Norm>", normalized=True), AddedToken("ÄÖ", normalized=True, single_word=True), AddedToken("the", single_word=True, lstrip=True)])
    tok.add_special_tokens([AddedToken("<s>", normalized=True), AddedToken("</s>", single_word=True)])
    return tok


def nfkd_metaspace(text):
    """Metaspace 'first' behind normalizers that drop characters, Unigram over whole texts."""
    tok = Tokenizer(models.Unigram())
    tok.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Nmt()])
    tok.pre_tokenizer = pre.Metaspace(replacement="_", prepend_scheme="first")
    tok.train_from_iterator(text, unigram_trainer(950))
    tok.decoder = decoders.Metaspace(replacement="_", prepend_scheme="first")
    return tok


def words(text):
    vocab = {"[UNK]": 0}
    for line in text:
        for word, _ in pre.Whitespace().pre_tokenize_str(line):
            if len(vocab) < 300:
                vocab.setdefault(word, len(vocab))
    tok = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
    tok.pre_tokenizer = pre.Whitespace()
    return tok


FAMILIES = [gpt2, llama3, qwen2, qwen35, gpt_oss, tekken, deepseek, roberta, llama2, mistral, gemma, t5, xlmr, bert,
            bert_cased, clip, odd, nfkd_metaspace, words]


# ---------------------------------------------------------------------------------- the goldens

def encode(tok, text, number):
    """Every fourth text with the post-processor, every eighth with special tokens as plain text."""
    tok.encode_special_tokens = number % 8 == 1
    ids = tok.encode(text, add_special_tokens=number % 4 == 0).ids
    tok.encode_special_tokens = False
    return ids


def golden_lines(tok, records):
    stream = Stream(records, 1)
    for i in range(NUM_CHUNKS):
        text = stream.chunk()
        ids = encode(tok, text, i)
        line = "chunk %d %d %016x" % (i, len(ids), fnv(ids))
        if i % 8 < 2:
            decoded = tok.decode(ids, skip_special_tokens=i % 8 == 0).encode()
            line += " %016x" % fnv(decoded)
        yield line
    rng = Random(2)
    for i in range(NUM_BYTE_STRINGS // BYTE_STRINGS_PER_LINE):
        state = 0xCBF29CE484222325
        for j in range(BYTE_STRINGS_PER_LINE):
            ids = encode(tok, random_bytes(rng).decode("utf-8", "replace"), j)
            state = fnv(ids, fnv([0xFFFFFFFF], state))
        yield "bytes %d %016x" % (i, state)
    rng = Random(3)
    size = tok.get_vocab_size()
    for i in range(NUM_DECODES // DECODES_PER_LINE):
        state = 0xCBF29CE484222325
        for j in range(DECODES_PER_LINE):
            ids = [rng.below(size + 2) for _ in range(rng.below(30))]
            state = fnv([0xFFFFFFFF], fnv(tok.decode(ids, skip_special_tokens=j % 2 == 0).encode(), state))
        yield "decode %d %016x" % (i, state)


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    records = make_corpus()
    with open(os.path.join(out, "corpus.txt"), "w", newline="") as f:
        f.write(RECORD.join(records))
    examples = list(SENTENCES.values()) + CODE[:4] + ["", " ", "  ", "\n", "Hello world", " Hello  world ", "\u0301", "a\x00b"]
    for family in FAMILIES:
        name = family.__name__
        tok = family(records)
        spec = json.loads(tok.to_str())
        with open(os.path.join(out, name + ".json"), "w") as f:
            json.dump(spec, f, ensure_ascii=False, separators=(",", ":"))
            f.write("\n")
        tok = Tokenizer.from_str(json.dumps(spec))
        with open(os.path.join(out, name + ".golden"), "w") as f:
            for text in examples[:: 1 if name in ("gpt2", "llama2", "bert") else 6]:
                row = {"text": text, "ids": encode(tok, text, 0)}
                row["decoded"] = tok.decode(row["ids"], skip_special_tokens=False)
                f.write("example " + json.dumps(row) + "\n")
            for line in golden_lines(tok, records):
                f.write(line + "\n")
        print(name, tok.get_vocab_size(), flush=True)


if __name__ == "__main__":
    main()
