"""Model folders that are wrong in every way people manage: a clear message, exit code, no crash."""
import json
import pathlib
import shutil
import struct
import tempfile
import unittest

import harness


class ModelFolders(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nacelle-model-")) / "model"
        shutil.copytree(harness.DEMO, self.folder)
        self.weights = self.folder / "model.safetensors"

    def tearDown(self):
        shutil.rmtree(self.folder.parent)

    def refused(self, *words):
        code, output = harness.run("serve", self.folder, "--host", "127.0.0.1", "--port", harness.free_port(),
                                   "--kv-cache-memory-bytes", "64M")
        self.assertGreater(code, 0, output)
        self.assertLess(code, 128, "ended by a signal:\n" + output)
        for word in words:
            self.assertIn(word, output)

    def header(self, edit):
        """Rewrites the safetensors header through `edit`."""
        data = self.weights.read_bytes()
        (size,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8:8 + size])
        edit(header)
        text = json.dumps(header).encode()
        self.weights.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size:])

    def first_tensor(self, header):
        return header[next(name for name in sorted(header) if name != "__metadata__")]

    def test_truncated_weights(self):
        data = self.weights.read_bytes()
        self.weights.write_bytes(data[:len(data) // 2])
        self.refused("model.safetensors")

    def test_header_longer_than_the_file(self):
        self.weights.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
        self.refused("model.safetensors")

    def test_offsets_outside_the_file(self):
        self.header(lambda header: self.first_tensor(header).update(data_offsets=[0, 1 << 50]))
        self.refused("model.safetensors")

    def test_overlapping_tensors(self):
        def overlap(header):
            names = sorted(name for name in header if name != "__metadata__")
            same = [n for n in names if header[n]["shape"] == header[names[0]]["shape"]]
            header[names[0]]["data_offsets"] = header[same[-1] if len(same) > 1 else names[1]]["data_offsets"]
        self.header(overlap)
        self.refused("model.safetensors")

    def test_wrong_shape_for_the_config(self):
        config = json.loads((self.folder / "config.json").read_text())
        config["intermediate_size"] += 16
        (self.folder / "config.json").write_text(json.dumps(config))
        self.refused("shape")

    def test_wrong_dtype(self):
        self.header(lambda header: self.first_tensor(header).update(dtype="I64"))
        self.refused("I64")

    def test_missing_shard(self):
        names = [n for n in json.loads(self._header_text()) if n != "__metadata__"]
        index = {"metadata": {}, "weight_map": {name: "model-00001-of-00002.safetensors" for name in names}}
        (self.folder / "model.safetensors.index.json").write_text(json.dumps(index))
        self.weights.unlink()
        self.refused("model-00001-of-00002.safetensors")

    def _header_text(self):
        data = self.weights.read_bytes()
        (size,) = struct.unpack("<Q", data[:8])
        return data[8:8 + size]

    def test_unknown_architecture_lists_what_there_is(self):
        config = json.loads((self.folder / "config.json").read_text())
        config["architectures"] = ["GptNoxForCausalLM"]
        (self.folder / "config.json").write_text(json.dumps(config))
        self.refused("GptNoxForCausalLM", "LlamaForCausalLM")

    def test_broken_tokenizer(self):
        path = self.folder / "tokenizer.json"
        path.write_text(path.read_text()[:1000])
        self.refused("tokenizer.json")

    def test_missing_tokenizer_and_weights(self):
        (self.folder / "tokenizer.json").unlink()
        self.refused("tokenizer.json")
        shutil.copy(harness.DEMO / "tokenizer.json", self.folder)
        self.weights.unlink()
        self.refused("safetensors")

    def test_a_cache_too_small_for_one_request_says_how_long_it_could_be(self):
        code, output = harness.run("serve", self.folder, "--host", "127.0.0.1", "--port", harness.free_port(),
                                   "--num-gpu-blocks-override", "4")
        self.assertEqual(code, 1, output)
        self.assertIn("max-model-len", output.replace("_", "-"))

    def test_a_template_that_loops_for_ever_costs_one_request(self):
        (self.folder / "loop.jinja").write_text(
            "{% for a in range(100000) %}{% for b in range(100000) %}{% set c = a * b %}{% endfor %}{% endfor %}")
        server = harness.serve(self.folder, "--chat-template", self.folder / "loop.jinja")
        try:
            response = server.request("POST", "/v1/chat/completions",
                                      {"messages": [{"role": "user", "content": "hi"}]})
            self.assertEqual(response.status, 400, response.data)
            self.assertEqual(server.request("POST", "/v1/completions", {"prompt": "a", "max_tokens": 1}).status, 200)
        finally:
            server.kill()


if __name__ == "__main__":
    unittest.main()
