"""bench/bars.py: every bar of the CPU engine gets a verdict, or is said to be left out."""
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import harness

SCRIPT = harness.SOURCE / "bench" / "bars.py"
REPORTS = {
    "yardstick.json": {
        "rows": [
            {"section": "gemm bf16", "name": "1024 x 1024", "column": "M=512",
             "bars": [{"name": "gemm bf16, M >= 256", "of": "limit", "at_least": 0.75, "reached": 0.8, "ok": True}]},
            {"section": "gemm bf16", "name": "8192 x 1024", "column": "M=512",
             "bars": [{"name": "gemm bf16, M >= 256", "of": "limit", "at_least": 0.75, "reached": 0.7, "ok": False}]},
            {"section": "attention", "name": "decode", "column": "", "bars": []}],
        "ratios": [{"name": "int8 over bf16", "how": "", "value": 1.6, "bar": 1.5, "at_most": False, "ok": True},
                   {"name": "attention's share", "how": "", "value": 0.51}]},
    "startup.json": {
        "bars": {"start_without_cache_s": 1.5, "start_with_cache_s": 0.5, "beyond_weights_and_kv_mib": 150,
                 "idle_percent_of_a_core": 0.5},
        "start_without_cache_s": [0.6, 0.7, 2.0], "start_with_cache_s": [0.3, 0.6, 0.7],
        "beyond_mib_without_cache": [36, 37, 38], "beyond_mib_after_serving": {"packing": 140, "mapped": 90},
        "idle_percent_of_a_core": {"packing": 0.1, "mapped": 0.6}},
    "engine.json": {"benchmarks": [
        {"name": "step_bookkeeping/at_once/32/manual_time", "real_time": 9.0, "time_unit": "us"},
        {"name": "step_bookkeeping/at_once/256/manual_time", "real_time": 0.068, "time_unit": "ms"}]},
    "tokenizer.json": {"benchmarks": [
        {"name": "encode/gpt2/prose", "bytes_per_second": 80e6}, {"name": "encode/qwen2/prose", "bytes_per_second": 39e6},
        {"name": "encode/gpt2/code", "bytes_per_second": 90e6}, {"name": "encode/t5/prose", "bytes_per_second": 1e6},
        {"name": "decode/gpt2", "real_time": 1.0}]},
    "engine-peer-Qwen3-0.6B-bf16.json": {"model": "Qwen3-0.6B", "width": "bf16", "streams": 32, "bar": 2,
                                         "nacelle": {"32 streams": 100}, "llama_cpp": {"32 streams": 20}}}


class BenchBars(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, *names):
        for name in names:
            (self.folder / name).write_text(json.dumps(REPORTS[name]))

    def lines(self, *flags):
        run = subprocess.run([sys.executable, "-B", SCRIPT, "--out", self.folder, *map(str, flags)], check=True,
                             capture_output=True, text=True)
        return [" ".join(line.split()) for line in run.stdout.splitlines()[1:]]

    def test_every_bar_has_a_verdict(self):
        self.write(*REPORTS)
        self.assertEqual(self.lines("--all"), [
            "gemm bf16, M >= 256 >= 75 % missed 1 of 2 rows; worst 70 % (gemm bf16 8192 x 1024 M=512)",
            "int8 over bf16 >= 1.50 x ok 1.60 x",
            "exec to /health, packing <= 1.5 s ok 0.70 s",
            "exec to /health, packed weights mapped <= 0.5 s missed 0.60 s",
            "memory beyond weights and KV after start <= 150 MiB ok 37.00 MiB",
            "memory beyond weights and KV after serving <= 150 MiB ok 140.00 MiB",
            "idle engine, of a core <= 0.5 % missed 0.60 %",
            "bookkeeping of a step, 256 sequences <= 100 us ok 68 us",
            "byte-level BPE, prose, one core >= 40 MB/s missed 1 of 2 families; worst 39 MB/s (qwen2)",
            "byte-level BPE, code, one core >= 40 MB/s ok 1 of 1 families; worst 90 MB/s (gpt2)",
            "32 streams against llama-server, Qwen3-0.6B bf16 >= 2 x ok 5.00 x (100 against 20 tok/s)",
            "32 streams against llama-server, int8 left out needs --peer-root DIR, a root folder with llama.cpp"])

    def test_what_was_not_measured_is_said_when_all_was_asked_for(self):
        self.write("engine.json")
        self.assertEqual(len(self.lines()), 1)
        said = self.lines("--all")
        self.assertEqual(len(said), 6)
        self.assertEqual(sum("left out" in line for line in said), 5)
        self.assertTrue(any(line.endswith("tools/bench.sh startup") for line in said))

    def test_reports_of_an_earlier_run_are_not_read(self):
        self.write("engine.json")
        self.assertEqual(self.lines("--since", time.time() + 60), [])


if __name__ == "__main__":
    unittest.main()
