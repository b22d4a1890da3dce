"""KServe's worked examples on one `nacelle up`, in their namespace `team`, with the demo model: they serve, and stop."""
import http.client
import pathlib
import shutil
import tempfile
import unittest
import urllib.parse

import cluster
import harness

TEAM = "/apis/serving.kserve.io/v1alpha2/namespaces/team/llminferenceservices"
APPS = "/apis/apps/v1/namespaces/team/deployments"
ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/team/httproutes"
POOLS = "/apis/inference.networking.k8s.io/v1/namespaces/team/inferencepools"
SMALL = """
  template:
    containers:
    - name: main
      args: ["--kv-cache-memory-bytes", "64M", "--threads", "1"]
      lifecycle: {preStop: {sleep: {seconds: 1}}}
"""


def service(name, spec, model="tiny", uri=f"file://{harness.DEMO}"):
    return f"""
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {{name: {name}, namespace: team}}
spec:
  model: {{uri: "{uri}", name: {model}}}
{spec}{SMALL}"""


def volume(name, folder):
    """A volume that is a folder, and the claim for it."""
    return f"""
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {name}}}
spec:
  capacity: {{storage: 1Gi}}
  accessModes: [ReadOnlyMany]
  storageClassName: ""
  hostPath: {{path: "{folder}"}}
""", f"""
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}, namespace: team}}
spec: {{accessModes: [ReadOnlyMany], storageClassName: "", volumeName: {name}, resources: {{requests: {{storage: 1Gi}}}}}}
"""


