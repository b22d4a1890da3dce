"""`nacelle up` as a cluster: objects become engines that serve, and stay through faults."""
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import signal
import socket
import threading
import unittest

import cluster
import harness
import load

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

CROWDED = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: crowded, namespace: default}
spec:
  gatewayClassName: nacelle
  listeners:
  - {name: free, port: %d, protocol: HTTP}
  - {name: taken, port: %d, protocol: HTTP}
"""
CROWDED_ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: crowded, namespace: default}
spec:
  parentRefs: [{name: crowded}]
  rules:
  - matches: [{path: {value: /crowded}}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]
    backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: demo-inference-pool}]
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

    def test_the_api_is_on_loopback_unless_told_otherwise(self):
        self.assertEqual(self.up.credentials()[0], f"https://127.0.0.1:{self.up.api_port}")
        self.assertEqual(cluster.listening_at(self.up.api_port), {"127.0.0.1"})

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

    def test_a_port_that_is_taken_keeps_only_its_listener_out(self):
        group = "/apis/gateway.networking.k8s.io/v1/namespaces/default"
        free, taken = harness.free_port(), harness.free_port()
        with socket.create_server(("127.0.0.1", taken)):
            self.up.apply(f"{group}/gateways/crowded", CROWDED % (free, taken))
            programmed = lambda: {one["name"]: self.condition_of(one, "Programmed") for one in
                                  (self.up.get(f"{group}/gateways/crowded").get("status") or {}).get("listeners") or []}
            harness.wait_until(lambda: programmed().get("taken", ("",))[0] == "False", 30, message=lambda: str(programmed()))
            self.assertEqual(programmed()["free"][:2], ("True", "Programmed"))
            self.assertEqual(programmed()["taken"][1], "PortUnavailable")
            self.assertIn(f"port {taken} is already in use", programmed()["taken"][2])
            self.assertEqual(self.up.condition(f"{group}/gateways/crowded", "Programmed")[0], "True")
            # What is newer is served.
            self.up.apply(f"{group}/httproutes/crowded", CROWDED_ROUTE)
            harness.wait_until(lambda: harness.request(free, "GET", "/crowded/v1/models").status == 200, 30)
            self.assertIn(f"127.0.0.1:{taken}", self.up.admin("/config"))
        harness.wait_until(lambda: programmed()["taken"][0] == "True", 60, message=lambda: str(programmed()))
        self.assertEqual(harness.request(taken, "GET", "/crowded/v1/models").status, 200)
        for kind in ("httproutes", "gateways"):
            self.assertEqual(self.up.api("DELETE", f"{group}/{kind}/crowded")[0], 200)

    @staticmethod
    def condition_of(thing, kind):
        return next(((one["status"], one["reason"], one["message"]) for one in thing["conditions"] if one["type"] == kind),
                    ("", "", ""))

    def test_the_api_describes_our_kinds_and_refuses_fields_that_they_lack(self):
        for api, kind, path in (("serving.kserve.io/v1alpha2", "LLMInferenceService", "spec.model.uri"),
                                ("serving.kserve.io/v1alpha1", "LLMInferenceServiceConfig", "spec.prefill.replicas"),
                                ("inference.llm-d.ai/v1alpha1", "LLMInferencePool", "spec.resourcePolicy.gpuBudget"),
                                ("gateway.nacelle.dev/v1alpha1", "GatewayPolicy", "spec.traffic.circuitBreaker.maxRequests"),
                                ("llm-d.ai/v1alpha2", "InferenceObjective", "spec.priority")):
            schemas = self.up.get(f"/openapi/v3/apis/{api}")["components"]["schemas"]
            at, = [one for one in schemas.values() if one.get("x-kubernetes-group-version-kind", [{}])[0].get("kind") == kind]
            for name in path.split("."):
                at = at["properties"][name]
            self.assertTrue(at["description"], (api, kind, path))
        file = pathlib.Path(self.up.data_dir) / "wrong.yaml"
        for text, wrong in (("traffic: {connectTimout: 1s}", "spec.traffic.connectTimout"),
                            ("retry: {attempts: 0}", "spec.retry.attempts"), ("body: Hold", "spec.body")):
            file.write_text("apiVersion: gateway.nacelle.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {name: wrong}\n"
                            f"spec: {{targetRefs: [{{kind: Service, name: x}}], {text}}}\n")
            code, output = harness.run("apply", "-f", file, "--data-dir", self.up.data_dir)
            self.assertNotEqual(code, 0, output)
            self.assertIn(wrong, output)


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

    def test_a_node_lost_under_load_costs_no_request_and_its_pods_move(self):
        self.assertEqual(self.nodes_of_pods(), {"node-1", "node-2"})
        clients = load.Clients(self.up, "/v1/completions", "demo", count=8, tokens=300)
        self.addCleanup(clients.stop)

        def go_on():
            """Each client gets an answer that began after this."""
            enough = clients.answered + 16
            harness.wait_until(lambda: clients.answered >= enough or clients.failed, 120, "answers")
            self.assertEqual(clients.failed, [])

        go_on()
        self.node("stop", "node-2")

        def moved():
            return self.nodes_of_pods() == {"node-1"} and self.up.condition(
                f"{cluster.SERVICES}/demo", "Ready")[0] == "True"
        harness.wait_until(moved, 90, message=lambda: str([(p["metadata"]["name"], p["spec"].get("nodeName"),
                                                           p["status"].get("phase")) for p in self.up.pods()]))
        go_on()
        self.node("start", "node-2")
        harness.wait_until(lambda: "NotReady" not in harness.run("node", "list", "--data-dir", self.up.data_dir)[1],
                           60, message="the node is back")
        go_on()
        clients.stop()
        self.assertEqual(clients.failed, [])
        resumed = [float(line.rsplit(" ", 1)[1]) for line in self.up.admin("/metrics").splitlines()
                   if line.startswith("nacelle_gateway_streams_resumed_total{")]
        self.assertGreater(sum(resumed), 0, "streams were under way on the lost engine")

    def node(self, verb, name):
        code, output = harness.run("node", verb, name, "--data-dir", self.up.data_dir)
        self.assertEqual(code, 0, output)

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


class Outside(http.server.BaseHTTPRequestHandler):
    """A program that is in no cluster."""

    def do_GET(self):
        body = f"outside {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *unused):
        pass


class Examples(unittest.TestCase):
    """Every file of examples/cluster is applied to one cluster, and each thing in them does what it says."""

    @classmethod
    def setUpClass(cls):
        cls.outside = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outside)
        threading.Thread(target=cls.outside.serve_forever, daemon=True).start()
        cls.second_port = harness.free_port()
        cls.up = cluster.Cluster("--log-level", "info", engines=1)
        try:
            cls.apply_all()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.up.close()
        cls.outside.shutdown()
        cls.outside.server_close()

    @classmethod
    def apply_all(cls):
        places = {"/opt/models/demo": str(harness.DEMO), "port: 8090": f"port: {cls.second_port}",
                  "127.0.0.1:9000": f"127.0.0.1:{cls.outside.server_port}"}
        for path in sorted((harness.SOURCE / "examples" / "cluster").glob("*.yaml")):
            text = path.read_text()
            for from_, to in places.items():
                text = text.replace(from_, to)
            file = pathlib.Path(cls.up.data_dir) / path.name
            file.write_text(text)
            code, output = harness.run("apply", "-f", file, "--data-dir", cls.up.data_dir)
            assert code == 0 and "unknown field" not in output, (path.name, output)

    def eventually(self, what, method, path, body=None, headers=None, status=200, port=None):
        """The answer, asked for until it has the status."""
        seen = []

        def asked():
            with contextlib.suppress(OSError, http.client.HTTPException):
                seen.append(harness.request(port or self.up.port, method, path, body, headers))
                return seen[-1].status == status
        harness.wait_until(asked, 120, message=lambda: f"{what}: {seen and (seen[-1].status, seen[-1].data)}")
        return seen[-1]

    def complete(self, what, path, model, **more):
        body = {"model": model, "prompt": "Nacelle is", "max_tokens": 4}
        return self.eventually(what, "POST", path + "/v1/completions", body, **more)

    def conditions(self, path):
        status = self.up.get(path).get("status") or {}
        listed = status.get("conditions") or [one for parent in status.get("parents") or [] for one in parent["conditions"]]
        return {one["type"]: (one["status"], one.get("reason", "")) for one in listed}

    def test_services_are_ready_and_serve_under_their_paths(self):
        for name in ("careful", "chat", "shared"):
            self.up.wait_ready(name, 120)
            self.assertEqual(self.up.request("GET", f"/default/{name}/v1/models").status, 200)
        config = cluster.SERVICES.replace("services", "serviceconfigs") + "/small-engines"
        self.assertEqual(self.conditions(config)["ConfigInUse"], ("True", "InUse"))
        code, output = harness.run("get", "llmisvc,pods", "--data-dir", self.up.data_dir)
        self.assertEqual(code, 0, output)
        self.assertIn("chat", output)

    def test_a_scaled_service_wakes_and_its_pool_shares(self):
        self.complete("elastic", "/default/elastic", "elastic")
        pool = "/apis/inference.llm-d.ai/v1alpha1/namespaces/default/llminferencepools/shared-devices"
        self.assertEqual(self.conditions(pool)["Ready"], ("True", "Allocated"))
        self.assertEqual(self.conditions(pool)["ServicesResolved"], ("True", "ResolvedRefs"))
        shares = {one["name"]: one["entitlement"] for one in self.up.get(pool)["status"]["services"]}
        self.assertEqual(shares, {"elastic": 2, "other": 2})

    def test_a_pool_has_an_address_that_finds_a_service_by_its_model(self):
        path = "/apis/inference.llm-d.ai/v1alpha1/namespaces/default/llminferencepools/shared-devices"
        below = "/pools/default/shared-devices"
        harness.wait_until(lambda: self.conditions(path).get("RouterReady", ("",))[0] == "True", 60,
                           message=lambda: str(self.up.get(path).get("status")))
        self.assertEqual(self.up.get(path)["status"]["url"], f"http://127.0.0.1:{self.up.port}{below}")
        models = self.eventually("its models", "GET", below + "/v1/models").json
        self.assertEqual([one["id"] for one in models["data"]], ["elastic", "other"])
        for model in ("elastic", "other", "publishers/default/models/other"):
            self.assertEqual(self.complete(model, below, model).json["model"], model.rsplit("/")[-1])
        self.complete("no such model", below, "nobody", status=404)
        if os.geteuid() != 0:
            return  # who may not listen on port 80 of a cluster address has none
        harness.wait_until(lambda: len(self.up.get(path)["status"]["addresses"]) == 2, 60,
                           message=lambda: str(self.up.get(path).get("status")))
        cluster_ip = self.up.get("/api/v1/namespaces/default/services/shared-devices")["spec"]["clusterIP"]
        with contextlib.closing(http.client.HTTPConnection(cluster_ip, 80, timeout=60)) as connection:
            connection.request("POST", "/v1/completions", json.dumps({"model": "elastic", "prompt": "x", "max_tokens": 2}),
                               {"Host": "shared-devices.default.svc", "Content-Type": "application/json"})
            answer = connection.getresponse()
            self.assertEqual((answer.status, json.loads(answer.read())["model"]), (200, "elastic"))

    def test_the_job_completes(self):
        harness.wait_until(lambda: (self.up.get("/apis/batch/v1/namespaces/default/jobs/pieces").get("status") or {})
                           .get("succeeded") == 4, 60, message="the Job")

    def test_a_deployment_is_served_by_its_service_with_a_policy(self):
        self.eventually("the Deployment", "GET", "/engine/v1/models")
        endpoints = str(self.up.admin("/endpoints"))
        self.assertIn("service/default/engine/80", endpoints)
        left_out = [line for line in self.up.log().splitlines() if "objects are left out" in line]
        self.assertNotIn("GatewayPolicy", left_out[-1] if left_out else "")

    def test_a_gateway_of_its_own_serves_models_by_name(self):
        for model in ("chat", "shared"):
            answer = self.complete(model, "", model, port=self.second_port)
            self.assertEqual(answer.json["model"], model)
        self.assertEqual(self.eventually("the redirect", "GET", "/models", status=308, port=self.second_port)
                         .getheader("location"), f"http://127.0.0.1:{self.second_port}/v1/models")
        self.complete("no such model", "", "nobody", status=404, port=self.second_port)
        group = "/apis/gateway.networking.k8s.io/v1"
        self.assertEqual(self.conditions(f"{group}/gatewayclasses/by-model")["Accepted"][0], "True")
        self.assertEqual(self.conditions(f"{group}/namespaces/default/gateways/by-model")["Programmed"][0], "True")
        self.assertEqual(self.conditions(f"{group}/namespaces/default/httproutes/by-model"),
                         {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("True", "ResolvedRefs")})

    def test_a_pool_over_other_pods_has_objectives_and_rewrites(self):
        self.eventually("the pool", "GET", "/engines/v1/models")
        self.complete("the engine by its name", "/engines", "engine")
        answer = self.complete("the rewritten model", "/engines", "assistant",
                               headers={"x-llm-d-inference-objective": "gold"})
        self.assertEqual(answer.json["model"], "assistant")
        counted = [line for line in self.up.admin("/metrics").splitlines()
                   if line.startswith("llm_d_epp_flow_control_requests_total") and 'priority="2"' in line]
        self.assertTrue(counted, "the gold request went by flow control")
        pool = "/apis/inference.networking.k8s.io/v1/namespaces/default/inferencepools/engines"
        self.assertEqual(self.conditions(pool)["Accepted"], ("True", "Accepted"))

    def test_static_endpoints_bring_a_program_from_outside(self):
        self.assertEqual(self.eventually("outside", "GET", "/outside/hello").data, b"outside /hello")

    def test_a_grant_lets_another_namespace_name_the_pool(self):
        answer = self.eventually("the portal", "GET", "/portal/v1/models")
        self.assertEqual(answer.getheader("x-served-for"), "portal")
        route = "/apis/gateway.networking.k8s.io/v1/namespaces/portal/httproutes/assistant"
        self.assertEqual(self.conditions(route)["ResolvedRefs"], ("True", "ResolvedRefs"))
        grant = "/apis/gateway.networking.k8s.io/v1beta1/namespaces/default/referencegrants/portal"
        kept = self.up.get(grant)
        self.assertEqual(self.up.api("DELETE", grant)[0], 200)
        harness.wait_until(lambda: self.conditions(route)["ResolvedRefs"] == ("False", "RefNotPermitted"), 10,
                           message=lambda: str(self.conditions(route)))
        kept["metadata"] = {key: kept["metadata"][key] for key in ("name", "namespace")}
        self.assertEqual(self.up.api("POST", grant.rsplit("/", 1)[0], kept)[0], 201)
        harness.wait_until(lambda: self.conditions(route)["ResolvedRefs"][0] == "True", 10, message="the grant is back")


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

    def test_two_live_side_by_side_each_with_its_own_addresses(self):
        def networks(up):
            """Of its nodes, pods and Services: which sixteenth of each network it uses."""
            addresses = [n["spec"]["podCIDR"] for n in up.get("/api/v1/nodes")["items"]]
            addresses += [p["status"]["podIP"] for p in up.pods()]
            services = up.get("/api/v1/services")["items"]
            addresses += [s["spec"]["clusterIP"] for s in services if s["spec"]["clusterIP"] != "None"]
            return {int(a.split(".")[2]) // 16 for a in addresses}

        def start():
            up = cluster.Cluster(engines=1)
            self.addCleanup(up.close)
            up.wait_ready("demo")
            return up

        first, second = start(), start()
        for up in (first, second):
            self.assertIn("Nacelle", up.chat("What is Nacelle?")["choices"][0]["message"]["content"])
            self.assertEqual(len(networks(up)), 1)
        before = networks(first)
        self.assertTrue(before.isdisjoint(networks(second)))
        # Its engine goes on with its address: nobody else gets that.
        engines = first.engine_pids()
        first.kill()
        third = start()
        self.assertTrue(networks(third).isdisjoint(before | networks(second)))
        first.start_again()
        first.wait_ready("demo")
        self.assertEqual((networks(first), first.engine_pids()), (before, engines))
        for up in (first, second, third):
            self.assertIn("Nacelle", up.chat("What is Nacelle?")["choices"][0]["message"]["content"])

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
