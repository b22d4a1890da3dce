"""`nacelle up`: a service of inference.llm-d.ai follows its load, from nothing to three engines and back."""
import http.client
import unittest

import cluster
import harness
import load

PATH = f"{cluster.SCALED_SERVICES}/elastic"
COMPLETIONS = "/default/elastic/v1/completions"

# The annotations and the window stand for minutes; everything else is as a user has it.
ELASTIC = """
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata:
  name: elastic
  namespace: default
  annotations: {nacelle.dev/scale-to-zero-after: 3s, nacelle.dev/scale-down-period: 2s}
spec:
  model: {id: elastic, source: {uri: "file://%s"}}
  engine: {args: ["--kv-cache-memory-bytes", "64M", "--threads", "1", "--max-num-seqs", "2"]}
  replicas: 1
  autoscaling:
    minReplicas: 0
    maxReplicas: 3
    scaleDownStabilizationSeconds: 3
    metrics: [{type: RequestQueue, requestQueue: {targetAverageQueueDepth: 2}}]
"""


class Autoscale(unittest.TestCase):
    def setUp(self):
        self.up = cluster.Cluster(engines=1)
        self.addCleanup(self.up.close)
        self.up.apply(PATH, ELASTIC % harness.DEMO)
        self.up.wait_ready("elastic", services=cluster.SCALED_SERVICES)

    def pods(self):
        return [pod for pod in self.up.pods("app.kubernetes.io/name=elastic")
                if "deletionTimestamp" not in pod["metadata"]]

    def status(self):
        return self.up.get(PATH).get("status") or {}

    def wait_replicas(self, count, steps, timeout=60):
        """Until so many are wanted and ready; `steps` gets each number that was wanted on the way."""
        def reached():
            status = self.status()
            if status.get("desiredReplicas") not in steps[-1:]:
                steps.append(status.get("desiredReplicas"))
            return (status.get("desiredReplicas"), status.get("readyReplicas", 0)) == (count, count)
        harness.wait_until(reached, timeout, message=lambda: f"{count} replicas; wanted so far {steps}: {self.status()}")

    def answers_of_each(self):
        """Requests that each engine has answered, by its own count."""
        counts = {}
        for pod in self.pods():
            engine = http.client.HTTPConnection(pod["status"]["podIP"], 8000, timeout=10)
            engine.request("GET", "/metrics")
            lines = engine.getresponse().read().decode().splitlines()
            engine.close()
            counts[pod["metadata"]["name"]] = sum(
                float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("vllm:request_success_total{"))
        return counts

    def test_the_queue_brings_three_engines_and_silence_none(self):
        self.assertEqual(len(self.pods()), 1)
        up, down = [], []

        many = load.Clients(self.up, COMPLETIONS, "elastic", count=12, tokens=96)
        self.addCleanup(many.stop)
        self.wait_replicas(3, up)
        harness.wait_until(lambda: min(self.answers_of_each().values()) > 0, 60,
                           message=lambda: f"each engine answers: {self.answers_of_each()}")
        self.assertEqual(len(self.answers_of_each()), 3)
        many.stop()

        # One after the other all the while: an engine that goes takes no request with it.
        one = load.Clients(self.up, COMPLETIONS, "elastic", count=1, tokens=8)
        self.addCleanup(one.stop)
        self.wait_replicas(1, down)
        one.stop()
        self.assertEqual(many.failed + one.failed, [])
        self.assertEqual(sorted(up), up, "up only")
        self.assertEqual(down, [3, 2, 1], "one at a time")

        self.wait_replicas(0, down)
        self.assertEqual(self.up.condition(PATH, "ScalingActive")[:2], ("True", "ScaledToZero"))
        harness.wait_until(lambda: len(self.up.engine_pids()) == 1, 60, message="only the other service's engine is left")

        answer = self.up.request("POST", COMPLETIONS, {"model": "elastic", "prompt": "Nacelle is", "max_tokens": 8})
        self.assertEqual(answer.status, 200, answer.data)
        self.assertEqual(answer.json["usage"]["completion_tokens"], 8)
        self.assertEqual(len(self.pods()), 1)


if __name__ == "__main__":
    unittest.main()