class KserveExamples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="nacelle-volumes-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.up = cluster.Cluster(engines=1)
        cls.addClassCleanup(cls.up.close)
        cls.up.apply("/api/v1/namespaces/team", "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n")

    def apply(self, name, *args, **kwargs):
        self.up.apply(f"{TEAM}/{name}", service(name, *args, **kwargs))
        self.addCleanup(self.up.api, "DELETE", f"{TEAM}/{name}")

    def wait_ready(self, *names):
        for name in names:
            self.up.wait_ready(name, 120, services=TEAM)

    def conditions(self, name):
        listed = (self.up.get(f"{TEAM}/{name}").get("status") or {}).get("conditions") or []
        return {one["type"]: one["status"] for one in listed}

    def names_of(self, path):
        return sorted(one["metadata"]["name"] for one in self.up.get(path)["items"])

    def pods_of(self, name):
        selector = urllib.parse.quote(f"app.kubernetes.io/name={name}")
        return self.up.get(f"/api/v1/namespaces/team/pods?labelSelector={selector}")["items"]

    def complete(self, path, model, port=None, host=None):
        connection = http.client.HTTPConnection(host or "127.0.0.1", port or self.up.port, timeout=60)
        body = {"model": model, "prompt": "Nacelle is", "max_tokens": 4, "temperature": 0}
        answer = harness.request_on(connection, "POST", path + "/v1/completions", body)
        self.assertEqual(answer.status, 200, answer.data)
        self.assertEqual(answer.json["model"], model)
        return answer

    def answers_of(self, name):
        """How many requests its engines have answered, by their own count."""
        total = 0
        for pod in self.pods_of(name):
            engine = http.client.HTTPConnection(pod["status"]["podIP"], 8000, timeout=10)
            lines = harness.request_on(engine, "GET", "/metrics").data.decode().splitlines()
            total += sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("vllm:request_success_total{"))
        return total

    def test_e2_without_a_scheduler_the_route_goes_to_the_service(self):
        self.apply("plain", "  replicas: 2\n  router: {route: {}, gateway: {}}")
        self.wait_ready("plain")
        self.assertTrue({"InferencePoolReady", "SchedulerWorkloadReady"}.isdisjoint(self.conditions("plain")))
        self.assertNotIn("plain-inference-pool", self.names_of(POOLS))
        backends = [backend for rule in self.up.get(f"{ROUTES}/plain-kserve-route")["spec"]["rules"]
                    for backend in rule["backendRefs"]]
        self.assertEqual({(one.get("kind", "Service"), one["name"], one["port"]) for one in backends},
                         {("Service", "plain-kserve-workload-svc", 8000)})
        before = self.answers_of("plain")
        for path in ("/team/plain", "/publishers/team/models/tiny"):
            for _ in range(4):
                self.complete(path, "tiny")
        self.assertEqual(self.answers_of("plain") - before, 8)

    def test_e2_without_a_router_there_is_a_service_and_one_address(self):
        self.apply("inside", "  replicas: 1")
        self.wait_ready("inside")
        status = self.up.get(f"{TEAM}/inside")["status"]
        self.assertNotIn("url", status)
        host = "inside-kserve-workload-svc.team.svc.cluster.local"
        address, = status["addresses"]
        self.assertEqual(address["url"], f"http://{host}:8000")
        self.assertNotIn("inside-kserve-route", self.names_of(ROUTES))
        self.assertEqual(self.conditions("inside")["RouterReady"], "True")
        found = self.up.get("/api/v1/namespaces/team/services/inside-kserve-workload-svc")["spec"]["clusterIP"]
        self.complete("", "tiny", host=found, port=8000)

    def test_e6_a_model_and_an_adapter_from_claims(self):
        for name, inner in (("models", "base"), ("adapters", "sql-v3")):
            folder = pathlib.Path(self.folder) / name
            shutil.copytree(harness.DEMO, folder / inner)
            one, claim = volume(name, folder)
            self.up.apply(f"/api/v1/persistentvolumes/{name}", one)
            self.up.apply(f"/api/v1/namespaces/team/persistentvolumeclaims/{name}", claim)
        self.up.apply(f"{TEAM}/lora", """
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: lora, namespace: team}
spec:
  model:
    uri: "pvc://models/base"
    name: base
    lora: {maxRank: 16, adapters: [{name: sql, uri: "pvc://adapters/sql-v3"}]}
  router: {route: {}, gateway: {}, scheduler: {}}
  template: {containers: [{name: main, lifecycle: {preStop: {sleep: {seconds: 1}}}}]}
""")
        self.addCleanup(self.up.api, "DELETE", f"{TEAM}/lora")
        self.wait_ready("lora")
        self.complete("/team/lora", "base")
        pod, = self.pods_of("lora")
        main = next(one for one in pod["spec"]["containers"] if one["name"] == "main")
        mounts = {one["mountPath"]: one.get("subPath") for one in main["volumeMounts"]}
        self.assertEqual((mounts["/mnt/models"], mounts["/mnt/lora/sql"]), ("base", "sql-v3"))
        listed = {model["name"] for address in self.up.get(f"{TEAM}/lora")["status"]["addresses"] for model in address["models"]}
        self.assertEqual(listed, {"base", "sql", "publishers/team/models/base", "publishers/team/models/sql"})
        # Our engine takes the flags of adapters and has none.
        answer = self.up.request("POST", "/team/lora/v1/completions", {"model": "sql", "prompt": "a", "max_tokens": 1})
        self.assertEqual(answer.status, 404, answer.data)

    def test_e7_an_autoscaler_of_the_cluster_has_the_replicas(self):
        self.apply("scaled", "  scaling: {minReplicas: 1, maxReplicas: 3, wva: {hpa: {}}}\n"
                             "  router: {route: {}, gateway: {}, scheduler: {}}", model="scaled-model")
        autoscaler = "/apis/autoscaling/v2/namespaces/team/horizontalpodautoscalers/scaled-kserve-hpa"
        harness.wait_until(lambda: self.conditions("scaled").get("MainWorkloadReady") == "True", 60,
                           message=lambda: str(self.conditions("scaled")))
        self.complete("/team/scaled", "scaled-model")
        spec = self.up.get(autoscaler)["spec"]
        self.assertEqual((spec["minReplicas"], spec["maxReplicas"], spec["scaleTargetRef"]["name"]), (1, 3, "scaled-kserve"))
        self.assertEqual(spec["metrics"][0]["external"]["metric"]["name"], "wva_desired_replicas")
        # Nobody serves that metric here, as on a cluster without its exporter: the condition says so.
        harness.wait_until(lambda: (self.up.condition(f"{TEAM}/scaled", "ScalingReady") or ("",))[0] == "False", 60,
                           message=lambda: str(self.conditions("scaled")))
        self.assertIn("external metrics", self.up.condition(f"{TEAM}/scaled", "ScalingReady")[2])
        # The autoscaler's count is not the service's to change.
        self.up.api("PATCH", f"{APPS}/scaled-kserve/scale", {"spec": {"replicas": 2}}, "application/merge-patch+json")
        harness.wait_until(lambda: len(self.pods_of("scaled")) == 2, 30, message="two pods")
        self.up.api("PATCH", f"{TEAM}/scaled", {"metadata": {"labels": {"looked": "at"}}}, "application/merge-patch+json")
        harness.wait_until(lambda: (self.up.get(f"{APPS}/scaled-kserve").get("status") or {}).get("readyReplicas") == 2, 60,
                           message="both serve")
        self.assertEqual(self.up.get(f"{APPS}/scaled-kserve")["spec"]["replicas"], 2)

    def test_e8_two_services_share_a_model_by_weight_and_e9_one_stops(self):
        for name, weight in (("chat", 90), ("chat-v2", 10)):
            self.apply(name, f"  replicas: 1\n  router: {{route: {{group: g, weight: {weight}}}, gateway: {{}}, scheduler: {{}}}}",
                       model="shared-model")
        self.wait_ready("chat", "chat-v2")
        backends = {"chat-inference-pool": 90, "chat-v2-inference-pool": 10}

        def shared():
            return any({one["name"]: one.get("weight") for one in rule["backendRefs"]} == backends
                       for rule in self.up.get(f"{ROUTES}/chat-kserve-route")["spec"]["rules"])
        harness.wait_until(shared, 60, message=lambda: str(self.up.get(f"{ROUTES}/chat-kserve-route")["spec"]))
        self.assertEqual([self.conditions(name).get("GroupReady") for name in ("chat", "chat-v2")], ["True", "True"])
        # Only the weights decide: 300 draws of one in ten lie within 8 and 60, but for one in a million.
        counted = self.count(lambda: self.complete("/publishers/team/models/shared-model", "shared-model"), 300)
        self.assertEqual(sum(counted.values()), 300)
        self.assertTrue(8 <= counted["chat-v2"] <= 60, counted)
        # Each one's own path is its own.
        self.assertEqual(self.count(lambda: self.complete("/team/chat-v2", "shared-model"), 10), {"chat": 0, "chat-v2": 10})

        self.stop("chat-v2", "true")
        harness.wait_until(lambda: self.up.condition(f"{TEAM}/chat-v2", "Ready")[:2] == ("False", "Stopped"), 30,
                           message=lambda: str(self.up.get(f"{TEAM}/chat-v2")["status"]))
        harness.wait_until(lambda: not self.pods_of("chat-v2"), 60, message="its pods are gone")
        for path in (APPS, ROUTES, POOLS, "/api/v1/namespaces/team/services"):
            self.assertFalse([name for name in self.names_of(path) if name.startswith("chat-v2-")], path)
        self.assertEqual(self.count(lambda: self.complete("/publishers/team/models/shared-model", "shared-model"), 50),
                         {"chat": 50, "chat-v2": 0})
        self.assertEqual(self.up.request("GET", "/team/chat-v2/v1/models").status, 404)
        self.stop("chat-v2", None)
        self.wait_ready("chat-v2")
        self.complete("/team/chat-v2", "shared-model")

    def stop(self, name, value):
        status, answer = self.up.api("PATCH", f"{TEAM}/{name}", {"metadata": {"annotations": {
            "serving.kserve.io/stop": value}}}, "application/merge-patch+json")
        self.assertEqual(status, 200, answer)

    def count(self, ask, times):
        """How many of the answers came from each of the two."""
        before = {name: self.answers_of(name) for name in ("chat", "chat-v2")}
        for _ in range(times):
            ask()
        return {name: int(self.answers_of(name) - before[name]) for name in before}


if __name__ == "__main__":
    unittest.main()
