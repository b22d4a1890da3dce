"""nacelle epp against our own API server: what test_epp_kubernetes.py asks of a stand-in, where the answers are real."""
import base64
import http.client
import json
import os
import pathlib
import re
import ssl
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

SERVER = os.environ.get("NACELLE_KUBE_API", "build/release/tests/kube_api_server")
POOL_API = "inference.networking.k8s.io/v1"
LLM_D = "llm-d.ai/v1alpha2"
BODY = b'{"model":"m","prompt":"hi"}'
SERVING, NOT_SERVING = 1, 2


class ApiServer:
    """The server and an administrator's connection to it."""

    def __init__(self, folder, port=0):
        self.folder, self.port = folder, port or harness.free_port()
        self.process = subprocess.Popen([SERVER, str(folder), "--port", str(self.port)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.kubeconfig = self.process.stdout.readline().strip()
        if not self.kubeconfig:
            raise AssertionError(self.process.stderr.read())
        text = pathlib.Path(self.kubeconfig).read_text()
        authority = re.search(r"certificate-authority-data: (\S+)", text).group(1)
        self.token = re.search(r"token: (\S+)", text).group(1)
        self.context = ssl.create_default_context(cadata=base64.b64decode(authority).decode())

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(30)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def call(self, method, path, body=None, kind="application/json", wanted=(200, 201)):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.context)
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"authorization": f"Bearer {self.token}", "content-type": kind})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        assert answer.status in wanted, (method, path, answer.status, data)
        return json.loads(data)

    def create(self, version, plural, kind, name, namespace="ml", labels=None, **fields):
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        where = f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"
        metadata = {"name": name, **({"labels": labels} if labels else {})}
        self.call("POST", where, {"apiVersion": version, "kind": kind, "metadata": metadata, **fields})
        return f"{where}/{name}"

    def merge(self, path, change):
        self.call("PATCH", path, change, "application/merge-patch+json")

    def delete(self, path, **query):
        text = "&".join(f"{key}={value}" for key, value in query.items())
        self.call("DELETE", f"{path}?{text}", wanted=(200, 202))


