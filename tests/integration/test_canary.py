"""A new revision of a service under `nacelle up`: promoted without a failed request, or rolled back."""
import json
import threading
import unittest

import cluster
import harness

DEMO = f"{cluster.SERVICES}/demo"
DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/demo-kserve"
CANARY = "/apis/apps/v1/namespaces/default/deployments/demo-kserve-canary"
ROUTE = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/demo-kserve-route"
ASK = {"model": "demo", "prompt": "Nacelle is", "max_tokens": 4, "temperature": 0}


# What says that it is well and fails each request.
FAILING = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def do_GET(self):
        self.answer(200)
    def do_POST(self):
        self.answer(500)
http.server.ThreadingHTTPServer((os.environ["POD_IP"], 8000), Handler).serve_forever()
"""


# A service of the other group: its engine has other arguments.
SCALED = f"{cluster.SCALED_SERVICES}/scaled"
SCALED_SERVICE = """
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata:
  name: scaled
  namespace: default
  annotations: {nacelle.dev/canary-steps: "50", nacelle.dev/canary-step-seconds: "2", nacelle.dev/canary-min-requests: "3"}
spec:
  model: {id: scaled, source: {uri: "file://%s"}}
  engine: {args: ["--kv-cache-memory-bytes", "128M", "--threads", "1", %s]}
"""


class Requests(threading.Thread):
    """One request after the other until the block ends; keeps what was no 200."""

    def __init__(self, up, model="demo"):
        super().__init__()
        self.up, self.model, self.ending = up, model, threading.Event()
        self.answers, self.failed = 0, []

    def run(self):
        while not self.ending.is_set():
            try:
                answer = self.up.request("POST", f"/default/{self.model}/v1/completions", {**ASK, "model": self.model})
                if answer.status != 200:
                    self.failed.append((answer.status, answer.data))
            except OSError as error:
                self.failed.append(error)
            self.answers += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.join()


class Canary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.up = cluster.Cluster(engines=1)
        cls.addClassCleanup(cls.up.close)
        cls.up.wait_ready("demo")
        main = cls.up.get(DEMO)["spec"]["template"]["containers"][0]
        cls.args = main["args"]
        cls.patch({"metadata": {"annotations": {"nacelle.dev/canary-steps": "20,50",
                                                "nacelle.dev/canary-step-seconds": "2",
                                                "nacelle.dev/canary-min-requests": "3"}}})

    @classmethod
    def patch(cls, change):
        status, answer = cls.up.api("PATCH", DEMO, change, "application/merge-patch+json")
        assert status == 200, answer

    def revise(self, *more, **container):
        container = {"args": [*self.args, *more], **container}
        self.patch({"spec": {"template": {"containers": [{"name": "main", **container}]}}})

    def wait_for(self, reason):
        """Waits for the reason of CanaryReady; the shares of the route that were seen meanwhile."""
        weights = set()

        def reached():
            route = self.up.get(ROUTE)
            weights.add(tuple(one["weight"] for one in route["spec"]["rules"][0]["backendRefs"]))
            self.assertEqual(self.up.condition(DEMO, "Ready")[0], "True", "ready all the time")
            return (self.up.condition(DEMO, "CanaryReady") or ("", ""))[1] == reason
        harness.wait_until(reached, 50, message=lambda: json.dumps(self.up.get(DEMO)["status"]["conditions"], indent=1))
        return weights

    def stable_args(self):
        return self.up.get(DEPLOYMENT)["spec"]["template"]["spec"]["containers"][0]["args"]

    def wait_gone(self):
        harness.wait_until(lambda: self.up.api("GET", CANARY)[0] == 404, 30, message="the canary is gone")

    def test_1_a_good_revision_is_promoted_and_no_request_fails(self):
        with Requests(self.up) as requests:
            self.revise("--max-model-len", "1024")
            weights = self.wait_for("Promoted")
            self.wait_gone()
        self.assertEqual(requests.failed, [])
        self.assertGreater(requests.answers, 10)
        self.assertIn((80, 20), weights)
        self.assertIn((50, 50), weights)
        self.assertEqual(self.stable_args()[-2:], ["--max-model-len", "1024"])

    def test_2_a_revision_that_cannot_start_is_rolled_back(self):
        before = self.stable_args()
        with Requests(self.up) as requests:
            self.revise("--no-such-flag")
            weights = self.wait_for("RolledBack")
            self.wait_gone()
        self.assertEqual(requests.failed, [])
        self.assertEqual(weights, {(1,)}, "it never got a request")
        self.assertEqual(self.stable_args(), before)
        self.assertIn("exited with code", self.up.condition(DEMO, "CanaryReady")[2])

    def test_3_a_revision_that_fails_its_requests_is_rolled_back(self):
        before = self.stable_args()
        self.patch({"metadata": {"annotations": {"nacelle.dev/canary-step-seconds": "40"}}})
        with Requests(self.up) as requests:
            self.revise(image="python:3", command=["python3"], args=["-c", FAILING],
                        env=[{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}])
            self.wait_for("RolledBack")
            self.wait_gone()
            requests.failed.clear()
            answers = requests.answers
            harness.wait_until(lambda: requests.answers > answers + 10, 30, message="more requests")
        self.assertEqual(requests.failed, [], "the revision before answers")
        self.assertEqual(self.stable_args(), before)
        self.assertIn("requests failed, a rate of ", self.up.condition(DEMO, "CanaryReady")[2])

    def test_4_a_service_of_the_other_group_has_it_too(self):
        self.up.apply(SCALED, SCALED_SERVICE % (harness.DEMO, '"--max-model-len", "2048"'))
        self.up.wait_ready("scaled", services=cluster.SCALED_SERVICES)
        deployment = DEPLOYMENT.replace("demo", "scaled")
        args = lambda: self.up.get(deployment)["spec"]["template"]["spec"]["containers"][0]["args"]
        reason = lambda: (self.up.condition(SCALED, "CanaryReady") or ("", ""))[1]
        with Requests(self.up, "scaled") as requests:
            for more, end in (('"--max-model-len", "1024"', "Promoted"), ('"--no-such-flag"', "RolledBack")):
                self.up.apply(SCALED, SCALED_SERVICE % (harness.DEMO, more))
                harness.wait_until(lambda: reason() == "Progressing", 30, message=reason)
                harness.wait_until(lambda: reason() == end, 60,
                                   message=lambda: json.dumps(self.up.get(SCALED)["status"]["conditions"], indent=1))
                self.assertEqual(self.up.condition(SCALED, "Ready")[0], "True")
                self.assertEqual(args()[-2:], ["--max-model-len", "1024"], "the last revision that was good")
        self.assertEqual(requests.failed, [])
        self.assertGreater(requests.answers, 10)


if __name__ == "__main__":
    unittest.main()
