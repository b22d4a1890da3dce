"""`nacelle up` as a cluster: objects become engines that serve, and stay through faults."""
import json
import os
import pathlib
import signal
import unittest

import cluster
import harness

CHAT = {"messages": [{"role": "user", "content": "Hello! What is Nacelle?"}], "temperature": 0, "max_tokens": 32}

SECOND = """
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: second, namespace: default}
spec:
  model: {uri: "file://%s", name: second}
  replicas: 1
  template:
    containers: [{name: main, args: ["--kv-cache-memory-bytes", "128M", "--threads", "1"]}]
  router: {gateway: {}, route: {}, scheduler: {}}
"""


class UpCluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.up = cluster.Cluster()

    @classmethod
    def tearDownClass(cls):
        cls.up.close()

    def test_the_first_start_serves_the_model_with_two_replicas(self):
        self.up.wait_ready("demo")
        self.assertIn("Nacelle", self.up.chat("What is Nacelle?")["choices"][0]["message"]["content"])
        pods = [p for p in self.up.pods() if p["metadata"]["name"].startswith("demo-")]
        self.assertEqual([p["status"]["phase"] for p in pods], ["Running"] * 2)
        self.assertEqual(len({p["status"]["podIP"] for p in pods}), 2)
        self.assertEqual(len(self.up.engine_pids()), 2)

    def test_a_second_service_is_served_under_its_path_and_goes(self):
        self.up.apply(f"{cluster.SERVICES}/second", SECOND % harness.DEMO)
        self.up.wait_ready("second")
        answer = self.up.request("POST", "/default/second/v1/chat/completions", {**CHAT, "model": "second"})
        self.assertEqual(answer.status, 200, answer.data)
        self.assertIn("Nacelle", answer.json["choices"][0]["message"]["content"])
        self.assertEqual(self.up.api("DELETE", f"{cluster.SERVICES}/second")[0], 200)
        harness.wait_until(lambda: all("second" not in p["metadata"]["name"] for p in self.up.pods()), 60,
                           message="its pods are gone")
        self.assertEqual(self.up.request("GET", "/default/second/v1/models").status, 404)

    def test_an_engine_killed_with_9_comes_back_and_nobody_notices(self):
        self.up.wait_ready("demo")
        pids = self.up.engine_pids()
        os.kill(pids[0], signal.SIGKILL)
        for _ in range(10):
            self.assertIn("Nacelle", self.up.chat("What is Nacelle?")["choices"][0]["message"]["content"])
        harness.wait_until(lambda: len(self.up.engine_pids()) == 2 and pids[0] not in self.up.engine_pids(), 60,
                           message="a new engine")

    def test_a_service_that_cannot_run_says_why(self):
        self.up.apply(f"{cluster.SERVICES}/broken", """
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: broken, namespace: default}
spec:
  model: {uri: "file:///nowhere/at/all", name: broken}
  router: {gateway: {}, route: {}, scheduler: {}}
""")
        harness.wait_until(lambda: "/nowhere/at/all" in str(self.up.get(f"{cluster.SERVICES}/broken").get("status")),
                           60, message=lambda: str(self.up.get(f"{cluster.SERVICES}/broken").get("status")))
        self.assertEqual(self.up.api("DELETE", f"{cluster.SERVICES}/broken")[0], 200)


SCALED = """
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: scaled, namespace: default}
spec:
  model: {id: demo, source: {uri: "file://%s"}}
  engine: {type: vllm, args: ["--kv-cache-memory-bytes", "128M", "--threads", "1"]}
  replicas: 0
  autoscaling:
    enabled: true
    minReplicas: 0
    maxReplicas: 2
    metrics: [{type: RequestQueue, requestQueue: {targetAverageQueueDepth: 5}}]
"""


