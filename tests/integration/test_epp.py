"""nacelle epp, driven by a gRPC client as Envoy drives it: picks, rewrites, refusals, health, TLS."""
import base64
import http.client
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

try:
    import grpc
except ImportError:  # Debian's python3-grpcio belongs to Debian's python3
    if os.environ.get("NACELLE_SYSTEM_PYTHON") or not os.path.exists("/usr/bin/python3"):
        raise
    os.environ["NACELLE_SYSTEM_PYTHON"] = "1"
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.orig_argv[1:]])

import ext_proc
import harness
from test_precise_routing import PRECISE, Engine, long_prompt

OBJECTS = """
apiVersion: llm-d.ai/v1alpha2
kind: InferenceObjective
metadata: {name: gold}
spec: {priority: 2}
---
apiVersion: llm-d.ai/v1alpha2
kind: InferenceObjective
metadata: {name: cheap}
spec: {priority: -1}
---
apiVersion: llm-d.ai/v1alpha2
kind: InferenceModelRewrite
metadata: {name: a-to-b}
spec: {rules: [{matches: [{model: {value: a}}], targets: [{modelRewrite: b}]}]}
"""
REASON = "x-llm-d-request-dropped-reason"


class QuietServer(http.server.ThreadingHTTPServer):
    """Without a trace for every scraper that leaves."""

    def handle_error(self, request, client_address):
        pass


class Gauges(http.server.BaseHTTPRequestHandler):
    """An engine that has gauges and nothing else."""

    def do_GET(self):
        waiting, usage = self.server.gauges
        body = f"vllm:num_requests_waiting {waiting}\nvllm:kv_cache_usage_perc {usage}\n".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def gauges(host, waiting, usage):
    server = QuietServer((host, 0), Gauges)
    server.gauges = (waiting, usage)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def endpoints_file(folder, addresses):
    path = pathlib.Path(folder) / "endpoints.yaml"
    entries = [{"name": f"e{i}", "address": a.split(":")[0], "port": a.split(":")[1]}
               for i, a in enumerate(addresses)]
    path.with_suffix(".new").write_text(json.dumps({"endpoints": entries}))
    path.with_suffix(".new").rename(path)
    return path


class EppCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="nacelle-epp-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.objects = self.folder / "objects.yaml"
        self.objects.write_text(OBJECTS)

    def epp(self, addresses, *flags):
        epp = ext_proc.Epp("--endpoints-file", endpoints_file(self.folder, addresses), "--pool-name", "pool",
                           "--objects-file", self.objects, *flags)
        self.addCleanup(epp.kill)
        return epp

    def engines(self, *loads):
        servers = [gauges(f"127.0.0.{i + 1}", *load) for i, load in enumerate(loads)]
        for server in servers:
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
        return [f"{server.server_address[0]}:{server.server_address[1]}" for server in servers]

    def wait_for_metrics(self, epp, *loads):
        """Until the gauges of all endpoints are known."""
        average = sum(waiting for waiting, _ in loads) / len(loads)
        harness.wait_until(lambda: epp.metric("llm_d_epp_average_queue_size", name="pool") == average,
                           message="gauges")

    def refused(self, answer, status, text="", reason=None):
        self.assertIsInstance(answer, ext_proc.pb.ImmediateResponse, answer)
        self.assertEqual(answer.status.code, status, answer)
        self.assertIn(text, answer.body.decode())
        headers = {h.header.key: h.header.raw_value.decode() for h in answer.headers.set_headers}
        self.assertEqual(headers.get(REASON), reason)


