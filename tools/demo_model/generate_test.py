"""generate_test.py: properties of the corpus generator. No torch needed."""
import random
import unittest

import generate
from chat_format import pieces, prompt
from split import is_held_out
from talk import load
from topics import arithmetic


class GenerateTest(unittest.TestCase):
    def test_same_seed_same_text(self):
        first = [generate.sample(random.Random(7)) for _ in range(20)]
        again = [generate.sample(random.Random(7)) for _ in range(20)]
        self.assertEqual(first, again)

    def test_held_out_set_is_fixed_and_has_every_topic(self):
        items = generate.held_out_items(4, 1000)
        self.assertEqual(items, generate.held_out_items(4, 1000))
        self.assertEqual({i["topic"] for i in items}, {name for name, _, _ in generate.TOPICS})

    def test_training_never_asks_a_held_out_question(self):
        topics = ("arithmetic", "facts", "nacelle", "greetings", "refusals", "echo")
        held_out = {
            item["messages"][0]["content"]
            for item in generate.held_out_items(20, 1000)
            if item["topic"] in topics and len(item["messages"]) == 1
        }
        self.assertGreater(len(held_out), 80)
        rng = random.Random(3)
        for _ in range(3000):
            messages, _ = generate.conversation(rng)
            asked = {m["content"] for m in messages if m["role"] == "user"}
            self.assertFalse(asked & held_out)

    def test_sums_are_right_and_within_the_limit(self):
        rng = random.Random(5)
        for held_out in (False, True):
            for _ in range(300):
                for message in arithmetic.make(rng, held_out).messages[1::2]:
                    left, right = message["content"].split(" = ")
                    self.assertEqual(eval(left), int(right))

    def test_first_phrasing_is_in_the_training_text(self):
        questions = load("nacelle")[0][0]
        self.assertGreater(len(questions), 5)
        self.assertTrue(any(is_held_out("phrasing", q) for qs, _ in load("nacelle") for q in qs))

    def test_only_assistant_turns_are_learned(self):
        rng = random.Random(11)
        for _ in range(200):
            messages, tools = generate.conversation(rng)
            for text, learned in pieces(messages, tools):
                self.assertEqual(
                    learned, text.endswith("<|im_end|>") and "<|im_start|>" not in text
                )


class ChatFormatTest(unittest.TestCase):
    def test_tool_answer_is_a_user_turn(self):
        call = {"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
        text = prompt(
            [
                {"role": "user", "content": "q"},
                {"role": "assistant", "content": "", "tool_calls": [call]},
                {"role": "tool", "content": "r"},
            ]
        )
        self.assertEqual(
            text,
            "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n<tool_call>\n"
            '{"name": "f", "arguments": {"a": 1}}\n</tool_call><|im_end|>\n'
            "<|im_start|>user\n<tool_response>\nr\n</tool_response><|im_end|>\n"
            "<|im_start|>assistant\n",
        )


if __name__ == "__main__":
    unittest.main()
