"""The demo model, served, against its held-out questions."""
import json
import unittest

import harness

HELD_OUT = harness.SOURCE / "tests" / "testdata" / "demo_model" / "held_out.jsonl"


class DemoModel(unittest.TestCase):
    def test_it_answers_its_domain(self):
        items = [json.loads(line) for line in HELD_OUT.read_text().splitlines()]
        server = harness.serve(harness.DEMO)
        try:
            right = 0
            for item in items:
                fields = {"tools": item["tools"], "tool_choice": "none"} if item.get("tools") else {}
                answer = server.chat(item["messages"], max_tokens=256, **fields)
                text = answer["choices"][0]["message"]["content"].strip()
                accepted = item["accept"] if isinstance(item["accept"], list) else [item["accept"]]
                right += text in [a.strip() for a in accepted]
        finally:
            server.kill()
        self.assertGreaterEqual(right / len(items), 0.8, f"{right} of {len(items)} answered exactly")


if __name__ == "__main__":
    unittest.main()
