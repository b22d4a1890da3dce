"""`nacelle bench` against a real engine."""
import json
import pathlib
import tempfile
import unittest

import harness


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.serve(harness.DEMO, "--enable-prompt-tokens-details")
        cls.target = f"127.0.0.1:{cls.server.port}"

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()

    def test_closed_loop_writes_every_report(self):
        with tempfile.TemporaryDirectory() as folder:
            files = [pathlib.Path(folder) / name for name in ("r.json", "r.svg")]
            code, output = harness.run(
                "bench", self.target, "--groups", 2, "--prompts-per-group", 4, "--system-tokens", 96,
                "--question-tokens", 8, "--output-tokens", 5, "--concurrency", "1,3", "--tokenizer", harness.DEMO,
                "--json", files[0], "--svg", files[1])
            self.assertEqual(code, 0, output)
            self.assertIn("concurrency 3: 8 requests, 0 failed", output)
            report = json.loads(files[0].read_text())
            self.assertTrue(files[1].read_text().startswith("<svg"))
        first, second = report["stages"]
        self.assertEqual(first["output_tokens"], 8 * 5)
        self.assertEqual(first["prompt_tokens"] // 8, 104)  # exact lengths with the model's tokenizer
        self.assertGreater(second["hit_rate"], 0.5)
        self.assertEqual(second["tpot_s"]["count"], 8)

    def test_open_loop_over_chat(self):
        code, output = harness.run("bench", self.target, "--workload", "random", "--input-tokens", 20, "--requests", 6,
                                   "--output-tokens", 4, "--rate", 50, "--api", "chat", "--json", "-")
        self.assertEqual(code, 0, output)
        stage = json.loads(output)["stages"][0]
        self.assertEqual((stage["requests"], stage["errors"]), (6, 0))

    def test_failures_are_counted_by_kind(self):
        code, output = harness.run("bench", f"127.0.0.1:{harness.free_port()}", "--requests", 3, "--concurrency", 1)
        self.assertEqual(code, 1)
        self.assertIn("failed: 3 x connect", output)

    def test_wrong_flags(self):
        for flags in (["--rate", "-1"], ["--concurrency", "0"], ["--workload", "storm"], ["nonsense:port"]):
            code, output = harness.run("bench", *flags)
            self.assertEqual(code, 2, output)


if __name__ == "__main__":
    unittest.main()
