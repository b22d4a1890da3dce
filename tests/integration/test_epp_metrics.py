"""What a scrape of `nacelle epp` shows: every family that is promised, under both names, with its labels and buckets."""
import json
import os
import re
import sys
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
from epp_metric_names import ROWS, families
from test_epp import EppCase

CONFIG = """
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
featureGates: [flowControl]
plugins:
- {{type: approx-prefix-cache-producer}}
- {{type: token-producer, parameters: {{modelPath: "{model}"}}}}
- {{type: precise-prefix-cache-producer, parameters: {{kvEventsConfig: {{zmqEndpoint: "tcp://127.0.0.1:{port}"}}}}}}
- {{type: prefix-cache-scorer}}
- {{name: precise, type: prefix-cache-scorer, parameters: {{prefixMatchInfoProducerName: precise-prefix-cache-producer}}}}
- {{type: predicted-latency-producer, parameters: {{streamingMode: true}}}}
- {{type: latency-scorer}}
- {{type: always-disagg-pd-decider}}
- {{type: disagg-profile-handler, parameters: {{deciders: {{prefill: always-disagg-pd-decider}}}}}}
- {{type: max-score-picker}}
- {{type: concurrency-detector, parameters: {{maxConcurrency: 1}}}}
- {{type: program-aware-fairness}}
schedulingProfiles:
- {{name: prefill, plugins: [{{pluginRef: prefix-cache-scorer}}, {{pluginRef: max-score-picker}}]}}
- name: decode
  plugins: [{{pluginRef: prefix-cache-scorer}}, {{pluginRef: precise}}, {{pluginRef: latency-scorer}}, {{pluginRef: max-score-picker}}]
flowControl:
  saturationDetector: {{pluginRef: concurrency-detector}}
  enableEviction: true
  maxRequests: 100
  maxBytes: 1G
  defaultPriorityBand: {{fairnessPolicyRef: program-aware-fairness}}
"""
EVENT = b'data: {"model":"b","choices":[{"text":"x"}]}\n\n'
USAGE = b'data: {"usage":{"prompt_tokens":7,"completion_tokens":5}}\n\ndata: [DONE]\n\n'


def scraped(text):
    """name -> [type, labels seen, buckets seen]"""
    out = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            out[name] = [kind, set(), []]
        if line.startswith("#") or not line:
            continue
        name, labels = re.match(r"([\w:]+)(?:\{(.*)\})? ", line).groups()
        pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
        family = next(f for f in (name, re.sub("_(bucket|sum|count)$", "", name)) if f in out)
        bound = pairs.pop("le", None)
        out[family][1] |= set(pairs)
        if bound and bound != "+Inf" and float(bound) not in out[family][2]:
            out[family][2].append(float(bound))
    return out


