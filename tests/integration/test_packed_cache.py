"""Packed weights on disk: the second start maps them, a broken file is replaced, no folder is no reason to fail."""
import contextlib
import pathlib
import shutil
import tempfile
import unittest

import harness

MAPPED = "packed weights mapped"
WRITTEN = "packed weights cached"
REJECTED = "packed weights rejected"


class PackedCache(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nacelle-cache-"))
        self.model = self.folder / "model"
        shutil.copytree(harness.DEMO, self.model, ignore=shutil.ignore_patterns(".nacelle"))
        self.caches = self.folder / "caches"

    def tearDown(self):
        shutil.rmtree(self.folder)

    @contextlib.contextmanager
    def serving(self, where):
        server = harness.serve(self.model, "--packed-weight-cache", where)
        try:
            yield server
        finally:
            server.kill()

    def answer(self, server):
        return server.chat("Who are you?", max_tokens=16)["choices"][0]["message"]["content"]

    def packed(self):
        return [path for path in self.folder.rglob("*") if path.suffix == ".packed"]

    def start(self, where, wanted):
        """The answer of a server whose log says `wanted`, and that log."""
        with self.serving(where) as server:
            harness.wait_until(lambda: wanted in server.log(), message=wanted)
            return self.answer(server), server.log()

    def test_second_start_maps_what_the_first_wrote(self):
        with self.serving("off") as server:
            expected = self.answer(server)
        self.assertEqual(self.packed(), [])
        self.assertEqual(self.start(self.caches, WRITTEN)[0], expected)
        self.assertEqual(len(self.packed()), 1)
        answer, log = self.start(self.caches, MAPPED)
        self.assertEqual(answer, expected)
        self.assertNotIn(WRITTEN, log)

    def test_broken_file_is_replaced(self):
        expected, _ = self.start(self.caches, WRITTEN)
        (file,) = self.packed()
        for spoil in (lambda data: data[:100] + b"\xff" + data[101:], lambda data: data[:len(data) // 2],
                      lambda data: b""):
            file.write_bytes(spoil(file.read_bytes()))
            answer, log = self.start(self.caches, WRITTEN)
            self.assertIn(REJECTED, log)
            self.assertEqual(answer, expected)
        self.start(self.caches, MAPPED)

    def test_replaced_weights_are_seen(self):
        self.start(self.caches, WRITTEN)
        weights = self.model / "model.safetensors"
        data = bytearray(weights.read_bytes())
        data[-64:] = bytes(64)
        weights.write_bytes(data)
        _, log = self.start(self.caches, WRITTEN)
        self.assertIn("another checkpoint", log)

    def test_folder_that_cannot_be_written(self):
        (self.folder / "file").write_text("not a folder")
        with self.serving(self.folder / "file" / "below") as server:
            self.assertIn("packed weights are not cached", server.log())
            self.assertTrue(self.answer(server))

    def test_small_models_leave_their_folder_alone(self):
        with self.serving("auto") as server:
            self.answer(server)
        self.assertFalse((self.model / ".nacelle").exists())

    def test_replicas_that_start_together_share_one_file(self):
        flags = ("--packed-weight-cache", self.caches)
        up = harness.Up(model=self.model, engines=3, engine_flags=flags)
        try:
            harness.wait_until(lambda: up.engine_logs().count("Application startup complete.") == 3,
                               message="three engines")
            harness.wait_until(lambda: WRITTEN in up.engine_logs(), message=WRITTEN)
            self.assertEqual(up.engine_logs().count(WRITTEN), 1)
            self.assertEqual(up.engine_logs().count(MAPPED), 2)
            self.assertEqual(len(self.packed()), 1)
        finally:
            up.kill()


if __name__ == "__main__":
    unittest.main()
