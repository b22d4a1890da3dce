"""KV events of a live engine, read with pyzmq and msgpack: the wire that routers rely on."""
import hashlib
import os
import random
import sys
import time
import unittest

try:
    import msgpack
    import zmq
except ImportError:  # Debian's python3-zmq and python3-msgpack belong to Debian's python3
    if os.environ.get("NACELLE_SYSTEM_PYTHON") or not os.path.exists("/usr/bin/python3"):
        raise
    os.environ["NACELLE_SYSTEM_PYTHON"] = "1"
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.orig_argv[1:]])

import json

import harness

TOPIC = "kv@127.0.0.1:8000@demo"


def cbor_head(major, value):
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 24:
            return bytes([major << 5 | value])
        if value < 1 << (8 * size):
            return bytes([major << 5 | code]) + value.to_bytes(size, "big")
    raise ValueError(value)


def block_hash(parent, tokens):
    """sha256 of canonical CBOR [parent, tokens, null]."""
    tokens = cbor_head(4, len(tokens)) + b"".join(cbor_head(0, token) for token in tokens)
    return hashlib.sha256(b"\x83" + cbor_head(2, len(parent)) + parent + tokens + b"\xf6").digest()


class KvEvents(unittest.TestCase):
    def start(self, *flags, **config):
        self.port, self.replay_port = harness.free_port(), harness.free_port()
        config = {"enable_kv_cache_events": True, "endpoint": f"tcp://*:{self.port}",
                  "replay_endpoint": f"tcp://*:{self.replay_port}", "topic": TOPIC, **config}
        os.environ["PYTHONHASHSEED"] = "7"
        try:
            self.server = harness.serve(harness.DEMO, "--served-model-name", "demo",
                                        "--kv-events-config", json.dumps(config), *flags)
        finally:
            del os.environ["PYTHONHASHSEED"]
        self.addCleanup(self.server.kill)
        self.context = zmq.Context()
        self.addCleanup(self.context.destroy, 0)
        return self.server

    def complete(self, prompt, max_tokens=1):
        answer = self.server.request("POST", "/v1/completions",
                                     {"prompt": prompt, "max_tokens": max_tokens, "temperature": 0})
        self.assertEqual(answer.status, 200, answer.data)

    def replay(self, start=0):
        """All messages that the engine still has, as (sequence, payload)."""
        dealer = self.context.socket(zmq.DEALER)
        dealer.connect(f"tcp://127.0.0.1:{self.replay_port}")
        dealer.send_multipart([b"", start.to_bytes(8, "big")])
        messages = []
        while True:
            self.assertTrue(dealer.poll(20000), "the replay has no end")
            empty, sequence, payload = dealer.recv_multipart()
            self.assertEqual(empty, b"")
            if sequence == b"\xff" * 8:
                self.assertEqual(payload, b"")
                dealer.close(0)
                return messages
            messages.append((int.from_bytes(sequence, "big"), payload))

    def replay_until(self, condition):
        """Events travel on their own thread: asks until the condition holds of the events."""
        found = []

        def ready():
            found[:] = [event for _, payload in self.replay() for event in msgpack.unpackb(payload)[1]]
            return condition(found)
        harness.wait_until(ready, message="events")
        return list(found)

    def test_stored_blocks_carry_tokens_parents_and_hashes(self):
        self.start()
        prompt = list(range(100, 140))
        self.complete(prompt)
        events = self.replay_until(lambda events: len(events) >= 1)
        stored = events[0]
        self.assertEqual(list(stored), ["type", "block_hashes", "parent_block_hash", "token_ids", "block_size",
                                        "lora_id", "medium", "lora_name", "extra_keys", "group_idx",
                                        "kv_cache_spec_kind"])
        self.assertEqual(stored["type"], "BlockStored")
        self.assertEqual(stored["token_ids"], prompt[:32])
        self.assertEqual((stored["block_size"], stored["parent_block_hash"], stored["medium"]), (16, None, "GPU"))
        root = hashlib.sha256(b"\x617").digest()
        first = block_hash(root, prompt[:16])
        second = block_hash(first, prompt[16:32])
        self.assertEqual(stored["block_hashes"], [int.from_bytes(h[-8:], "big") for h in (first, second)])
        self.complete(prompt[:32] + list(range(200, 232)))
        events = self.replay_until(lambda events: len(events) >= 2)
        self.assertEqual(events[1]["parent_block_hash"], stored["block_hashes"][1])
        self.assertEqual(events[1]["token_ids"], list(range(200, 232)))

    def test_live_messages_are_numbered_and_replays_agree(self):
        self.start()
        live = self.context.socket(zmq.SUB)
        self.addCleanup(live.close, 0)
        live.subscribe("kv@")
        live.connect(f"tcp://127.0.0.1:{self.port}")
        deadline = time.monotonic() + 30
        while not live.poll(50):  # until the subscription has arrived
            self.assertLess(time.monotonic(), deadline)
            self.complete([random.randrange(100, 2000) for _ in range(32)])
        seen = []
        while live.poll(500):
            topic, sequence, payload = live.recv_multipart()
            self.assertEqual(topic.decode(), TOPIC)
            timestamp, events, rank = msgpack.unpackb(payload)
            self.assertAlmostEqual(timestamp, time.time(), delta=120)
            self.assertTrue(events)
            self.assertEqual(rank, 0)
            seen.append((int.from_bytes(sequence, "big"), payload))
        numbers = [sequence for sequence, _ in seen]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        self.assertEqual(self.replay(numbers[0])[:len(seen)], seen)
        self.assertEqual([sequence for sequence, _ in self.replay()][0], 0)

    def test_evicted_blocks_are_removed_and_a_mirror_stays_exact(self):
        self.start("--num-gpu-blocks-override", 40, "--max-model-len", 256)
        for i in range(12):
            self.complete(list(range(100 + 150 * i, 196 + 150 * i)))
        mirror = set()

        def exact(events):
            mirror.clear()
            for event in events:
                if event["type"] == "BlockStored":
                    mirror.update(event["block_hashes"])
                elif event["type"] == "BlockRemoved":
                    mirror.difference_update(event["block_hashes"])
                else:
                    mirror.clear()
            return sum(e["type"] == "BlockStored" for e in events) >= 12
        events = self.replay_until(exact)
        self.assertTrue(any(event["type"] == "BlockRemoved" for event in events))
        self.assertLessEqual(len(mirror), 39)
        self.assertGreater(len(mirror), 30)
        self.assertEqual(self.server.metric("nacelle_kv_events_overflows_total"), 0)
        self.assertGreaterEqual(self.server.metric("nacelle_kv_events_messages_total"), 12)

    def test_array_form(self):
        self.start(event_form="array")
        self.complete(list(range(100, 140)))
        event = self.replay_until(lambda events: len(events) >= 1)[0]
        self.assertEqual(event[0], "BlockStored")
        self.assertEqual(len(event), 12)
        self.assertEqual(event[3], list(range(100, 132)))

    def test_a_taken_port_is_a_start_error(self):
        self.start()
        code, output = harness.run("serve", harness.DEMO, "--port", harness.free_port(), "--kv-events-config", json.dumps(
            {"enable_kv_cache_events": True, "endpoint": f"tcp://*:{self.port}"}))
        self.assertEqual(code, 1)
        self.assertIn("--kv-events-config: cannot bind", output)


if __name__ == "__main__":
    unittest.main()
