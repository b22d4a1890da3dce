"""The AI gateway in the real binary: keys, limits, translation both ways, fallback, books, reload."""
import contextlib
import email
import hashlib
import http.client
import http.server
import json
import pathlib
import shutil
import tempfile
import threading
import unittest
import unittest.mock

import harness

OWN = "gateway.nacelle.dev/v1alpha1"

OBJECTS = """
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewaySettings
metadata: {{name: settings}}
spec: {{admin: "127.0.0.1:{admin}", bindAddress: 127.0.0.1, accessLog: {{path: "{log}"}}}}
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
  - matches: [{{headers: [{{name: x-ai-eg-model, value: claude}}]}}]
    backendRefs: [{{name: anthropic, modelNameOverride: claude-sonnet-4-5}}]
  - matches: [{{headers: [{{name: x-ai-eg-model, value: demo}}]}}]
    backendRefs: [{{name: engines, kind: InferencePool, group: inference.networking.k8s.io}}]
  - matches: [{{headers: [{{name: x-ai-eg-model, value: whisper}}]}}]
    backendRefs: [{{name: listener, modelNameOverride: whisper-1}}]
  - matches: [{{headers: [{{name: x-ai-eg-model, value: robust}}]}}]
    backendRefs:
    - {{name: broken}}
    - {{name: anthropic, priority: 1, modelNameOverride: claude-sonnet-4-5}}
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
  addresses: ["127.0.0.1:{engine}"]
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: anthropic}}
spec: {{schema: {{name: Anthropic}}, backendRef: {{name: provider, kind: Backend, group: gateway.envoyproxy.io}}}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: listener}}
spec: {{schema: {{name: OpenAI}}, backendRef: {{name: provider, kind: Backend, group: gateway.envoyproxy.io}}}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: broken}}
spec:
  schema: {{name: OpenAI, prefix: broken/v1}}
  backendRef: {{name: provider, kind: Backend, group: gateway.envoyproxy.io}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: provider}}
spec: {{endpoints: [{{ip: {{address: 127.0.0.1, port: {provider}}}}}]}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: BackendSecurityPolicy
metadata: {{name: anthropic}}
spec:
  targetRefs: [{{kind: AIServiceBackend, group: aigateway.envoyproxy.io, name: anthropic}}]
  type: AnthropicAPIKey
  anthropicAPIKey: {{file: "{folder}/provider.key"}}
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: ClientKeySet
metadata: {{name: teams}}
spec:
  keys:
  - {{id: team-a, sha256: {key_a}, models: [claude, demo, robust, whisper]}}
  - {{id: slow, sha256: {key_slow}, rateLimits: [{{name: pace, limit: 1, unit: {unit}}}]}}
  - {{id: gone, sha256: {key_gone}, disabled: true}}
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: FallbackPolicy
metadata: {{name: fallback}}
spec: {{numRetries: 2, retryOn: {{triggers: [connect-failure, retriable-status-codes], httpStatusCodes: [500]}}}}
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: UsageStore
metadata: {{name: books}}
spec: {{path: "{folder}/usage.db"}}
"""


