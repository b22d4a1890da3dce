"""nacelle epp with pools of a Kubernetes API server: pods come and go, several pools, a server that is away, replicas."""
import os
import pathlib
import subprocess
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
clusters: [{{name: test, cluster: {{server: "https://127.0.0.1:{port}", certificate-authority: ca.crt}}}}]
users: [{{name: test, user: {{{user}}}}}]
"""
LEASES = "/apis/coordination.k8s.io/v1/namespaces/ml/leases"
SERVICE_UNKNOWN = 3


def make_certificate(folder):
    """A self-signed certificate for 127.0.0.1 in ca.crt and ca.key."""
    files = folder / "ca.crt", folder / "ca.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=fake API server", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


class Kubernetes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="nacelle-epp-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.tls = make_certificate(self.folder)
        self.api = FakeApiServer(token="secret", tls=self.tls)
        self.addCleanup(lambda: self.api.stop())
        (self.folder / "token").write_text("secret\n")
        self.configure("tokenFile: token")
        self.api.collections[PODS] = {}

    def configure(self, user):
        (self.folder / "config").write_text(KUBECONFIG.format(port=self.api.port, user=user))

    def epp(self, *flags):
        epp = ext_proc.Epp("--no-secure-serving", "--kubeconfig", self.folder / "config", "--pool-namespace", "ml",
                           "--metrics-endpoint-auth=false", *flags)
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
        self.api = FakeApiServer(token="secret", port=self.api.port, state=state, tls=self.tls)
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

    def test_replicas_take_over_from_each_other(self):
        self.pool("p", "llm", 1)
        flags = ("--pool-name", "p", "--ha-enable-leader-election", "--ha-lease-duration-s", 3,
                 "--ha-renew-deadline-s", 2, "--ha-retry-period-s", 0.2)
        name = "epp-ml-p.gateway-api-inference-extension.sigs.k8s.io"

        def lease():
            return self.api.collections[LEASES][name]["spec"]

        def only(leader, follower):
            self.ready(leader)
            self.assertEqual(leader.metric("leader_election_master_status", name=name), 1)
            self.assertEqual(follower.metric("leader_election_master_status", name=name), 0)
            for service, status in (("readiness", NOT_SERVING), ("", NOT_SERVING), ("liveness", SERVING),
                                    ("inference-extension", SERVICE_UNKNOWN)):
                self.assertEqual(ext_proc.check_health(follower.health_port, service), status, service)

        first = self.epp(*flags)
        self.ready(first)
        second = self.epp(*flags)
        self.known(second, "p", 0)  # a follower knows the endpoints, too
        only(first, second)
        self.assertEqual(lease()["leaseTransitions"], 0)
        self.assertEqual(lease()["leaseDurationSeconds"], 3)
        self.assertRegex(lease()["renewTime"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        first.process.kill()
        self.ready(second)
        self.assertEqual(lease()["leaseTransitions"], 1)
        # One that ends gives the lease back.
        third = self.epp(*flags)
        self.known(third, "p", 0)
        only(second, third)
        self.assertEqual(second.stop(), 0)
        self.ready(third)
        self.assertEqual(lease()["leaseTransitions"], 2)
        # Without an API server nobody can say that it still leads.
        state = self.api.stop()
        self.ready(third, NOT_SERVING)
        self.api = FakeApiServer(token="secret", port=self.api.port, state=state, tls=self.tls)
        self.ready(third)
        self.assertEqual(third.stop(), 0)
        self.assertEqual(lease()["holderIdentity"], "")

    def test_credentials_of_a_plugin(self):
        self.pool("p", "llm", 1)
        plugin = self.folder / "plugin"
        plugin.write_text("#!/bin/sh\necho the session is over >&2\nexit 3\n")
        plugin.chmod(0o755)
        self.configure("exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: ./plugin}")
        epp = self.epp("--pool-name", "p")
        harness.wait_until(lambda: "exit code 3: the session is over" in epp.log(), message="the plugin's words")
        plugin.write_text("""#!/bin/sh
echo '{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {"token": "secret"}}'
""")
        self.ready(epp)
        self.assertNotIn("secret", epp.log())
        self.assertEqual(epp.stop(), 0)

    def test_metrics_are_for_those_who_may_get_them(self):
        self.api.users = {"scraper's": "prometheus", "other's": "someone"}
        self.api.scrapers = {"prometheus"}
        self.pool("p", "llm", 8000)
        epp = ext_proc.Epp("--no-secure-serving", "--kubeconfig", self.folder / "config", "--pool-namespace", "ml",
                           "--pool-name", "p", ready_path=None)
        self.addCleanup(epp.kill)
        harness.wait_until(lambda: epp.answers("/metrics"), message="the metrics port")
        self.ready(epp)
        for token, status in ((None, 401), ("unknown", 401), ("other's", 403), ("scraper's", 200), ("scraper's", 200)):
            epp.token = token
            answer = epp.request("GET", "/metrics")
            self.assertEqual(answer.status, status, (token, answer.data))
            self.assertEqual(b"llm_d_epp" in answer.data, status == 200)
        self.assertEqual([spec["user"] for spec in self.api.reviewed], ["someone", "prometheus"])
        self.assertEqual(self.api.reviewed[1], {
            "user": "prometheus", "groups": ["g"], "nonResourceAttributes": {"path": "/metrics", "verb": "get"}})
        self.assertEqual(epp.request("GET", "/other").status, 404)
        for secret in ("scraper's", "other's"):
            self.assertNotIn(secret, epp.log())
        # An API server that is away leaves those in that it knows, and tells the others so.
        self.api.stop()
        self.assertEqual(epp.request("GET", "/metrics").status, 200)
        epp.token = "another"
        self.assertEqual(epp.request("GET", "/metrics").status, 503)
        self.assertEqual(epp.stop(), 0)

    def test_metrics_of_files_cannot_ask_anyone(self):
        (self.folder / "endpoints.yaml").write_text("endpoints: []\n")
        code, output = harness.run("epp", "--endpoints-file", self.folder / "endpoints.yaml", "--metrics-endpoint-auth")
        self.assertEqual(code, 2)
        self.assertIn("--metrics-endpoint-auth needs a Kubernetes API to ask", output)

    def test_no_source_of_endpoints(self):
        code, output = harness.run("epp")
        self.assertEqual(code, 2, output)
        self.assertIn("--endpoints-file", output)
        code, output = harness.run("epp", "--pool-name", "p", "--kubeconfig", self.folder / "missing")
        self.assertNotEqual(code, 0)
        self.assertIn("missing", output)
        (self.folder / "endpoints.yaml").write_text("endpoints: []\n")
        code, output = harness.run("epp", "--endpoints-file", self.folder / "endpoints.yaml",
                                   "--ha-enable-leader-election")
        self.assertEqual(code, 2, output)
        self.assertIn("needs a Kubernetes API", output)


if __name__ == "__main__":
    unittest.main()
