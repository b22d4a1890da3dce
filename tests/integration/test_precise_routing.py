"""The router inside `nacelle gateway`, with real engines: KV events, sessions, flow control, latency."""
import base64
import http.client
import json
import pathlib
import tempfile
import threading
import unittest

import harness

PRECISE = """
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: token-producer
  parameters: {{modelPath: "{model}"}}
- type: precise-prefix-cache-producer
  parameters:
    kvEventsConfig:
      publishers: {publishers}
- type: prefix-cache-scorer
  parameters: {{prefixMatchInfoProducerName: precise-prefix-cache-producer}}
- type: max-score-picker
"""

SESSIONS = """
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: session-affinity-scorer
- type: max-score-picker
schedulingProfiles:
- name: default
  plugins: [{pluginRef: session-affinity-scorer}, {pluginRef: max-score-picker}]
"""

FLOW = """
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
featureGates: [flowControl]
plugins:
- type: concurrency-detector
  parameters: {maxConcurrency: 1}
- type: active-request-scorer
flowControl:
  saturationDetector: {pluginRef: concurrency-detector}
  defaultRequestTTL: 300ms
  priorityBands:
  - {priority: 0, maxRequests: 1}
"""

LATENCY = """
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: predicted-latency-producer
  parameters: {streamingMode: true}
- type: latency-scorer
- type: max-score-picker
"""


class Engine:
    """A demo engine that publishes KV events; comes back at the same addresses."""

    def __init__(self):
        self.port, self.events, self.replay = (harness.free_port() for _ in range(3))
        self.address = f"127.0.0.1:{self.port}"
        self.server = None

    def start(self):
        config = {"enable_kv_cache_events": True, "endpoint": f"tcp://*:{self.events}",
                  "replay_endpoint": f"tcp://*:{self.replay}", "topic": f"kv@{self.address}@demo"}
        self.server = harness.Server(
            ["serve", harness.DEMO, "--host", "127.0.0.1", "--port", self.port, "--threads", 1,
             "--kv-cache-memory-bytes", "64M", "--served-model-name", "demo",
             "--enable-prompt-tokens-details", "--kv-events-config", json.dumps(config)], self.port)
        return self

    def publisher(self):
        return {"endpoint": self.address, "events": f"tcp://127.0.0.1:{self.events}",
                "replay": f"tcp://127.0.0.1:{self.replay}"}