class Provider(http.server.BaseHTTPRequestHandler):
    """Speaks Anthropic on /v1/messages; below /broken everything fails."""
    protocol_version = "HTTP/1.1"

    def transcribe(self):
        """Reads the form with the standard library's own parser of MIME."""
        head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
        form = email.message_from_bytes(head + self.rfile.read(int(self.headers["content-length"])))
        parts = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
                 for part in form.get_payload()}
        self.server.asked.append((self.path, dict(self.headers), parts))
        self.reply(200, "application/json", json.dumps(
            {"text": "hello", "usage": {"type": "tokens", "input_tokens": 21, "output_tokens": 2}}))

    def do_POST(self):
        if self.path == "/v1/audio/transcriptions":
            return self.transcribe()
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        if self.path.startswith("/broken"):
            return self.reply(500, "application/json", '{"error":{"message":"broken"}}')
        if self.path.endswith("/count_tokens"):
            return self.reply(200, "application/json", json.dumps({"input_tokens": 9}))
        usage = {"input_tokens": 11, "output_tokens": 5}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"],
                   "content": [{"type": "text", "text": "hello"}], "stop_reason": "end_turn", "usage": usage}
        if not body.get("stream"):
            return self.reply(200, "application/json", json.dumps(message))
        events = [{"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
                  {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                  *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
                    for text in ("hel", "lo")),
                  {"type": "content_block_stop", "index": 0},
                  {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
                  {"type": "message_stop"}]
        self.reply(200, "text/event-stream",
                   "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events))

    def reply(self, status, kind, text):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


def hashed(key):
    return hashlib.sha256(key.encode()).hexdigest()


class Gateway(harness.Server):
    def __init__(self, folder, **values):
        self.folder = folder
        self.admin_port = harness.free_port()
        self.values = {"admin": self.admin_port, "port": harness.free_port(), "folder": folder,
                       "log": folder / "access.log", "key_a": hashed("key-a"), "key_slow": hashed("key-slow"),
                       "key_gone": hashed("key-gone"), "unit": "Second", **values}
        (folder / "provider.key").write_text("sk-provider\n")
        self.write()
        self.run()

    def run(self):
        super().__init__(["gateway", "--config", self.folder / "objects.yaml", "--loops", 2,
                          "--shutdown-timeout", 5], self.values["port"])

    def write(self, extra="", **changes):
        self.values.update(changes)
        new = self.folder / "objects.new"
        new.write_text(OBJECTS.format(**self.values) + extra)
        new.rename(self.folder / "objects.yaml")

    def admin(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def usage(self, query=""):
        return json.loads(self.admin("/usage" + query))

    def post(self, path, key="key-a", **body):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        body = {"max_tokens": 8, "messages": [{"role": "user", "content": "hi"}], **body}
        return self.request("POST", path, body, headers)

    def chat(self, model, key="key-a", **body):
        return self.post("/v1/chat/completions", key, model=model, **body)

    def config(self):
        return json.loads(self.admin("/config"))


def data_of(answer):
    lines = [line[6:] for line in answer.data.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


class AiGateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
        threading.Thread(target=cls.provider.serve_forever, daemon=True).start()
        cls.engine = harness.serve(harness.DEMO, "--served-model-name", "demo")

    @classmethod
    def tearDownClass(cls):
        cls.engine.kill()
        cls.provider.shutdown()
        cls.provider.server_close()

    def setUp(self):
        self.provider.asked = []
        folder = pathlib.Path(tempfile.mkdtemp(prefix="nacelle-ai-"))
        self.addCleanup(shutil.rmtree, folder, True)
        self.gateway = Gateway(folder, provider=self.provider.server_address[1], engine=self.engine.port)
        self.addCleanup(lambda: self.gateway.kill())

    def test_keys_and_models(self):
        gateway = self.gateway
        for key, model, status in ((None, "claude", 401), ("wrong", "claude", 401), ("key-gone", "claude", 403),
                                   ("key-a", "other", 404), ("key-slow", "no-route", 404)):
            with self.subTest(key=key, model=model):
                self.assertEqual(gateway.chat(model, key).status, status)
                answer = gateway.post("/anthropic/v1/messages", key, model=model)
                self.assertEqual((answer.status, answer.json["type"]), (status, "error"))
        self.assertEqual(self.provider.asked, [])
        listed = gateway.request("GET", "/v1/models", headers={"x-api-key": "key-a"}).json
        self.assertEqual([model["id"] for model in listed["data"]], ["claude", "demo", "robust", "whisper"])

    def test_openai_client_and_anthropic_provider(self):
        answer = self.gateway.chat("claude")
        self.assertEqual(answer.status, 200, answer.data)
        self.assertEqual(answer.json["choices"][0]["message"]["content"], "hello")
        self.assertEqual(answer.json["usage"]["total_tokens"], 16)
        path, headers, body = self.provider.asked[0]
        self.assertEqual((path, body["model"]), ("/v1/messages", "claude-sonnet-4-5"))
        headers = {name.lower(): value for name, value in headers.items()}
        self.assertEqual(headers["x-api-key"], "sk-provider")
        self.assertNotIn("authorization", headers)
        stream = self.gateway.chat("claude", stream=True)
        self.assertTrue(stream.data.endswith(b"data: [DONE]\n\n"), stream.data)
        text = "".join(e["choices"][0]["delta"].get("content") or "" for e in data_of(stream) if e["choices"])
        self.assertEqual(text, "hello")

    def test_anthropic_client_and_our_own_engine(self):
        answer = self.gateway.post("/anthropic/v1/messages", model="demo")
        self.assertEqual(answer.status, 200, answer.data)
        self.assertEqual(answer.json["type"], "message")
        self.assertGreater(answer.json["usage"]["output_tokens"], 0)
        stream = self.gateway.post("/v1/messages", model="demo", stream=True)
        kinds = [event["type"] for event in data_of(stream)]
        self.assertEqual((kinds[0], kinds[-1]), ("message_start", "message_stop"), stream.data)
        self.assertIn("content_block_delta", kinds)
        # The engine's own dialect passes; usage is counted without showing it.
        hidden = self.gateway.chat("demo", stream=True)
        self.assertEqual([e for e in data_of(hidden) if not e["choices"]], [])
        used = self.gateway.usage("?model=demo")
        self.assertEqual(used["totals"]["requests"], 3)
        self.assertGreater(used["totals"]["output_tokens"], 3)

    def test_audio_is_a_form_that_is_routed_by_its_model(self):
        audio = bytes(range(256)) * 300
        parts = [(b'name="model"', b"whisper"), (b'name="file"; filename="a.wav"', audio),
                 (b'name="response_format"', b"json")]
        form = b"".join(b"--edge\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + content + b"\r\n"
                        for head, content in parts) + b"--edge--\r\n"
        headers = {"Authorization": "Bearer key-a", "Content-Type": "multipart/form-data; boundary=edge"}
        answer = self.gateway.request("POST", "/v1/audio/transcriptions", form, headers)
        self.assertEqual((answer.status, answer.json["text"]), (200, "hello"), answer.data)
        path, _, fields = self.provider.asked[0]
        self.assertEqual((path, fields["model"], fields["response_format"]),
                         ("/v1/audio/transcriptions", b"whisper-1", b"json"))
        self.assertEqual(fields["file"], audio)
        self.assertEqual(self.gateway.usage("?model=whisper")["totals"]["input_tokens"], 21)
        cut = self.gateway.request("POST", "/v1/audio/transcriptions", form[:200], headers)
        self.assertEqual((cut.status, len(self.provider.asked)), (400, 1), cut.data)

    def test_tokens_are_counted_by_the_provider_and_by_our_own_engine(self):
        counted = self.gateway.post("/tokenize", model="claude")
        self.assertEqual((counted.status, counted.json), (200, {"count": 9}), counted.data)
        path, _, body = self.provider.asked[0]
        self.assertEqual((path, body["model"]), ("/v1/messages/count_tokens", "claude-sonnet-4-5"))
        self.assertNotIn("max_tokens", body)
        ours = self.gateway.post("/anthropic/v1/messages/count_tokens", model="demo")
        self.assertEqual(ours.status, 200, ours.data)
        asked = self.gateway.post("/anthropic/v1/messages", model="demo").json["usage"]["input_tokens"]
        self.assertEqual(ours.json, {"input_tokens": asked})

    def test_the_next_backend_answers(self):
        answer = self.gateway.chat("robust")
        self.assertEqual(answer.status, 200, answer.data)
        self.assertEqual([path for path, _, _ in self.provider.asked],
                         ["/broken/v1/chat/completions", "/v1/messages"])
        self.assertEqual(self.provider.asked[0][2]["model"], "robust")
        log = self.gateway.folder / "access.log"
        harness.wait_until(lambda: "robust" in log.read_text(), message="log line")
        line = json.loads(log.read_text().splitlines()[-1])
        self.assertEqual(line["client_key"], "team-a")
        self.assertEqual(line["upstream_request_attempt_count"], 2)
        self.assertEqual(line["gen_ai.usage.input_tokens"], 11)
        self.assertEqual(line["gen_ai.request.model_override"], "claude-sonnet-4-5")
        self.assertIn("gen_ai_client_token_usage", self.gateway.admin("/metrics"))

    def test_limits_turn_with_their_window_and_reload(self):
        gateway = self.gateway
        harness.wait_until(lambda: gateway.chat("claude", "key-slow").status == 429, message="refusal")
        harness.wait_until(lambda: gateway.chat("claude", "key-slow").status == 200, message="next window")
        gateway.write(unit="Year")
        harness.wait_until(lambda: gateway.config()["generation"] == 2, message="reload")
        harness.wait_until(lambda: gateway.chat("claude", "key-slow").status == 429, message="refusal")
        answer = gateway.chat("claude", "key-slow")
        self.assertEqual(answer.status, 429)
        self.assertEqual(answer.json["error"]["code"], "rate_limit_exceeded")
        self.assertGreater(int(answer.headers["retry-after"]), 0)
        self.assertEqual(answer.headers["x-ratelimit-remaining"], "0")
        gateway.write(extra=f"---\napiVersion: {OWN}\nkind: ModelAliases\nmetadata: {{name: a}}\n"
                            "spec: {aliases: {a: b, b: a}}\n")
        harness.wait_until(lambda: not gateway.config()["ok"], message="refusal of the file")
        self.assertIn("never reaches a model", gateway.config()["error"])
        self.assertEqual(gateway.chat("claude", "key-slow").status, 429)
        gateway.write(extra=f"---\napiVersion: {OWN}\nkind: ModelAliases\nmetadata: {{name: a}}\n"
                            "spec: {aliases: {nick: claude}}\n")
        harness.wait_until(lambda: gateway.config()["ok"], message="mended file")
        self.assertEqual(gateway.chat("claude", "key-slow").status, 429, "the counter survives")

    def test_books_and_durable_limits_survive_a_restart(self):
        gateway = self.gateway
        gateway.write(unit="Year")
        harness.wait_until(lambda: gateway.config()["generation"] == 2, message="reload")
        statuses = [gateway.chat("claude", "key-slow").status for _ in range(2)]
        self.assertEqual(statuses[-1], 429)
        # A request is booked behind its answer.
        harness.wait_until(lambda: gateway.usage("?key=slow")["totals"]["requests"] == statuses.count(200),
                           message="the books")
        before = gateway.usage("?key=slow")
        self.assertEqual(before["totals"]["input_tokens"], 11 * before["totals"]["requests"])
        self.assertEqual(gateway.stop(), 0)
        gateway.run()
        self.assertEqual(gateway.usage("?key=slow"), before)
        self.assertEqual(gateway.chat("claude", "key-slow").status, 429)
        self.assertEqual(gateway.chat("claude").status, 200)

    def test_the_documented_example_loads(self):
        page = (harness.SOURCE / "docs" / "ai-gateway.md").read_text()
        for block in page.split("```yaml\n")[1:]:
            path = self.gateway.folder / "documented.yaml"
            path.write_text(block.split("```")[0])
            with unittest.mock.patch.dict("os.environ", OPENAI_API_KEY="sk-x"):
                code, output = harness.run("gateway", "--check", "--config", path)
            self.assertEqual(code, 0, output)
        code, output = harness.run("gateway", "--check", "--config",
                                   harness.SOURCE / "examples" / "gateway" / "ai.yaml")
        self.assertEqual(code, 0, output)


class Examples(unittest.TestCase):
    FOLDER = harness.SOURCE / "examples" / "gateway"

    def test_every_file_is_right(self):
        for path in sorted(self.FOLDER.glob("*.yaml")):
            code, output = harness.run("gateway", "--check", "--config", path)
            self.assertEqual(code, 0, (path.name, output))

    def test_the_engine_answers_while_the_provider_is_away_and_the_sixth_request_is_too_many(self):
        engine = harness.serve(harness.DEMO, "--served-model-name", "demo")
        self.addCleanup(engine.stop)
        port = harness.free_port()
        text = (self.FOLDER / "providers.yaml").read_text()
        for from_, to in ((8001, engine.port), (8009, harness.free_port()), (8080, port)):
            self.assertIn(f"port: {from_}", text)
            text = text.replace(f"port: {from_}", f"port: {to}")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="nacelle-providers-"))
        self.addCleanup(shutil.rmtree, folder)
        (folder / "providers.yaml").write_text(text + f"""---
apiVersion: {OWN}
kind: GatewaySettings
metadata: {{name: settings}}
spec: {{admin: "127.0.0.1:{harness.free_port()}", bindAddress: 127.0.0.1}}
""")
        gateway = harness.Server(["gateway", "--config", folder], port, ready_path="/v1/models")
        self.addCleanup(gateway.stop)
        for _ in range(5):
            self.assertIn("Nacelle", gateway.chat("What is Nacelle?", model="assistant", max_tokens=32)
                          ["choices"][0]["message"]["content"])
        refused = gateway.request("POST", "/v1/chat/completions", {"model": "assistant", "messages": []})
        self.assertEqual(refused.status, 429, refused.data)


if __name__ == "__main__":
    unittest.main()
