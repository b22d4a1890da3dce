"""bpe_test.py: the tokenizer gives every text back and keeps digits apart."""
import random
import unittest

import bpe
import generate


class BpeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rng = random.Random(1)
        cls.texts = ["".join(text for text, _ in generate.sample(rng)) for _ in range(300)]
        cls.tokenizer = bpe.Tokenizer(bpe.train(cls.texts, 400))

    def test_every_text_comes_back(self):
        others = ["", "\x00\n\r\t  x", "日本語 😀 é", "a_b  c\n\n d", "<|im_start|><tool_call>"]
        for text in self.texts + others:
            self.assertEqual(self.tokenizer.decode(self.tokenizer.encode(text)), text)

    def test_digits_are_single_tokens(self):
        ids = self.tokenizer.encode("1234")
        self.assertEqual([self.tokenizer.bytes_of[i] for i in ids], [b"1", b"2", b"3", b"4"])

    def test_training_is_repeatable(self):
        self.assertEqual(bpe.train(self.texts, 50), self.tokenizer.merges[:50])

    def test_tokenizer_json_lists_every_id_once(self):
        content = self.tokenizer.hugging_face()
        ids = list(content["model"]["vocab"].values())
        ids += [token["id"] for token in content["added_tokens"]]
        self.assertEqual(sorted(ids), list(range(self.tokenizer.vocab_size)))


if __name__ == "__main__":
    unittest.main()