class Gateway(harness.Server):
    def __init__(self, picker, addresses, *flags):
        self.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.folder.name)
        port, self.admin_port = harness.free_port(), harness.free_port()
        (folder / "epp.yaml").write_text(picker)
        (folder / "gateway.yaml").write_text(
            f"listen: 127.0.0.1:{port}\nadmin: 127.0.0.1:{self.admin_port}\n"
            f"endpointPickerConfig: epp.yaml\nendpoints: {json.dumps(addresses)}\n"
            "scrape_interval_ms: 20\n")
        super().__init__(["gateway", "--config", folder / "gateway.yaml", "--loops", 2, *flags], port)

    def admin(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def value(self, name):
        """The sum of a metric's samples; None without any."""
        found = [float(line.rsplit(" ", 1)[1]) for line in self.admin("/metrics").splitlines()
                 if line.startswith(name) and line[len(name):len(name) + 1] in ("{", " ")]
        return sum(found) if found else None

    def complete(self, prompt, headers=None, **fields):
        return self.request("POST", "/v1/completions",
                            {"model": "demo", "prompt": prompt, "max_tokens": 2, "temperature": 0, **fields},
                            headers)


def cached(answer):
    return (answer.json["usage"]["prompt_tokens_details"] or {}).get("cached_tokens", 0)


def long_prompt(seed):
    return " ".join(f"{seed} item {i} of the long list;" for i in range(60))


class PreciseRouting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engines = [Engine().start(), Engine().start()]

    @classmethod
    def tearDownClass(cls):
        for engine in cls.engines:
            engine.server.kill()

    def gateway(self, picker, *flags):
        gateway = Gateway(picker, [engine.address for engine in self.engines], *flags)
        self.addCleanup(gateway.folder.cleanup)
        self.addCleanup(gateway.kill)
        return gateway

    def precise(self):
        return self.gateway(PRECISE.format(
            model=harness.DEMO, publishers=json.dumps([engine.publisher() for engine in self.engines])))

    def direct(self, engine, prompt):
        answer = engine.server.request("POST", "/v1/completions", {
            "model": "demo", "prompt": prompt, "max_tokens": 2, "temperature": 0})
        self.assertEqual(answer.status, 200, answer.data)

    def test_a_prompt_goes_where_an_engine_says_that_it_is(self):
        gateway = self.precise()
        # Nobody but the engines knows of these: they did not come through the gateway.
        for number, engine in enumerate(self.engines):
            self.direct(engine, long_prompt(f"direct {number}"))
        harness.wait_until(lambda: gateway.value("nacelle_router_kv_index_blocks") >= 40, message="index")
        for _ in range(2):
            for number, _ in enumerate(self.engines):
                answer = gateway.complete(long_prompt(f"direct {number}") + " go on")
                self.assertEqual(answer.status, 200, answer.data)
                self.assertGreater(cached(answer), 200)
        self.assertGreater(gateway.value("llm_d_epp_kv_cache_index_lookup_hits_total"), 0)
        self.assertEqual(gateway.value("llm_d_epp_kv_cache_events_active_subscribers"), 2)
        self.assertNotIn("no index", gateway.log())

    def test_a_gateway_that_starts_late_learns_by_replay(self):
        self.direct(self.engines[1], long_prompt("before"))
        gateway = self.precise()
        harness.wait_until(lambda: gateway.value("nacelle_router_kv_index_blocks") > 0, message="replay")
        harness.wait_until(lambda: cached(gateway.complete(long_prompt("before"))) > 200, message="a hit")

    def test_a_killed_engine_is_forgotten_and_a_new_one_begins_empty(self):
        gateway = self.precise()
        victim = self.engines[1]
        self.direct(victim, long_prompt("victim"))
        harness.wait_until(lambda: cached(gateway.complete(long_prompt("victim"))) > 200, message="a hit")
        before = gateway.value("nacelle_router_kv_events_resets_total") or 0
        victim.server.kill()
        harness.wait_until(lambda: gateway.value("nacelle_router_kv_events_resets_total") > before,
                           message="its entries are dropped")
        answer = gateway.complete(long_prompt("victim"))
        self.assertEqual(answer.status, 200, answer.data)
        self.assertEqual(cached(answer), 0)
        victim.start()
        harness.wait_until(lambda: gateway.value("llm_d_epp_kv_cache_events_active_subscribers") == 2,
                           message="the new process is followed")
        self.direct(victim, long_prompt("newcomer"))
        harness.wait_until(lambda: cached(gateway.complete(long_prompt("newcomer"))) > 200, message="a hit")

    def test_sessions_stay(self):
        gateway = self.gateway(SESSIONS, "--allow-experimental-plugins")
        first = gateway.complete("hello")
        self.assertEqual(first.status, 200, first.data)
        token = first.getheader("x-session-token")
        self.assertIn(base64.b64decode(token).decode(),
                      [f"default/{engine.address}" for engine in self.engines])
        for _ in range(8):
            again = gateway.complete("hello", {"x-session-token": token})
            self.assertEqual(again.getheader("x-session-token"), token)
        # Sessions begin on both engines.
        harness.wait_until(lambda: gateway.complete("hello").getheader("x-session-token") != token,
                           message="another engine")

    def test_flow_control_queues_refuses_and_forgets_who_left(self):
        gateway = self.gateway(FLOW)
        streams = []

        def stream(max_tokens):
            connection = gateway.connect()
            connection.request("POST", "/v1/completions", json.dumps(
                {"model": "demo", "prompt": "count", "max_tokens": max_tokens, "ignore_eos": True, "stream": True}),
                {"Content-Type": "application/json"})
            return connection
        for _ in self.engines:  # one each: full
            connection = stream(4000)
            response = connection.getresponse()
            self.assertEqual(response.status, 200)
            response.readline()
            streams.append((connection, response))
        waited = gateway.complete("waits")
        self.assertEqual(waited.status, 429, waited.data)
        self.assertEqual(waited.getheader("x-llm-d-request-dropped-reason"), "rejected-ttl-expired")
        self.assertEqual(waited.json["error"]["code"], 429)
        # One waits, so the next finds the band full.
        waiting = stream(1)
        harness.wait_until(lambda: gateway.value("llm_d_epp_flow_control_queue_size") == 1, message="it waits")
        full = gateway.complete("finds no place")
        self.assertEqual((full.status, full.getheader("x-llm-d-request-dropped-reason")), (429, "rejected-saturated"))
        self.assertEqual(full.getheader("retry-after"), "1")
        waiting.close()
        harness.wait_until(lambda: gateway.value("llm_d_epp_flow_control_queue_size") == 0, message="it left")
        # A place that becomes free goes to who waits.
        answers = []
        waiter = threading.Thread(target=lambda: answers.append(gateway.complete("gets a place")))
        waiter.start()
        harness.wait_until(lambda: gateway.value("llm_d_epp_flow_control_queue_size") == 1, message="it waits")
        streams[0][1].close()
        streams[0][0].close()
        waiter.join(30)
        self.assertEqual(answers[0].status, 200, answers[0].data)
        streams[1][0].close()

    def test_latencies_are_learned_from_answers(self):
        gateway = self.gateway(LATENCY)
        for i in range(40):
            for _ in gateway.events("/v1/completions", {"model": "demo", "prompt": f"{i} " * (1 + i % 7 * 20),
                                                        "max_tokens": 4, "ignore_eos": True}):
                pass
        samples = gateway.value("nacelle_router_latency_samples_total")
        self.assertGreaterEqual(samples, 40)
        self.assertIsNotNone(gateway.value("nacelle_router_latency_prediction_error_ratio"))
        answer = gateway.complete("late", {"x-llm-d-slo-ttft-ms": "0.001"})
        self.assertEqual(answer.status, 200)
        harness.wait_until(lambda: gateway.value("llm_d_epp_request_predicted_ttft_seconds_count") > 0,
                           message="predictions are told")


if __name__ == "__main__":
    unittest.main()
