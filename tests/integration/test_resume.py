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

from cut_proxy import CutProxy
from harness import DEMO, Server, free_port, wait_until

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


COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"


def read_stream(port, prompt, on_event, headers=None, path=COMPLETIONS, **fields):
    """Text, finish reason, usage, ids and whether [DONE] came, of a streamed answer."""
    asked = {"prompt": prompt} if path == COMPLETIONS else {"messages": [{"role": "user", "content": prompt}]}
    body = {**asked, "max_tokens": TOKENS, "temperature": 0, "ignore_eos": True, "stream": True,
            "stream_options": {"include_usage": True}, **fields}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    out = {"status": response.status, "text": "", "finish": None, "usage": None, "ids": set(), "done": False,
           "other": [], "models": set(), "roles": 0}
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
                delta = choice.get("delta", {})
                out["text"] += choice.get("text") or delta.get("content") or ""
                out["roles"] += "role" in delta
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

    def short_form(self, engines, limits=""):
        return self.gateway(f"listen: 127.0.0.1:{self.port}\nadmin: 127.0.0.1:{self.admin}\n{limits}"
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

    def test_hung_engine(self):
        # It keeps its connections and says nothing: only the idle limit can tell.
        engines = [self.engine() for _ in range(3)]
        self.short_form(engines, "limits: {stream_idle_timeout_s: 2}\n")
        self.run_streams(DRAINED_STREAMS, engines[0], lambda: engines[1].process.send_signal(signal.SIGSTOP))

    def test_sampled_text_goes_on_as_it_would_have(self):
        engines = [self.engine() for _ in range(2)]
        self.short_form(engines)
        self.run_streams(DRAINED_STREAMS, engines[0], lambda: engines[1].process.send_signal(signal.SIGKILL),
                         fields=lambda i: {"temperature": 0.8, "seed": i, "top_p": 0.95, "frequency_penalty": 0.2})

    def test_chat(self):
        engines = [self.engine() for _ in range(2)]
        self.short_form(engines)
        results = self.run_streams(
            DRAINED_STREAMS, engines[0], lambda: engines[1].process.send_signal(signal.SIGKILL), path=CHAT,
            fields=lambda i: {"temperature": 0.8, "seed": i} if i % 2 else {})
        self.assertEqual({result["roles"] for result in results}, {1}, "one message, begun once")

    def test_killed_with_streams_queued_and_in_prefill(self):
        # It takes one sequence at a time, and 32 tokens of it in a step: of its streams one is in prefill or has
        # begun, and all others wait.
        engines = [self.engine(), self.engine("--max-num-seqs", "1", "--max-num-batched-tokens", "32")]
        self.short_form(engines)
        prompts = [f"{i}: " + "the quick brown fox jumps over the lazy dog " * 20 for i in range(DRAINED_STREAMS)]
        results = [None] * len(prompts)

        def client(i):
            results[i] = read_stream(self.port, prompts[i], lambda: None, max_tokens=20)

        threads = [threading.Thread(target=client, args=(i,)) for i in range(len(prompts))]
        for thread in threads:
            thread.start()
        wait_until(lambda: (engines[1].metric("vllm:num_requests_waiting") or 0) >= 3, message="a queue")
        engines[1].process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join(120)
        for i, result in enumerate(results):
            self.assertIsNotNone(result, i)
            self.assertEqual((result["status"], result["finish"], result["done"], result["other"]),
                             (200, "length", True, []), (i, result))
            undisturbed = read_stream(engines[0].port, prompts[i], lambda: None, max_tokens=20)
            self.assertEqual((result["text"], result["usage"]), (undisturbed["text"], undisturbed["usage"]), i)

    def test_cut_behind_every_token(self):
        """Broken off behind each token's comment in turn, between the last token and [DONE] among them, and broken
        off again in the stream that goes on; then at bytes within."""
        tokens = 6
        engine = self.engine()
        first_cut, second_cut = [None], [None]

        def cut(request, answer):
            # A connection may carry several requests: the last one counts, and its answer alone.
            head = answer.rfind(b"HTTP/1.1 200")
            if b"/completions HTTP/1.1" not in request or head < 0:
                return None
            resumed = b"nacelle_resume" in request[request.rfind(b"/completions HTTP/1.1"):]
            at = (second_cut if resumed else first_cut)[0]
            if at is None:
                return None
            place, offset = at
            position = head
            for _ in range(place):
                position = answer.find(b"\n: t ", position + 1)
                if position < 0:
                    return None
                position = answer.find(b"\n\n", position + 1)
            position += offset
            if position < 0 or len(answer) < position:
                return None
            (second_cut if resumed else first_cut)[0] = None  # once each
            return position

        proxies = [CutProxy(engine.port, cut) for _ in range(2)]
        for proxy in proxies:
            self.addCleanup(proxy.close)
        self.short_form(proxies)
        for path, fields in ((COMPLETIONS, {}), (CHAT, {"temperature": 0.8, "seed": 7})):
            expected = read_stream(engine.port, "Once upon", lambda: None, path=path, max_tokens=tokens, **fields)
            for place in range(1, tokens + 1):
                for offset in (2, 9, 40):
                    for again in (None, (1, 2)):
                        first_cut[0], second_cut[0] = (place, offset), again
                        got = read_stream(self.port, "Once upon", lambda: None, path=path, max_tokens=tokens, **fields)
                        for key in ("status", "text", "finish", "usage", "done", "other", "roles"):
                            self.assertEqual(got[key], expected[key], (path, place, offset, again, got))
                        self.assertEqual(len(got["ids"]), 1)
        self.assertGreater(sum(proxy.cuts for proxy in proxies), 4 * tokens)

    def run_streams(self, count, reference, disturb, fields=lambda i: {}, path=COMPLETIONS, **how):
        """Streams of all engines, `disturb` once each has begun; then each against the reference's text. `fields(i)`
        are those of the i-th request, `how` what the gateway's clients say besides."""
        prompts = [f"Count from {i} to {i + 7}: " for i in range(count)]
        started = threading.Barrier(count + 1)
        results = [None] * count

        def client(i):
            seen = [0]

            def on_event():
                seen[0] += 1
                if seen[0] == 3:
                    started.wait(60)

            results[i] = read_stream(self.port, prompts[i], on_event, path=path, **fields(i), **how)

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
            undisturbed = read_stream(reference.port, prompts[i], lambda: None, path=path, **fields(i))
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