class UpNodes(unittest.TestCase):
    def setUp(self):
        self.up = cluster.Cluster("--nodes", 2)
        self.addCleanup(self.up.close)
        self.up.wait_ready("demo")

    def nodes_of_pods(self):
        return {p["spec"]["nodeName"] for p in self.up.pods() if (p.get("status") or {}).get("phase") == "Running"
                and "deletionTimestamp" not in p["metadata"]}

    def test_a_lost_node_costs_no_request_and_its_pods_move(self):
        self.assertEqual(self.nodes_of_pods(), {"node-1", "node-2"})
        code, output = harness.run("node", "stop", "node-2", "--data-dir", self.up.data_dir)
        self.assertEqual(code, 0, output)

        def moved():
            self.assertIn("Nacelle", self.up.chat("What is Nacelle?")["choices"][0]["message"]["content"])
            return self.nodes_of_pods() == {"node-1"} and self.up.condition(
                f"{cluster.SERVICES}/demo", "Ready")[0] == "True"
        harness.wait_until(moved, 90, message=lambda: str([(p["metadata"]["name"], p["spec"].get("nodeName"),
                                                           p["status"].get("phase")) for p in self.up.pods()]))
        code, output = harness.run("node", "start", "node-2", "--data-dir", self.up.data_dir)
        self.assertEqual(code, 0, output)
        harness.wait_until(lambda: "NotReady" not in harness.run("node", "list", "--data-dir", self.up.data_dir)[1],
                           60, message="the node is back")

    def test_a_service_at_zero_wakes_for_the_first_request(self):
        path = "/apis/inference.llm-d.ai/v1alpha1/namespaces/default/llminferenceservices/scaled"
        self.up.apply(path, SCALED % harness.DEMO)
        deployment = "/apis/apps/v1/namespaces/default/deployments/scaled-kserve"
        harness.wait_until(lambda: self.up.api("GET", deployment)[0] == 200, 30, message="its Deployment")
        self.assertEqual(self.up.get(deployment)["spec"]["replicas"], 0)
        harness.wait_until(lambda: self.up.request("GET", "/default/scaled/v1/models").status == 503, 30,
                           message="its route")
        answer = self.up.request("POST", "/default/scaled/v1/chat/completions", {**CHAT, "model": "demo"})
        self.assertEqual(answer.status, 200, answer.data)
        self.assertIn("Nacelle", answer.json["choices"][0]["message"]["content"])
        self.assertEqual(self.up.get(deployment)["spec"]["replicas"], 1)


LARGE = """
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: large, namespace: default}
spec:
  model: {id: "%s"}
  engine: {args: ["--max-model-len=%s"]}
  resources: {limits: {nvidia.com/gpu: 1}}
  replicas: 1
"""


class UpDevices(unittest.TestCase):
    """Devices by word of mouth, and a model of which only the sizes are there."""

    def setUp(self):
        self.up = cluster.Cluster("--devices", "nvidia.com/gpu=1:80Gi", engines=1)
        self.addCleanup(self.up.close)
        self.model = pathlib.Path(self.up.data_dir) / "llama-70b"
        self.model.mkdir()
        (self.model / "config.json").write_text(json.dumps({
            "model_type": "llama", "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8,
            "hidden_size": 8192, "max_position_embeddings": 131072}))
        with open(self.model / "model.safetensors", "wb") as weights:
            weights.truncate(35 * 10**9)

    def test_what_fits_nowhere_gets_no_pods_until_it_fits(self):
        code, output = harness.run("node", "list", "--data-dir", self.up.data_dir)
        self.assertEqual(code, 0, output)
        self.assertIn("nvidia.com/gpu=1", output)
        path = "/apis/inference.llm-d.ai/v1alpha1/namespaces/default/llminferenceservices/large"
        self.up.apply(path, LARGE % (self.model, "128K"))
        harness.wait_until(lambda: (self.up.condition(path, "Ready") or ("", ""))[1] == "InsufficientVRAM", 30,
                           message=lambda: str(self.up.get(path).get("status")))
        message = self.up.condition(path, "VRAMValidated")[2]
        self.assertIn("5.55 GiB too much: large 77.55 (weights 32.60, KV minimum 40.00,", message)
        self.assertFalse([p for p in self.up.pods() if p["metadata"]["name"].startswith("large-")])
        self.up.apply(path, LARGE % (self.model, "8K"))
        harness.wait_until(lambda: self.up.condition(path, "VRAMValidated")[0] == "True", 30,
                           message=lambda: str(self.up.get(path).get("status")))
        harness.wait_until(lambda: [p for p in self.up.pods() if p["metadata"]["name"].startswith("large-")], 30,
                           message="its pod")
        self.assertEqual(self.up.api("DELETE", path)[0], 200)