class Protocol(EppCase):
    LOADS = ((3, 0.2), (0, 0.1), (10, 0.2))

    def start(self, *flags):
        self.addresses = self.engines(*self.LOADS)
        epp = self.epp(self.addresses, "--no-secure-serving", *flags)
        self.wait_for_metrics(epp, *self.LOADS)
        return epp

    def test_worked_example(self):
        """Annex B of the protocol's facts: objective, rewrite, scores, replies, counters."""
        epp = self.start("--emit-endpoint-scores")
        call = epp.call()
        call.request(b'{"model":"a","prompt":"hi","max_tokens":5}', pieces=3, x_llm_d_inference_objective="gold",
                     x_llm_d_inference_fairness_id="t", x_gateway_destination_endpoint="6.6.6.6:1", x_other="kept")
        destination, headers, body = call.picked()
        self.assertEqual(destination, self.addresses[1])
        self.assertEqual(body, b'{"max_tokens":5,"model":"b","prompt":"hi"}')
        self.assertEqual(headers["Content-Length"], "42")
        self.assertRegex(headers["x-request-id"], "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        self.assertEqual(headers["x-other"], "kept")
        self.assertEqual(headers[":path"], "/v1/completions")
        self.assertNotIn("x-llm-d-inference-objective", headers)
        # Envoy has been seen to repeat the last piece of a body.
        call.send(request_body={"body": b"", "end_of_stream": True})
        answer = b'{"id":"x","model":"b","usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}'
        cut = answer.index(b'"model') + 4
        headers, body = call.response([answer[:cut], answer[cut:cut + 3], answer[cut + 3:]], served=destination)
        self.assertEqual(headers["x-went-into-resp-headers"], "true")
        self.assertEqual(json.loads(body)["model"], "a")
        self.assertEqual(call.close(), grpc.StatusCode.OK)
        labels = {"model_name": "a", "target_model_name": "b", "priority": "2"}
        for name in ("llm_d_epp_request_total", "inference_objective_request_total",
                     "llm_d_epp_request_input_tokens_count", "inference_objective_input_tokens_count"):
            harness.wait_until(lambda: epp.metric(name, model_name="a", target_model_name="b") == 1, message=name)
        self.assertEqual(epp.metric("llm_d_epp_request_total", fairness_id="t", **labels), 1)
        self.assertEqual(epp.metric("llm_d_epp_request_input_tokens_sum", **labels), 7)
        self.assertEqual(epp.metric("llm_d_epp_model_rewrite_decisions_total", model_rewrite_name="a-to-b"), 1)
        self.assertEqual(epp.metric("inference_pool_ready_pods", name="pool"), 3)
        self.assertEqual(epp.metric("llm_d_epp_extproc_streams_total", code="OK"), 1)

    def test_bodies_subsets_and_streams(self):
        epp = self.start()
        # A long body goes back in pieces of at most 62,000 bytes.
        call = epp.call()
        body = json.dumps({"model": "m", "prompt": "x" * 200_000}).encode()
        call.request(body, pieces=7)
        reply = call.receive()
        self.assertTrue(reply.HasField("request_headers"), reply)
        pieces = list(call.pieces("request"))
        self.assertEqual(b"".join(pieces), body)
        self.assertEqual([len(p) for p in pieces], [62_000, 62_000, 62_000, len(body) - 186_000])
        # The model's name comes back in a stream, also where a piece ends inside it.
        call = epp.call()
        call.request(b'{"model":"a","prompt":"hi","stream":true}')
        call.picked()
        event = b'data: {"model":"b","choices":[]}\n\n'
        stream = event * 3 + b"data: [DONE]\n\n"
        _, got = call.response([stream[i:i + 5] for i in range(0, len(stream), 5)], "text/event-stream")
        self.assertEqual(got, stream.replace(b'"b"', b'"a"'))
        # Only hosts of the proxy's subset; none of them is 503.
        space, key = "envoy.lb.subset_hint", "x-gateway-destination-endpoint-subset"
        call = epp.call()
        call.request(b'{"model":"m","prompt":"hi"}', metadata=ext_proc.subset_of(space, key, ["127.0.0.3:1", 7]))
        self.assertEqual(call.picked()[0], self.addresses[2])
        for hosts in ([], ["10.9.9.9:8000"]):
            call = epp.call()
            call.request(b'{"model":"m","prompt":"hi"}', metadata=ext_proc.subset_of(space, key, hosts))
            self.refused(call.picked(), 503, "failed to find endpoint candidates", "rejected-no-endpoints")
        # A request without a body goes to any endpoint; a response half alone is answered.
        call = epp.call()
        call.headers(end=True)
        reply = call.receive().request_headers.response
        self.assertIn(reply.header_mutation.set_headers[0].header.raw_value.decode(), self.addresses)
        headers, got = epp.call().response([b"late"])
        self.assertEqual((headers["x-went-into-resp-headers"], got), ("true", b"late"))
        # Answers to count_tokens are not looked at: the stream ends after the request half.
        call = epp.call()
        call.request(b'{"model":"m","messages":[{"role":"user","content":"x"}]}', "/v1/messages/count_tokens")
        call.picked()
        self.assertRaises(StopIteration, call.receive)

    def test_refusals_and_departures(self):
        epp = self.start()
        for body, text in ((b"{", "error unmarshaling request bodyMap"), (b'{"model":"m"}', "must have prompt field"),
                           (b'{"prompt":"x"}', "model not found in request body")):
            call = epp.call()
            call.request(body)
            self.refused(call.picked(), 400, text)
        # A stream that breaks leaves no load behind, in whatever phase.
        for steps in range(3):
            call = epp.call()
            if steps == 0:
                call.headers()
            else:
                call.request(b'{"model":"m","prompt":"hi"}')
                call.picked()
            if steps == 2:
                call.headers("response")
                call.receive()
            call.stream.cancel()
        harness.wait_until(lambda: epp.metric("llm_d_epp_extproc_streams_inflight") == 0, message="streams end")
        self.assertEqual(epp.metric("llm_d_epp_request_running", model_name="m"), 0)
        # Saturated: sheddable requests are refused, others are served.
        endpoints_file(self.folder, self.engines((100, 0.9), (100, 0.9)))
        harness.wait_until(lambda: (epp.metric("llm_d_epp_average_queue_size", name="pool") or 0) > 50,
                           message="saturation")
        call = epp.call()
        call.request(b'{"model":"m","prompt":"hi"}', x_llm_d_inference_objective="cheap")
        self.refused(call.picked(), 429, "", "rejected-saturated")
        call = epp.call()
        call.request(b'{"model":"m","prompt":"hi"}')
        self.assertIsInstance(call.picked(), tuple)
        # No endpoint at all.
        endpoints_file(self.folder, [])
        harness.wait_until(lambda: epp.metric("llm_d_epp_ready_endpoints", name="pool") == 0, message="empty pool")
        call = epp.call()
        call.request(b'{"model":"m","prompt":"hi"}')
        self.refused(call.picked(), 503, "", "rejected-no-endpoints")
        call = epp.call()
        call.headers(end=True)
        self.refused(call.receive().immediate_response, 500, "no pods available in datastore")
        self.assertGreaterEqual(epp.metric("llm_d_epp_request_error_total", error_code="503"), 1)

    def test_flow_control_sheds(self):
        config = self.folder / "config.yaml"
        config.write_text("""
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
featureGates: [flowControl]
plugins:
- {type: concurrency-detector, parameters: {maxConcurrency: 1}}
- {type: queue-scorer}
- {type: max-score-picker}
flowControl:
  saturationDetector: {pluginRef: concurrency-detector}
  defaultRequestTTL: 30s
  priorityBands: [{priority: 0, maxRequests: 1}]
schedulingProfiles:
- {name: default, plugins: [{pluginRef: queue-scorer}, {pluginRef: max-score-picker}]}
""")
        addresses = self.engines((0, 0))
        epp = self.epp(addresses, "--no-secure-serving", "--config-file", config)
        self.wait_for_metrics(epp, (0, 0))
        body = b'{"model":"m","prompt":"hi"}'
        running = epp.call()
        running.request(body)
        running.picked()
        waiting = epp.call()
        waiting.request(body)
        harness.wait_until(lambda: epp.metric("llm_d_epp_flow_control_queue_size", priority="0") == 1, message="queue")
        shed = epp.call()
        shed.request(body)
        self.refused(shed.picked(), 429, "", "rejected-saturated")
        running.response([b'{"usage":{"prompt_tokens":1,"completion_tokens":1}}'])
        self.assertEqual(waiting.picked()[0], addresses[0])
        self.assertEqual(epp.metric("llm_d_epp_flow_control_requests_total", outcome="RejectedCapacity"), 1)


    def test_scores_and_the_endpoint_that_served(self):
        """A fallback served: its load is on it, and the next request with the prompt goes there."""
        config = self.folder / "config.yaml"
        config.write_text("""
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- {type: prefix-cache-scorer}
- {type: active-request-scorer}
- {type: max-score-picker, parameters: {maxNumOfEndpoints: 2}}
- {type: session-affinity-scorer}
- {type: destination-endpoint-served-verifier}
schedulingProfiles:
- name: default
  plugins:
  - {pluginRef: prefix-cache-scorer, weight: 3}
  - {pluginRef: active-request-scorer, weight: 1}
  - {pluginRef: max-score-picker}
""")
        addresses = self.engines((0, 0), (0, 0), (0, 0))
        epp = self.epp(addresses, "--no-secure-serving", "--config-file", config, "--emit-endpoint-scores",
                       "--allow-experimental-plugins")
        self.wait_for_metrics(epp, (0, 0), (0, 0), (0, 0))

        def ask(prompt):
            call = epp.call()
            call.request(json.dumps({"model": "m", "prompt": prompt, "stream": True}).encode())
            reply = call.receive()
            metadata = reply.dynamic_metadata["envoy.lb"]
            list(call.pieces("request"))
            listed = metadata["x-gateway-destination-endpoint"].split(",")
            return call, listed, dict(metadata["x-gateway-destination-endpoint-scores"])

        call, (first, fallback), scores = ask("x" * 2000)
        self.assertEqual(scores, {address: 1 for address in addresses})
        headers, _ = call.response([b"data: {}\n\n"], "text/event-stream", served=fallback, end=False)
        self.assertEqual(headers["x-conformance-test-served-endpoint"], fallback)
        token = base64.b64encode(f"default/e{addresses.index(fallback)}".encode()).decode()
        self.assertEqual(headers["x-session-token"], token)
        # The answer goes on: its endpoint has one request of ours and the prompt, the others nothing.
        _, (then, _), scores = ask("x" * 2000)
        self.assertEqual(then, fallback)
        self.assertEqual(scores, {address: 3 if address == fallback else 1 for address in addresses})
        # What the proxy reports of a stranger changes nothing, and without a report there is no echo.
        for served in ("10.9.9.9:1", None):
            call, _, _ = ask("y" * 2000)
            headers, _ = call.response([b"data: [DONE]\n\n"], "text/event-stream", served=served)
            self.assertEqual(headers.get("x-conformance-test-served-endpoint"), served)

    def test_a_running_sheddable_request_gives_way(self):
        config = self.folder / "config.yaml"
        config.write_text("""
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
featureGates: [flowControl]
plugins:
- {type: concurrency-detector, parameters: {maxConcurrency: 1}}
- {type: max-score-picker}
flowControl: {saturationDetector: {pluginRef: concurrency-detector}, enableEviction: true}
""")
        addresses = self.engines((0, 0))
        epp = self.epp(addresses, "--no-secure-serving", "--config-file", config)
        self.wait_for_metrics(epp, (0, 0))
        body = b'{"model":"m","prompt":"hi","stream":true}'
        # Before the answer, and in the middle of it.
        for begun in (False, True):
            cheap = epp.call()
            cheap.request(body, x_llm_d_inference_objective="cheap")
            cheap.picked()
            if begun:
                cheap.response([b"data: {}\n\n"], "text/event-stream", end=False)
            gold = epp.call()
            gold.request(body, x_llm_d_inference_objective="gold")
            self.assertEqual(gold.picked()[0], addresses[0])
            answer = cheap.receive().immediate_response
            self.refused(answer, 429, "request evicted by flow control", "evicted")
            self.assertRaises(StopIteration, cheap.receive)
            self.assertEqual(cheap.stream.code(), grpc.StatusCode.OK)
            gold.response([b"data: [DONE]\n\n"], "text/event-stream")
            gold.close()
        self.assertEqual(epp.metric("llm_d_epp_request_error_total", error_code="429"), 2)
        self.assertEqual(epp.metric("llm_d_epp_flow_control_revocations_issued_total", priority="-1"), 2)
        harness.wait_until(lambda: epp.metric("llm_d_epp_extproc_streams_inflight") == 0, message="streams end")
        self.assertEqual(epp.metric("llm_d_epp_request_running", model_name="m", priority="-1"), 0)
        # An answer that is over is not evicted any more, nor is a request of equal priority.
        cheap = epp.call()
        cheap.request(body, x_llm_d_inference_objective="cheap")
        cheap.picked()
        cheap.response([b"data: [DONE]\n\n"], "text/event-stream")
        gold = epp.call()
        gold.request(body, x_llm_d_inference_objective="gold")
        gold.picked()
        self.assertEqual(cheap.close(), grpc.StatusCode.OK)
        self.assertEqual(epp.metric("llm_d_epp_flow_control_revocations_issued_total", priority="-1"), 2)

    def test_a_conformance_configuration_steers_by_header(self):
        config = self.folder / "config.yaml"
        config.write_text("""
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- {type: header-based-testing-filter}
- {type: destination-endpoint-served-verifier}
- {type: max-score-picker}
schedulingProfiles:
- {name: default, plugins: [{pluginRef: header-based-testing-filter}, {pluginRef: max-score-picker}]}
""")
        addresses = self.engines((0, 0), (0, 0))
        epp = self.epp(addresses, "--no-secure-serving", "--config-file", config)
        self.wait_for_metrics(epp, (0, 0), (0, 0))
        for wanted in addresses:
            for name in (wanted, wanted.split(":")[0]):
                call = epp.call()
                call.request(b'{"model":"m","prompt":"hi"}', test_epp_endpoint_selection=name)
                self.assertEqual(call.picked()[0], wanted)
        call = epp.call()
        call.request(b'{"model":"m","prompt":"hi"}')
        self.refused(call.picked(), 429, "failed to find target endpoint", "rejected-saturated")


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes spans, OTLP over HTTP with JSON."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        for resource in body["resourceSpans"]:
            service = resource["resource"]["attributes"][0]["value"]["stringValue"]
            for scope in resource["scopeSpans"]:
                self.server.spans += [{**span, "service": service} for span in scope["spans"]]
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        pass


class Traces(EppCase):
    TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    BODY = b'{"model":"a","prompt":"hi","stream":true,"max_tokens":5}'
    EVENTS = [b'data: {"model":"b","choices":[]}\n\n',
              b'data: {"model":"b","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5}}\n\ndata: [DONE]\n\n']

    def start(self, *flags):
        self.collector = QuietServer(("127.0.0.1", 0), Collector)
        self.collector.spans = []
        threading.Thread(target=self.collector.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(self.collector.server_close)
        self.addCleanup(self.collector.shutdown)
        self.addresses = self.engines((0, 0))
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{self.collector.server_address[1]}"
        os.environ["OTEL_SERVICE_NAME"] = "inference-scheduler"
        self.addCleanup(os.environ.pop, "OTEL_EXPORTER_OTLP_ENDPOINT")
        self.addCleanup(os.environ.pop, "OTEL_SERVICE_NAME")
        epp = self.epp(self.addresses, "--no-secure-serving", *flags)
        self.wait_for_metrics(epp, (0, 0))
        return epp

    def spans(self):
        """By name, once that of the stream is there: it is made last."""
        harness.wait_until(lambda: any(span["name"] == "gateway.request" for span in self.collector.spans),
                           message="spans")
        named = {span["name"]: span for span in self.collector.spans}
        for span in named.values():
            span["attributes"] = {a["key"]: a["value"].get("stringValue") or int(a["value"]["intValue"])
                                  for a in span["attributes"]}
        return named

    def traceparent(self, flags):
        return f"00-{self.TRACE}-{self.CALLER}-{flags}"

    def test_a_stream_is_a_span_of_the_callers_trace(self):
        epp = self.start()
        call = epp.call()
        call.request(self.BODY, traceparent=self.traceparent("01"), x_request_id="r-1",
                     x_llm_d_inference_objective="gold", x_llm_d_inference_fairness_id="t")
        destination, headers, _ = call.picked()
        call.response(self.EVENTS, "text/event-stream")
        self.assertEqual(call.close(), grpc.StatusCode.OK)
        spans = self.spans()
        self.assertEqual(set(spans), {"gateway.request", "gateway.request_orchestration",
                                      "llm_d.epp.flow_control", "llm_d.epp.scoring"})
        own, orchestration = spans["gateway.request"], spans["gateway.request_orchestration"]
        self.assertEqual((own["traceId"], own["parentSpanId"], own["service"], own["kind"]),
                         (self.TRACE, self.CALLER, "inference-scheduler", 2))
        self.assertEqual(headers["traceparent"], f"00-{self.TRACE}-{own['spanId']}-01")
        self.assertEqual(orchestration["parentSpanId"], own["spanId"])
        for name in ("llm_d.epp.flow_control", "llm_d.epp.scoring"):
            self.assertEqual(spans[name]["parentSpanId"], orchestration["spanId"])
            self.assertGreaterEqual(int(spans[name]["startTimeUnixNano"]), int(orchestration["startTimeUnixNano"]))
            self.assertLessEqual(int(spans[name]["endTimeUnixNano"]), int(orchestration["endTimeUnixNano"]))
        self.assertEqual(own["attributes"], {
            "url.path": "/v1/completions", "nacelle.request_id": "r-1", "gen_ai.operation.name": "text_completion",
            "gen_ai.request.model": "a", "nacelle.target_model": "b", "gen_ai.response.model": "b",
            "gen_ai.request.max_tokens": 5, "nacelle.objective": "gold", "nacelle.fairness_id": "t",
            "nacelle.priority": "2", "upstream.address": destination, "http.response.status_code": 200,
            "nacelle.outcome": "natural", "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 5})
        self.assertEqual([event["name"] for event in own["events"]], ["first byte"])
        self.assertEqual(own["status"], {"code": 1})
        harness.wait_until(lambda: epp.metric("nacelle_epp_spans_sent_total") == 4, message="count of spans")
        self.assertEqual(epp.metric("nacelle_epp_spans_dropped_total"), 0)

    def test_the_parents_flag_decides(self):
        epp = self.start()
        call = epp.call()
        call.request(self.BODY, traceparent=self.traceparent("00"))
        _, headers, _ = call.picked()
        self.assertRegex(headers["traceparent"], f"^00-{self.TRACE}-[0-9a-f]{{16}}-00$")
        self.assertNotIn(self.CALLER, headers["traceparent"])
        call.stream.cancel()
        # A refusal, and a client that leaves; without a parent a trace begins here.
        endpoints_file(self.folder, [])
        harness.wait_until(lambda: epp.metric("llm_d_epp_ready_endpoints", name="pool") == 0, message="empty pool")
        call = epp.call()
        call.request(self.BODY)
        self.refused(call.picked(), 503, "", "rejected-no-endpoints")
        call.close()
        own = self.spans()["gateway.request"]
        self.assertNotIn("parentSpanId", own)
        self.assertEqual((own["attributes"]["nacelle.outcome"], own["attributes"]["nacelle.refused_reason"],
                          own["attributes"]["http.response.status_code"], own["attributes"]["error.type"]),
                         ("refused", "rejected-no-endpoints", 503, "503"))
        self.assertEqual(own["status"], {"code": 2})
        self.assertNotIn(self.TRACE, {span["traceId"] for span in self.collector.spans})

    def test_a_client_that_leaves_and_a_collector_that_is_away(self):
        epp = self.start()
        call = epp.call()
        call.request(self.BODY, traceparent=self.traceparent("01"))
        call.picked()
        call.stream.cancel()
        own = self.spans()["gateway.request"]
        self.assertEqual(own["attributes"]["nacelle.outcome"], "client-disconnect")
        self.collector.shutdown()
        self.collector.server_close()
        call = epp.call()
        call.request(self.BODY, traceparent=self.traceparent("01"))
        call.picked()
        call.stream.cancel()
        harness.wait_until(lambda: epp.metric("nacelle_epp_spans_dropped_total") == 4, message="dropped spans")
        self.assertIn("spans are dropped", epp.log())

    def test_switched_off(self):
        epp = self.start("--tracing=false")
        call = epp.call()
        call.request(self.BODY, traceparent=self.traceparent("01"))
        _, headers, _ = call.picked()
        self.assertEqual(headers["traceparent"], self.traceparent("01"))
        call.response(self.EVENTS, "text/event-stream")
        call.close()
        self.assertIsNone(epp.metric("nacelle_epp_spans_sent_total"))
        self.assertEqual(self.collector.spans, [])


class RealEngines(EppCase):
    def test_a_proxy_in_front_of_two_engines(self):
        """The test is the proxy: it asks, forwards to the endpoint it was told, and reports the answer."""
        engines = [harness.serve(harness.DEMO, "--served-model-name", "b") for _ in range(2)]
        for engine in engines:
            self.addCleanup(engine.kill)
        epp = self.epp([f"127.0.0.1:{engine.port}" for engine in engines], "--no-secure-serving")
        harness.wait_until(lambda: epp.metric("llm_d_epp_ready_endpoints", name="pool") == 2, message="engines")
        prompt = "The quick brown fox jumps over the lazy dog. " * 20
        seen = []
        for turn in range(3):
            call = epp.call()
            call.request(json.dumps({"model": "a", "prompt": prompt, "max_tokens": 4, "stream": turn > 0}).encode())
            destination, headers, body = call.picked()
            seen.append(destination)
            host, port = destination.split(":")
            connection = http.client.HTTPConnection(host, int(port), timeout=30)
            connection.request("POST", headers[":path"], body, {"content-type": "application/json"})
            response = connection.getresponse()
            data = response.read()
            connection.close()
            self.assertEqual(response.status, 200, data)
            self.assertIn(b'"model":"b"', data.replace(b'": "', b'":"'))
            _, got = call.response([data[i:i + 50] for i in range(0, len(data), 50)],
                                   response.getheader("content-type"), served=destination)
            self.assertNotIn(b'"model":"b"', got)
            self.assertIn(b'"model":"a"', got)
            self.assertEqual(call.close(), grpc.StatusCode.OK)
        self.assertEqual(len(set(seen)), 1, "the same prompt stays where its prefix is")
        self.assertEqual(epp.metric("llm_d_epp_request_total", model_name="a", target_model_name="b"), 3)

    def test_a_pick_follows_the_engines_own_events(self):
        engines = [Engine().start() for _ in range(2)]
        for engine in engines:
            self.addCleanup(lambda engine=engine: engine.server.kill())
        (self.folder / "epp.yaml").write_text(PRECISE.format(
            model=harness.DEMO, publishers=json.dumps([engine.publisher() for engine in engines])))
        epp = self.epp([engine.address for engine in engines], "--no-secure-serving", "--config-file",
                       self.folder / "epp.yaml")
        # Two prompts, one per engine, past the picker: it knows of them by events alone.
        prompts = [long_prompt(f"engine {i}") for i in range(2)]
        for engine, prompt in zip(engines, prompts):
            answer = engine.server.request("POST", "/v1/completions", {"model": "demo", "prompt": prompt, "max_tokens": 1})
            self.assertEqual(answer.status, 200, answer.data)
        harness.wait_until(lambda: (epp.metric("nacelle_router_kv_index_blocks") or 0) >= 40, message="the index")
        for _ in range(3):
            for engine, prompt in zip(engines, prompts):
                call = epp.call()
                call.request(json.dumps({"model": "demo", "prompt": prompt + " go on"}).encode())
                self.assertEqual(call.picked()[0], engine.address)


class Serving(EppCase):
    def test_health(self):
        epp = self.epp(self.engines((0, 0)), "--no-secure-serving")
        for service in ("", "liveness", "readiness", "envoy.service.ext_proc.v3.ExternalProcessor",
                        "inference-extension"):
            self.assertEqual(ext_proc.check_health(epp.health_port, service), 1, service)
        self.assertEqual(epp.stop(), 0)

    def certificate(self, name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                        self.folder / "new.key", "-out", self.folder / "new.crt"], check=True, capture_output=True)
        (self.folder / "new.key").rename(self.folder / "tls.key")
        (self.folder / "new.crt").rename(self.folder / "tls.crt")

    def shown(self, epp):
        return ssl.get_server_certificate(("127.0.0.1", epp.grpc_port))

    def pick_over_tls(self, epp):
        credentials = grpc.ssl_channel_credentials(self.shown(epp).encode())
        options = (("grpc.ssl_target_name_override", "localhost"),)
        with grpc.secure_channel(f"127.0.0.1:{epp.grpc_port}", credentials, options) as channel:
            call = ext_proc.Call(channel)
            call.request(b'{"model":"m","prompt":"hi"}')
            return call.picked()[0]

    def test_engines_are_scraped_as_flags_say(self):
        self.certificate("engine")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "tls.crt", self.folder / "tls.key")
        server = gauges("127.0.0.1", 0.25, 0.5)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        # The names that the flags give are swapped, so it is them that count.
        epp = self.epp([f"127.0.0.1:{server.server_address[1]}"], "--no-secure-serving",
                       "--model-server-metrics-scheme=https", "--enable-pprof", "-v=4", "",
                       "--total-queued-requests-metric=vllm:kv_cache_usage_perc",
                       "--kv-cache-usage-percentage-metric", "vllm:num_requests_waiting",
                       "--refresh-prometheus-metrics-interval=50ms")
        harness.wait_until(lambda: epp.metric("llm_d_epp_average_kv_cache_utilization", name="pool") == 0.25,
                           message="gauges over TLS")
        self.assertEqual(epp.metric("llm_d_epp_average_queue_size", name="pool"), 0.5)
        self.assertIn("accepted, without effect here names=--enable-pprof", epp.log())

    def test_metrics_over_tls(self):
        self.certificate("metrics")

        class TlsEpp(ext_proc.Epp):
            def connect(epp, timeout=60):
                context = ssl.create_default_context(cafile=self.folder / "tls.crt")
                context.load_cert_chain(self.folder / "tls.crt", self.folder / "tls.key")
                return http.client.HTTPSConnection("localhost", epp.port, timeout=timeout, context=context)

        epp = TlsEpp("--endpoints-file", endpoints_file(self.folder, []), "--no-secure-serving",
                     "--metrics-cert-dir", self.folder, "--metrics-client-ca-file", self.folder / "tls.crt",
                     "--tls-min-version=VersionTLS13")
        self.addCleanup(epp.kill)
        self.assertEqual(epp.request("GET", "/metrics").status, 200)
        stranger = ssl.create_default_context(cafile=self.folder / "tls.crt")
        connection = http.client.HTTPSConnection("localhost", epp.port, timeout=10, context=stranger)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            connection.request("GET", "/metrics")
            connection.getresponse()
        connection.close()

    def test_tls(self):
        addresses = self.engines((0, 0))
        self.assertEqual(self.pick_over_tls(self.epp(addresses)), addresses[0])  # self-signed
        self.certificate("first")
        epp = self.epp(addresses, "--cert-path", self.folder, "--enable-cert-reload")
        self.assertEqual(self.pick_over_tls(epp), addresses[0])
        before = self.shown(epp)
        self.certificate("second")
        harness.wait_until(lambda: self.shown(epp) != before, message="the new certificate")
        self.assertEqual(self.pick_over_tls(epp), addresses[0])


if __name__ == "__main__":
    unittest.main()
