"""Streams whose engine goes away, killed or drained: none fails and the text is that of an undisturbed run."""
import hashlib
import http.client
import json
import pathlib
import shutil
import signal
import tempfile
import threading
import unittest

from harness import DEMO, Server, free_port

STREAMS = 50
DRAINED_STREAMS = 20
AI_STREAMS = 10
TOKENS = 200

AI_OBJECTS = """
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewaySettings
metadata: {{name: settings}}
spec: {{admin: "127.0.0.1:{admin}", bindAddress: 127.0.0.1}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: gw}}
spec:
  gatewayClassName: nacelle
  listeners: [{{name: http, port: {port}, protocol: HTTP}}]
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {{name: models}}
spec:
  parentRefs: [{{name: gw}}]
  rules:
  - matches: [{{headers: [{{name: x-ai-eg-model, value: demo}}]}}]
    backendRefs: [{{name: engines, kind: InferencePool, group: inference.networking.k8s.io}}]
---
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {{name: engines}}
spec: {{selector: {{matchLabels: {{app: engines}}}}, targetPorts: [{{number: 8000}}]}}
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: StaticEndpoints
metadata: {{name: engines}}
spec:
  targetRefs: [{{group: inference.networking.k8s.io, kind: InferencePool, name: engines}}]
  addresses: [{engines}]
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewayPolicy
metadata: {{name: turns}}
spec:
  targetRefs: [{{group: inference.networking.k8s.io, kind: InferencePool, name: engines}}]
  picker: {{policy: round-robin}}
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: ClientKeySet
metadata: {{name: teams}}
spec: {{keys: [{{id: team-a, sha256: {key}, models: [nick]}}]}}
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: ModelAliases
metadata: {{name: aliases}}
spec: {{aliases: {{nick: demo}}}}
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: UsageStore
metadata: {{name: books}}
spec: {{path: "{folder}/usage.db"}}
"""


def read_stream(port, prompt, on_event, headers=None, **fields):
    """Text, finish reason, usage, ids and whether [DONE] came, of a streamed completion."""
    body = {"prompt": prompt, "max_tokens": TOKENS, "temperature": 0, "ignore_eos": True, "stream": True,
            "stream_options": {"include_usage": True}, **fields}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/v1/completions", json.dumps(body),
                       {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    out = {"status": response.status, "text": "", "finish": None, "usage": None, "ids": set(), "done": False,
           "other": [], "models": set()}
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
            out["models"].add(event["model"])
            for choice in event["choices"]:
                out["text"] += choice["text"]
                out["finish"] = choice["finish_reason"] or out["finish"]
            out["usage"] = event.get("usage") or out["usage"]
            on_event()
        else:
            out["other"].append(line)
    connection.close()
    return out


def start_engine(*flags):
    port = free_port()
    return Server(["serve", DEMO, "--host", "127.0.0.1", "--port", port, *flags], port)


def metrics_sum(admin, name):
    connection = http.client.HTTPConnection("127.0.0.1", admin, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + "{"))


class Resume(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nacelle-resume-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.port, self.admin = free_port(), free_port()

    def engine(self, *flags):
        server = start_engine(*flags)
        self.addCleanup(server.kill)
        return server

    def gateway(self, text):
        config = self.folder / "gateway.yaml"
        config.write_text(text)
        server = Server(["gateway", "--config", config], self.port)
        self.addCleanup(server.kill)
        return server

    def short_form(self, engines):
        return self.gateway(f"listen: 127.0.0.1:{self.port}\nadmin: 127.0.0.1:{self.admin}\n"
                            f"policy: round-robin\nendpoints: [{', '.join(f'127.0.0.1:{e.port}' for e in engines)}]\n")

    def test_killed_engine(self):
        engines = [self.engine() for _ in range(3)]
        self.short_form(engines)
        self.run_streams(STREAMS, engines[0], lambda: engines[1].process.send_signal(signal.SIGKILL))

    def test_drained_engine(self):
        # Its streams need longer than its grace: what is left at the end goes on from the other one.
        engines = [self.engine(), self.engine("--shutdown-timeout", "0.05")]
        self.short_form(engines)
        self.run_streams(DRAINED_STREAMS, engines[0], lambda: engines[1].process.send_signal(signal.SIGTERM))
        self.assertEqual(engines[1].process.wait(60), 0, "it ends by itself and in order")

    def run_streams(self, count, reference, disturb, **how):
        """Streams of all engines, `disturb` once each has begun; then each against the reference's text."""
        prompts = [f"Count from {i} to {i + 7}: " for i in range(count)]
        started = threading.Barrier(count + 1)
        results = [None] * count

        def client(i):
            seen = [0]

            def on_event():
                seen[0] += 1
                if seen[0] == 3:
                    started.wait(60)

            results[i] = read_stream(self.port, prompts[i], on_event, **how)

        threads = [threading.Thread(target=client, args=(i,)) for i in range(count)]
        for thread in threads:
            thread.start()
        started.wait(60)  # all have begun
        disturb()
        for thread in threads:
            thread.join(120)
        for i, result in enumerate(results):
            self.assertIsNotNone(result, i)
            self.assertEqual((result["status"], result["finish"], result["done"], result["other"]),
                             (200, "length", True, []), (i, result))
            self.assertEqual(len(result["ids"]), 1)
            self.assertEqual(result["usage"]["completion_tokens"], TOKENS)
            undisturbed = read_stream(reference.port, prompts[i], lambda: None)
            self.assertEqual(result["text"], undisturbed["text"], i)
            self.assertEqual(result["usage"]["prompt_tokens"], undisturbed["usage"]["prompt_tokens"])
        self.assertGreater(metrics_sum(self.admin, "nacelle_gateway_streams_resumed_total"), 0,
                           "no stream was resumed: the end came too late")
        return results

    def test_ai_route_with_an_alias_and_a_key(self):
        engines = [self.engine("--served-model-name", "demo") for _ in range(2)]
        self.gateway(AI_OBJECTS.format(admin=self.admin, port=self.port, folder=self.folder,
                                       key=hashlib.sha256(b"key-a").hexdigest(),
                                       engines=", ".join(f'"127.0.0.1:{e.port}"' for e in engines)))
        results = self.run_streams(
            AI_STREAMS, engines[0], lambda: engines[1].process.send_signal(signal.SIGKILL),
            headers={"Authorization": "Bearer key-a"}, model="nick")
        for result in results:
            self.assertEqual(result["models"], {"nick"}, "the name that the client asked for")
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        connection.request("GET", "/usage?key=team-a")
        totals = json.loads(connection.getresponse().read())["totals"]
        connection.close()
        self.assertEqual(totals["requests"], AI_STREAMS)
        self.assertEqual(totals["output_tokens"], AI_STREAMS * TOKENS, "each token is booked once")
        self.assertEqual(totals["input_tokens"], sum(r["usage"]["prompt_tokens"] for r in results))


if __name__ == "__main__":
    unittest.main()