class Examples(unittest.TestCase):
    def test_every_example_applies_and_serves(self):
        up = cluster.Cluster(engines=1)
        self.addCleanup(up.close)
        for path in sorted((harness.SOURCE / "examples" / "cluster").glob("*.yaml")):
            file = pathlib.Path(up.data_dir) / path.name
            file.write_text(path.read_text().replace("/opt/models/demo", str(harness.DEMO)))
            code, output = harness.run("apply", "-f", file, "--data-dir", up.data_dir)
            self.assertEqual(code, 0, output)
        for name in ("chat", "shared"):
            up.wait_ready(name, 120)
            self.assertEqual(up.request("GET", f"/default/{name}/v1/models").status, 200)
        harness.wait_until(lambda: up.request("GET", "/engine/v1/models").status == 200, 60, message="the Deployment")
        answer = up.request("POST", "/default/elastic/v1/completions",
                            {"model": "elastic", "prompt": "Nacelle is", "max_tokens": 4})
        self.assertEqual(answer.status, 200, answer.data)
        harness.wait_until(lambda: (up.get("/apis/batch/v1/namespaces/default/jobs/pieces").get("status") or {})
                           .get("succeeded") == 4, 60, message="the Job")
        code, output = harness.run("get", "llmisvc,pods", "--data-dir", up.data_dir)
        self.assertEqual(code, 0, output)
        self.assertIn("chat", output)


class UpLife(unittest.TestCase):
    def test_kill_9_leaves_engines_that_the_next_start_takes_up(self):
        up = cluster.Cluster(engines=1)
        try:
            up.wait_ready("demo")
            pids = up.engine_pids()
            uid = up.pods()[0]["metadata"]["uid"]
            up.kill()
            self.assertEqual(up.engine_pids(), pids)
            up.start_again()
            up.wait_ready("demo")
            self.assertIn("Nacelle", up.chat("What is Nacelle?")["choices"][0]["message"]["content"])
            self.assertEqual([p["metadata"]["uid"] for p in up.pods()], [uid])
            self.assertEqual(up.engine_pids(), pids)
        finally:
            up.close()

    def test_sigterm_ends_everything_and_the_next_start_has_the_objects(self):
        up = cluster.Cluster(engines=1)
        try:
            up.wait_ready("demo")
            self.assertEqual(up.stop(timeout=60), 0)
            self.assertEqual(up.engine_pids(), [])
            up.start_again()
            up.wait_ready("demo")
            self.assertEqual(len(up.pods()), 1)  # the ended one is gone
            self.assertIn("Nacelle", up.chat("What is Nacelle?")["choices"][0]["message"]["content"])
        finally:
            up.close()

    def test_a_folder_in_use_is_said_at_once(self):
        up = cluster.Cluster(engines=1)
        try:
            code, output = harness.run("up", harness.DEMO, "--data-dir", up.data_dir, "--port", harness.free_port(),
                                       "--admin-port", harness.free_port(), "--api-port", harness.free_port())
            self.assertEqual(code, 1, output)
            self.assertIn(up.data_dir, output)
            self.assertTrue(up.alive())
        finally:
            up.close()


if __name__ == "__main__":
    unittest.main()
