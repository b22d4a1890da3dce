"""nacelle epp with pools of a Kubernetes API server: pods come and go, several pools, a server that is away."""
import os
import pathlib
import sys
import tempfile
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
from fake_api_server import FakeApiServer

POOLS = "/apis/inference.networking.k8s.io/v1/namespaces/ml/inferencepools"
PODS = "/api/v1/namespaces/ml/pods"
OBJECTIVES = "/apis/llm-d.ai/v1alpha2/namespaces/ml/inferenceobjectives"
REWRITES = "/apis/inference.networking.x-k8s.io/v1alpha2/namespaces/ml/inferencemodelrewrites"
BODY = b'{"model":"m","prompt":"hi"}'
SERVING, NOT_SERVING = 1, 2
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: test, user: test}}}}]
clusters: [{{name: test, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: test, user: {{tokenFile: token}}}}]
"""


class Kubernetes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="nacelle-epp-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.api = FakeApiServer(token="secret")
        self.addCleanup(lambda: self.api.stop())
        (self.folder / "token").write_text("secret\n")
        (self.folder / "config").write_text(KUBECONFIG.format(port=self.api.port))
        self.api.collections[PODS] = {}

    def epp(self, *flags):
        epp = ext_proc.Epp("--no-secure-serving", "--kubeconfig", self.folder / "config", "--pool-namespace", "ml",
                           *flags)
        self.addCleanup(epp.kill)
        return epp

    def pool(self, name, app, *ports, service=None):
        self.api.put(POOLS, name, spec={
            "selector": {"matchLabels": {"app": app}}, "targetPorts": [{"number": port} for port in ports],
            "endpointPickerRef": {"name": service or f"{name}-epp", "port": {"number": 9002}}})

    def pod(self, name, app, ip, ready=True, **metadata):
        self.api.put(PODS, name, metadata={"labels": {"app": app}, **metadata}, status={
            "podIP": ip, "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]})

    def pick(self, epp, metadata=(), **headers):
        """What Call.picked() gives for a small request."""
        call = epp.call(metadata)
        call.request(BODY, **headers)
        return call.picked()

    def ready(self, epp, status=SERVING):
        harness.wait_until(lambda: ext_proc.check_health(epp.health_port, "readiness") == status, message="readiness")

    def known(self, epp, pool, count):
        """Until the last word about the pool's endpoints is this count."""

        def said():
            lines = [line for line in epp.log().splitlines() if "endpoints of pool" in line and f"ml/{pool}" in line]
            return lines and f"count={count}" in lines[-1]

        # Waits between tries double while the API server is away.
        harness.wait_until(said, timeout=90, message=f"{count} endpoints of {pool}")

    def test_a_pool_follows_its_pods(self):
        server = harness.serve(harness.DEMO, "--served-model-name", "m")
        self.addCleanup(server.kill)
        epp = self.epp("--pool-name", "p")
        self.assertEqual(ext_proc.check_health(epp.health_port, "readiness"), NOT_SERVING)
        self.assertEqual(ext_proc.check_health(epp.health_port, "liveness"), SERVING)
        answer = self.pick(epp)
        self.assertEqual(answer.status.code, 503, answer)  # no pool yet
        self.pool("p", "llm", server.port)
        self.ready(epp)
        self.pod("other", "web", "127.0.0.9")
        self.pod("a", "llm", "127.0.0.1", ready=False)
        self.assertEqual(self.pick(epp).status.code, 503)
        self.pod("a", "llm", "127.0.0.1")
        self.known(epp, "p", 1)
        harness.wait_until(lambda: isinstance(self.pick(epp), tuple), message="a pick")
        self.assertEqual(self.pick(epp)[0], f"127.0.0.1:{server.port}")
        # Objects of both groups; a broken one is left out.
        self.api.put(OBJECTIVES, "gold", spec={"priority": 2, "poolRef": {"name": "p"}})
        self.api.put(OBJECTIVES, "broken", spec={"priority": "high"})
        self.api.put(REWRITES, "r", spec={"poolRef": {"name": "p"}, "rules": [{"targets": [{"modelRewrite": "x"}]}]})
        # The API server goes: the last state stays and is told; it comes back under the same address.
        state = self.api.stop()
        harness.wait_until(lambda: epp.metric("nacelle_kube_connected", collection="pods in ml with app=llm") == 0,
                           message="disconnected")
        self.assertEqual(self.pick(epp)[0], f"127.0.0.1:{server.port}")
        self.assertEqual(ext_proc.check_health(epp.health_port, "readiness"), SERVING)
        self.assertIn("what is known stays", epp.log())
        self.api = FakeApiServer(token="secret", port=self.api.port, state=state)
        harness.wait_until(lambda: epp.metric("nacelle_kube_connected", collection="pods in ml with app=llm") == 1,
                           message="connected")
        # A pod that is being deleted gets nothing more.
        self.pod("a", "llm", "127.0.0.1", deletionTimestamp="2026-11-29T00:00:00Z")
        self.known(epp, "p", 0)
        harness.wait_until(lambda: not isinstance(self.pick(epp), tuple), message="drained")
        self.api.remove(POOLS, "p")
        self.ready(epp, NOT_SERVING)
        self.assertEqual(epp.stop(), 0)

    def test_several_pools(self):
        server = harness.serve(harness.DEMO, "--served-model-name", "m")
        self.addCleanup(server.kill)
        self.pool("a", "a", server.port, service="epp")
        self.pool("b", "b", server.port, service="epp")
        self.pool("c", "a", server.port, service="somebody-else")
        self.pod("a-0", "a", "127.0.0.1")
        self.pod("b-0", "b", "127.0.0.2")  # the engine listens on 127.0.0.1 alone: this pod fails its scrapes
        epp = self.epp("--pools-of-service", "epp")
        self.ready(epp)
        key = "x-gateway-inference-pool"
        harness.wait_until(lambda: isinstance(self.pick(epp, ((key, "ml/a"),)), tuple), message="pool a")
        self.assertEqual(self.pick(epp, ((key, "a"),))[0], f"127.0.0.1:{server.port}")
        for metadata in ((), ((key, "ml/c"),)):
            answer = self.pick(epp, metadata)
            self.assertEqual(answer.status.code, 404, answer)
            self.assertIn(b"none of 2 pools is meant", answer.body)
        self.assertGreaterEqual(epp.metric("llm_d_epp_request_total", inference_pool="a",
                                           inference_pool_namespace="ml", model_name="m"), 2)
        self.assertIsNone(epp.metric("llm_d_epp_request_total", inference_pool="c"))
        # The Service of the pool's picker, as :authority.
        self.pool("a", "a", server.port, service="a-epp")
        self.pool("d", "a", server.port, service="epp")
        harness.wait_until(lambda: not isinstance(self.pick(epp, ((key, "ml/a"),)), tuple), message="a is gone")
        with grpc.insecure_channel(f"127.0.0.1:{epp.grpc_port}",
                                   (("grpc.default_authority", "d.ml.svc:9002"),)) as channel:
            call = ext_proc.Call(channel)
            call.request(BODY)
            self.assertEqual(call.picked().status.code, 404)  # b and d share the Service "epp": neither is meant
            self.api.put(POOLS, "b", spec={"selector": {"matchLabels": {"app": "b"}}, "targetPorts": [{"number": 1}]})
            harness.wait_until(lambda: isinstance(self.pick(epp), tuple), message="the only pool left")
        self.assertEqual(epp.stop(), 0)

    def test_no_source_of_endpoints(self):
        code, output = harness.run("epp")
        self.assertEqual(code, 2, output)
        self.assertIn("--endpoints-file", output)
        code, output = harness.run("epp", "--pool-name", "p", "--kubeconfig", self.folder / "missing")
        self.assertNotEqual(code, 0)
        self.assertIn("missing", output)


if __name__ == "__main__":
    unittest.main()
