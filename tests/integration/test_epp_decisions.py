"""What a request says of its needs, through `nacelle epp`: SLOs, conditional decode, sessions, and its record."""
import base64
import json
import os
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
from test_epp import EppCase

HEAD = "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n"
EVENT = b'data: {"model":"b","choices":[{"text":"x"}]}\n\n'
USAGE = b'data: {"model":"b","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5}}\n\ndata: [DONE]\n\n'


def completion(prompt, model="m", **fields):
    return json.dumps({"model": model, "prompt": prompt, **fields}).encode()


class Decisions(EppCase):
    def start(self, config, *loads, flags=()):
        path = self.folder / "config.yaml"
        path.write_text(HEAD + config)
        self.addresses = self.engines(*loads)
        epp = self.epp(self.addresses, "--no-secure-serving", "--config-file", path, "--allow-experimental-plugins",
                       *flags)
        self.wait_for_metrics(epp, *loads)
        return epp

    def ask(self, epp, body, **headers):
        """The call, and what picked() gives."""
        call = epp.call()
        call.request(body, **headers)
        return call, call.picked()

    def test_a_request_that_wants_a_cached_prompt_only(self):
        epp = self.start("plugins: [{type: prefix-cache-scorer}, {type: max-score-picker}]\n", (0, 0), (0, 0))
        prompt = "a prompt of more than one block " * 20
        _, refusal = self.ask(epp, completion(prompt), prefer="respond-async, if-available")
        self.refused(refusal, 412, "inference error: PreconditionFailed - the prompt is not cached")
        _, (home, headers, _) = self.ask(epp, completion(prompt), prefer="respond-async")
        self.assertEqual(headers["prefer"], "respond-async")
        for _ in range(5):
            _, (destination, _, _) = self.ask(epp, completion(prompt), prefer="if-available")
            self.assertEqual(destination, home)
        _, refusal = self.ask(epp, completion("another " + prompt), prefer="if-available")
        self.refused(refusal, 412)
        self.assertEqual(epp.metric("llm_d_epp_request_error_total", error_code="412"), 2)
        self.assertEqual(epp.metric("llm_d_epp_scheduler_attempts_total", status="failure", target_model_name="m"), 2)

    def test_a_session_stays_by_the_token_of_its_first_answer(self):
        epp = self.start("plugins: [{type: session-affinity-scorer}, {type: max-score-picker}]\n", *[(0, 0)] * 4)
        call, (home, headers, _) = self.ask(epp, completion("hi"), x_session_token="bm90IG9uZQ==")
        self.assertEqual(headers["x-session-token"], "bm90IG9uZQ==")  # the engine may read it
        headers, _ = call.response([b"{}"])
        token = headers["x-session-token"]
        self.assertEqual(base64.b64decode(token).decode(), f"default/e{self.addresses.index(home)}")
        elsewhere = set()
        for _ in range(40):
            self.assertEqual(self.ask(epp, completion("hi"), x_session_token=token)[1][0], home)
            elsewhere.add(self.ask(epp, completion("hi"))[1][0])
        self.assertGreater(len(elsewhere), 1)

    def test_answers_that_end_by_trailers(self):
        epp = self.start("plugins: [{type: active-request-scorer}]\n", (0, 0))
        call, _ = self.ask(epp, completion("hi", model="a", stream=True))
        # The client's model name is in two pieces, and the second one is the last before the trailers.
        cut = EVENT.index(b'"b"') + 1
        call.response([EVENT[:cut]], "text/event-stream", end=False)
        call.send(response_body={"body": EVENT[cut:], "end_of_stream": False})
        call.send(response_trailers={"trailers": {"headers": [{"key": "grpc-status", "value": "0"}]}})
        kinds, body = [], b""
        while "response_trailers" not in kinds:
            reply = call.receive()
            kinds.append(reply.WhichOneof("response"))
            body += reply.response_body.response.body_mutation.streamed_response.body
        self.assertEqual(set(kinds[:-1]), {"response_body"})
        self.assertTrue((EVENT[:cut] + EVENT[cut:]).replace(b'"b"', b'"a"').endswith(body), body)
        # It is over for the picker, though the proxy has not closed the stream.
        self.assertEqual(epp.metric("llm_d_epp_request_running", model_name="a"), 0)
        self.assertEqual(epp.metric("llm_d_epp_inflight_requests", endpoint_name="e0"), 0)
        self.assertEqual(call.close(), grpc.StatusCode.OK)

    def test_latencies_are_learned_and_slos_are_kept_in_mind(self):
        epp = self.start("""
plugins:
- {type: predicted-latency-producer, parameters: {streamingMode: true}}
- {type: latency-scorer}
- {type: latency-slo-admitter}
- {type: max-score-picker}
""", (0, 0.1), (0, 0.1))
        slo = {"x_llm_d_slo_ttft_ms": "0.001", "x_llm_d_slo_tpot_ms": "0.001"}

        def answer():
            call, (_, headers, _) = self.ask(epp, completion("hi", stream=True), **slo)
            self.assertNotIn("x-llm-d-slo-ttft-ms", headers)
            call.response([EVENT, EVENT, USAGE], "text/event-stream")
            self.assertEqual(call.close(), grpc.StatusCode.OK)
            return (epp.metric("llm_d_epp_request_predicted_ttft_seconds_count", target_model_name="m") or 0) > 0

        for _ in range(1000):
            if answer():
                break
        self.assertTrue(answer(), "predictions")
        for kind in ("ttft", "tpot"):
            for name in ("llm_d_epp_request_slo_violation_total", "inference_objective_request_slo_violation_total"):
                harness.wait_until(lambda: epp.metric(name, type=kind) > 0, message=f"{name} of {kind}")
        self.assertGreater(epp.metric("nacelle_router_latency_samples_total"), 30)
        # Sheddable, with an SLO that nobody meets, while nobody is idle; without the SLO it is served.
        held = [self.ask(epp, completion("hi", stream=True)) for _ in range(4)]
        self.assertEqual({picked[0] for _, picked in held}, set(self.addresses))
        _, refusal = self.ask(epp, completion("hi"), x_llm_d_inference_objective="cheap", **slo)
        self.refused(refusal, 500, "request cannot be admitted: no endpoint is predicted to meet the latency objectives")
        _, picked = self.ask(epp, completion("hi"), x_llm_d_inference_objective="cheap")
        self.assertIn(picked[0], self.addresses)

    def test_a_record_is_replayed_and_explained(self):
        record = self.folder / "decisions.jsonl"
        epp = self.start("""
plugins:
- {type: queue-scorer}
- {type: prefix-cache-scorer}
- {type: max-score-picker, parameters: {maxNumOfEndpoints: 2}}
schedulingProfiles:
- name: default
  plugins:
  - {pluginRef: queue-scorer, weight: 2}
  - {pluginRef: prefix-cache-scorer, weight: 3}
  - {pluginRef: max-score-picker}
""", (9, 0), (0, 0), (3, 0), flags=("--record", record))
        secret = "the prompt is nobody's business " * 30
        listed = self.ask(epp, completion(secret))[1][0]
        for _ in range(20):
            self.ask(epp, completion(secret), prefer="if-available", authorization="Bearer hush")
        _, refusal = self.ask(epp, completion("unknown " * 100), prefer="if-available")
        self.refused(refusal, 412)
        self.assertEqual(epp.stop(), 0)
        code, output = harness.run("route", "replay", record, "--explain", 1)
        self.assertEqual(code, 0, output)
        self.assertIn("22 decisions, 0 differ", output)
        self.assertRegex(output, r"decision 1: model 'm', \d+ prompt tokens, priority 0")
        self.assertRegex(output, r"queue-scorer x2 +prefix-cache-scorer x3 +total")
        first, second = listed.split(",")
        self.assertEqual(first, self.addresses[1])
        self.assertRegex(output, rf"{first}.*<- picked")
        self.assertRegex(output, rf"{second}.*<- fallback 1")
        code, output = harness.run("route", "replay", record, "--explain", 22)
        self.assertEqual(code, 0, output)
        self.assertIn("refused: HTTP 412", output)
        other = self.folder / "other.yaml"
        other.write_text(HEAD + "plugins: [{type: queue-scorer}, {type: random-picker}]\n")
        code, output = harness.run("route", "replay", record, "--config", other)
        self.assertEqual(code, 1, output)
        self.assertIn("differs", output)
        text = record.read_text()
        for private in ("nobody's business", "hush"):
            self.assertNotIn(private, text)


if __name__ == "__main__":
    unittest.main()