class EppMetrics(EppCase):
    BODY = json.dumps({"model": "a", "prompt": "a prompt of several blocks " * 40, "stream": True}).encode()

    def start(self):
        config = self.folder / "config.yaml"
        config.write_text(CONFIG.format(model=harness.DEMO, port=harness.free_port()))
        epp = self.epp(self.engines((0, 0.5)), "--no-secure-serving", "--config-file", config,
                       "--allow-experimental-plugins", "--refresh-prometheus-metrics-interval=50ms")
        self.wait_for_metrics(epp, (0, 0.5))
        return epp

    def ask(self, epp, **headers):
        call = epp.call()
        call.request(self.BODY, x_llm_d_slo_ttft_ms="0.001", x_llm_d_slo_tpot_ms="0.001", **headers)
        return call

    def serve(self, epp, **headers):
        call = self.ask(epp, **headers)
        picked = call.picked()
        self.assertIsInstance(picked, tuple, picked)
        call.response([EVENT, EVENT, EVENT, USAGE], "text/event-stream")
        self.assertEqual(call.close(), grpc.StatusCode.OK)

    def test_every_family_under_both_names(self):
        epp = self.start()
        predicted = "llm_d_epp_request_predicted_ttft_seconds_count"
        for _ in range(1000):
            self.serve(epp)
            if epp.metric(predicted):
                break
        call = epp.call()
        call.request(b"{")
        self.refused(call.picked(), 400, "error unmarshaling")
        # A running request gives way, so that revocations exist.
        cheap = self.ask(epp, x_llm_d_inference_objective="cheap")
        cheap.picked()
        self.serve(epp, x_llm_d_inference_objective="gold")
        self.refused(cheap.receive().immediate_response, 429, "evicted", "evicted")
        harness.wait_until(lambda: epp.metric("llm_d_epp_flow_control_revocations_total"), message="revocations")
        harness.wait_until(lambda: epp.metric("llm_d_epp_program_aware_jains_fairness_index") is not None,
                           message="programs")
        seen = scraped(epp.request("GET", "/metrics").data.decode())
        problems = []
        for name, (kind, labels, buckets) in families().items():
            if name not in seen:
                problems.append(f"{name} is missing")
                continue
            got = seen[name]
            if got[0] != kind:
                problems.append(f"{name} is a {got[0]}, wanted a {kind}")
            if got[1] != labels:
                problems.append(f"{name} has the labels {sorted(got[1])}, wanted {sorted(labels)}")
            if buckets and got[2] != buckets:
                problems.append(f"{name} has the buckets {got[2]}, wanted {buckets}")
        self.assertEqual(problems, [])

    def test_the_page_on_metrics_names_them_all(self):
        page = (harness.SOURCE / "docs" / "metrics.md").read_text()
        self.assertEqual([row[0] for row in ROWS if not self.named(page, row[0])], [])

    @staticmethod
    def named(page, name):
        """As it is, or by the end that follows a shared beginning: `x_requests, _bytes`."""
        return name in page or any(name.endswith(end) and name[:-len(end)] in page
                                   for end in re.findall(r"(?<=[ ,])_\w+", page))

    def test_values(self):
        epp = self.start()
        self.serve(epp, x_llm_d_inference_fairness_id="t")
        self.serve(epp, x_llm_d_inference_fairness_id="t")
        labels = {"model_name": "a", "target_model_name": "b", "fairness_id": "t"}

        def value(name, /, **more):
            return epp.metric(f"llm_d_epp_{name}", **more)

        harness.wait_until(lambda: value("request_ntpot_seconds_count", **labels) == 2, message="two answers")
        self.assertEqual(value("request_streaming_tpot_seconds_count", **labels), 2)
        self.assertEqual(value("request_streaming_itl_seconds_count", **labels), 6)  # three gaps each
        self.assertEqual(value("request_processing_duration_seconds_count"), 2)
        self.assertEqual(value("response_processing_duration_seconds_count"), 2)
        self.assertEqual(value("scheduler_attempts_total", status="success", endpoint_name="e0", namespace="default",
                               target_model_name="b"), 2)
        self.assertEqual(epp.metric("inference_extension_scheduler_attempts_total", pod_name="e0", status="success"), 2)
        self.assertEqual(value("disagg_decision_total", decision_type="prefill-decode",
                               plugin_type="disagg-profile-handler", model_name="a"), 2)
        # The second prompt was the first one's: all but its last, partial block counts.
        self.assertEqual(value("prefix_indexer_hit_ratio_count", plugin_type="approx-prefix-cache-producer"), 2)
        self.assertEqual(value("prefix_indexer_hit_ratio_sum", plugin_type="approx-prefix-cache-producer"), 1)
        self.assertGreaterEqual(value("prefix_indexer_size", plugin_type="approx-prefix-cache-producer"), 4)
        for point in ("Filter", "Scorer", "Picker", "ProfilePicker", "ProcessProfilesResults", "DataProducer", "PreRequest"):
            self.assertGreaterEqual(value("plugin_duration_seconds_count", extension_point=point) or 0, 1, point)
        self.assertEqual(value("per_endpoint_queue_size", name="pool", model_server_endpoint="e0"), 0)
        self.assertEqual(epp.metric("inference_pool_per_pod_queue_size", model_server_pod="e0"), 0)
        harness.wait_until(lambda: value("extproc_stream_duration_seconds_count") == 2, message="streams")
        self.assertEqual(value("inflight_requests", endpoint_name="e0", fairness_id="t"), 0)
        held = self.ask(epp, x_llm_d_inference_fairness_id="t")
        held.picked()
        self.assertEqual(value("inflight_requests", endpoint_name="e0", fairness_id="t"), 1)
        held.stream.cancel()
        harness.wait_until(lambda: value("inflight_requests", endpoint_name="e0", fairness_id="t") == 0, message="idle")
        self.assertEqual(value("inflight_tokens", endpoint_name="e0", fairness_id="t"), 0)

    def test_deviations_and_errors_of_scrapes(self):
        away = f"127.0.0.1:{harness.free_port()}"
        epp = self.epp([*self.engines((2, 0.2), (8, 0.6)), away], "--no-secure-serving",
                       "--refresh-prometheus-metrics-interval=50ms")
        for name, wanted in (("average_queue_size", 5), ("std_dev_queue_size", 3), ("average_kv_cache_utilization", 0.4),
                             ("std_dev_kv_cache_utilization", 0.2), ("ready_endpoints", 2)):
            harness.wait_until(lambda: abs((epp.metric(f"llm_d_epp_{name}", name="pool") or -1) - wanted) < 1e-9,
                               message=name)
        self.assertEqual(epp.metric("llm_d_epp_per_endpoint_queue_size", model_server_endpoint="e1"), 8)
        harness.wait_until(lambda: epp.metric("llm_d_epp_datalayer_poll_errors_total", source_type="metrics-data-source"),
                           message="an engine that is away")
        self.assertEqual(epp.metric("llm_d_epp_datalayer_extract_errors_total"), 0)


if __name__ == "__main__":
    unittest.main()
