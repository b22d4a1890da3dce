"""50 streams, their engine killed with SIGKILL: none fails and the text is that of an undisturbed run."""
import http.client
import json
import pathlib
import signal
import tempfile
import threading
import unittest

from harness import DEMO, Server, free_port

STREAMS = 50
TOKENS = 200


def read_stream(port, prompt, on_event):
    """Text, finish reason, usage, ids and whether [DONE] came, of a streamed completion."""
    body = {"prompt": prompt, "max_tokens": TOKENS, "temperature": 0, "ignore_eos": True, "stream": True,
            "stream_options": {"include_usage": True}}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    out = {"status": response.status, "text": "", "finish": None, "usage": None, "ids": set(), "done": False,
           "other": []}
    for line in response:
        line = line.decode().rstrip("\n")
        if not line:
            continue
        if line == "data: [DONE]":
            out["done"] = True
        elif line.startswith("data: "):
            event = json.loads(line[6:])
            if "choices" not in event:
                out["other"].append(line)
                continue
            out["ids"].add(event["id"])
            for choice in event["choices"]:
                out["text"] += choice["text"]
                out["finish"] = choice["finish_reason"] or out["finish"]
            out["usage"] = event.get("usage") or out["usage"]
            on_event()
        else:
            out["other"].append(line)
    connection.close()
    return out


class Resume(unittest.TestCase):
    def test_killed_engine(self):
        with tempfile.TemporaryDirectory() as folder:
            engines = []
            try:
                for _ in range(3):
                    port = free_port()
                    engines.append(Server(["serve", DEMO, "--host", "127.0.0.1", "--port", port], port))
                self.run_streams(pathlib.Path(folder), engines)
            finally:
                for server in engines:
                    server.kill()

    def run_streams(self, folder, engines):
        port, admin = free_port(), free_port()
        config = folder / "gateway.yaml"
        config.write_text(f"listen: 127.0.0.1:{port}\nadmin: 127.0.0.1:{admin}\npolicy: round-robin\n"
                          f"endpoints: [{', '.join(f'127.0.0.1:{e.port}' for e in engines)}]\n")
        gateway = Server(["gateway", "--config", config], port)
        try:
            prompts = [f"Count from {i} to {i + 7}: " for i in range(STREAMS)]
            expected = [read_stream(engines[0].port, p, lambda: None) for p in prompts[:5]]
            started = threading.Barrier(STREAMS + 1)
            results = [None] * STREAMS

            def client(i):
                seen = [0]

                def on_event():
                    seen[0] += 1
                    if seen[0] == 3:
                        started.wait(60)

                results[i] = read_stream(port, prompts[i], on_event)

            threads = [threading.Thread(target=client, args=(i,)) for i in range(STREAMS)]
            for thread in threads:
                thread.start()
            started.wait(60)  # all have begun
            engines[1].process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join(120)
            for i, result in enumerate(results):
                self.assertIsNotNone(result, i)
                self.assertEqual((result["status"], result["finish"], result["done"], result["other"]),
                                 (200, "length", True, []), (i, result))
                self.assertEqual(len(result["ids"]), 1)
                self.assertEqual(result["usage"]["completion_tokens"], TOKENS)
            for i in range(5):
                self.assertEqual(results[i]["text"], expected[i]["text"])
            # The others against the engine that lives.
            for i in range(5, STREAMS):
                self.assertEqual(results[i]["text"], read_stream(engines[0].port, prompts[i], lambda: None)["text"])
            metrics = self.metrics(admin)
            self.assertGreater(metrics, 0, "no stream was resumed: the kill came too late")
        finally:
            gateway.kill()

    @staticmethod
    def metrics(admin):
        connection = http.client.HTTPConnection("127.0.0.1", admin, timeout=10)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith("nacelle_gateway_streams_resumed_total{"))


if __name__ == "__main__":
    unittest.main()