class OwnApiServer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="nacelle-epp-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.api = ApiServer(self.folder / "api")
        self.addCleanup(lambda: self.api.stop())
        self.api.create("v1", "namespaces", "Namespace", "ml", namespace=None)

    def epp(self, *flags):
        epp = ext_proc.Epp("--no-secure-serving", "--kubeconfig", self.api.kubeconfig, "--pool-namespace", "ml",
                           "--metrics-endpoint-auth=false", *flags)
        self.addCleanup(epp.kill)
        return epp

    def pool(self, name, app, port):
        return self.api.create(POOL_API, "inferencepools", "InferencePool", name, spec={
            "selector": {"matchLabels": {"app": app}}, "targetPorts": [{"number": port}],
            "endpointPickerRef": {"name": f"{name}-epp", "port": {"number": 9002}}})

    def pod(self, name, app, **spec):
        return self.api.create("v1", "pods", "Pod", name, labels={"app": app},
                               spec={"containers": [{"name": "c", "image": "engine:1"}], **spec})

    def status(self, path, ip, ready):
        self.api.merge(f"{path}/status", {"status": {
            "podIP": ip, "phase": "Running", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}})

    def pick(self, epp, **headers):
        call = epp.call()
        call.request(BODY, **headers)
        return call.picked()

    def ready(self, epp, status=SERVING):
        harness.wait_until(lambda: ext_proc.check_health(epp.health_port, "readiness") == status, message="readiness")

    def wait_pick(self, epp, found=True):
        harness.wait_until(lambda: isinstance(self.pick(epp), tuple) == found, timeout=90,
                           message="an endpoint" if found else "an empty pool")

    def test_a_pool_follows_its_pods(self):
        server = harness.serve(harness.DEMO, "--served-model-name", "m")
        self.addCleanup(server.kill)
        endpoint = f"127.0.0.1:{server.port}"
        epp = self.epp("--pool-name", "p")
        self.assertEqual(ext_proc.check_health(epp.health_port, "readiness"), NOT_SERVING)
        pool = self.pool("p", "llm", server.port)
        self.ready(epp)
        stranger = self.pod("stranger", "web")
        self.status(stranger, "127.0.0.9", True)
        pod = self.pod("a", "llm", nodeName="n1")
        self.status(pod, "127.0.0.1", False)
        self.assertEqual(self.pick(epp).status.code, 503)
        self.status(pod, "127.0.0.1", True)
        self.wait_pick(epp)
        self.assertEqual(self.pick(epp)[0], endpoint)
        # A label that goes takes the pod out, one that comes brings it back.
        self.api.merge(pod, {"metadata": {"labels": {"app": "other"}}})
        self.wait_pick(epp, found=False)
        self.api.merge(pod, {"metadata": {"labels": {"app": "llm"}}})
        self.wait_pick(epp)
        # A pod on a node is being deleted until the node says that it is gone.
        self.api.delete(pod)
        self.assertIn("deletionTimestamp", self.api.call("GET", pod)["metadata"])
        self.wait_pick(epp, found=False)
        self.api.delete(pod, gracePeriodSeconds=0)
        self.api.delete(pool)
        self.ready(epp, NOT_SERVING)
        self.assertEqual(epp.stop(), 0)

    def test_objectives_and_rewrites_count_as_they_come_and_go(self):
        server = harness.serve(harness.DEMO, "--served-model-name", "x")
        self.addCleanup(server.kill)
        epp = self.epp("--pool-name", "p")
        self.pool("p", "llm", server.port)
        self.status(self.pod("a", "llm"), "127.0.0.1", True)
        self.wait_pick(epp)
        self.api.create(LLM_D, "inferenceobjectives", "InferenceObjective", "gold",
                        spec={"priority": 7, "poolRef": {"name": "p"}})
        rewrite = self.api.create(LLM_D, "inferencemodelrewrites", "InferenceModelRewrite", "r",
                                  spec={"poolRef": {"name": "p"}, "rules": [{"targets": [{"modelRewrite": "x"}]}]})

        def picked():
            _, _, body = self.pick(epp, x_llm_d_inference_objective="gold")
            return json.loads(body)["model"], epp.metric("llm_d_epp_request_total", priority="7", model_name="m")

        harness.wait_until(lambda: picked()[0] == "x" and picked()[1], message="objective and rewrite")
        self.api.delete(rewrite)
        harness.wait_until(lambda: picked()[0] == "m", message="the rewrite is gone")
        self.assertEqual(epp.stop(), 0)

    def test_the_server_restarts(self):
        server = harness.serve(harness.DEMO, "--served-model-name", "m")
        self.addCleanup(server.kill)
        epp = self.epp("--pool-name", "p")
        self.pool("p", "llm", server.port)
        pod = self.pod("a", "llm")
        self.status(pod, "127.0.0.1", True)
        self.wait_pick(epp)
        collection = {"collection": "pods in ml with app=llm"}
        for kill in (False, True):  # it stops; it is killed in the middle of its watches
            if kill:
                self.api.process.kill()
            self.api.stop()
            harness.wait_until(lambda: epp.metric("nacelle_kube_connected", **collection) == 0, timeout=90,
                               message="disconnected")
            self.assertEqual(self.pick(epp)[0], f"127.0.0.1:{server.port}", "what is known stays")
            self.api = ApiServer(self.folder / "api", self.api.port)
            # What changed while nobody watched is seen: the pod was taken out and put back.
            self.status(pod, "127.0.0.1", False)
            self.wait_pick(epp, found=False)
            self.status(pod, "127.0.0.1", True)
            self.wait_pick(epp)
        self.assertEqual(epp.stop(), 0)

    def test_replicas_share_a_lease(self):
        self.pool("p", "llm", 1)
        flags = ("--pool-name", "p", "--ha-enable-leader-election", "--ha-lease-duration-s", 3,
                 "--ha-renew-deadline-s", 2, "--ha-retry-period-s", 0.2)
        name = "epp-ml-p.gateway-api-inference-extension.sigs.k8s.io"

        def lease():
            return self.api.call("GET", f"/apis/coordination.k8s.io/v1/namespaces/ml/leases/{name}")["spec"]

        first = self.epp(*flags)
        self.ready(first)
        holder = lease()["holderIdentity"]
        second = self.epp(*flags)
        self.assertEqual(second.metric("leader_election_master_status", name=name), 0)
        self.assertEqual(ext_proc.check_health(second.health_port, "readiness"), NOT_SERVING)
        first.process.kill()  # the lease must run out
        self.ready(second)
        self.assertNotEqual(lease()["holderIdentity"], holder)
        third = self.epp(*flags)
        self.assertEqual(second.stop(), 0)  # gives the lease back
        self.ready(third)
        self.assertEqual(third.stop(), 0)
        self.assertEqual(lease()["holderIdentity"], "")


if __name__ == "__main__":
    unittest.main()
