"""`nacelle up` as a cluster: its process, its gateway and its API, for tests. Standard library only."""
import base64
import contextlib
import json
import pathlib
import re
import shutil
import socket
import ssl
import tempfile
import time
import urllib.error
import urllib.request

import harness

SERVICES = "/apis/serving.kserve.io/v1alpha2/namespaces/default/llminferenceservices"
SCALED_SERVICES = "/apis/inference.llm-d.ai/v1alpha1/namespaces/default/llminferenceservices"


class Cluster(harness.Server):
    """Keeps its data folder between stop() and start_again(); close() removes it."""

    def __init__(self, *flags, model=harness.DEMO, engines=2, data_dir=None, environment=None):
        self.environment = environment
        self.data_dir = data_dir or tempfile.mkdtemp(prefix="nacelle-cluster-")
        self.flags = [*map(str, flags)]
        self.admin_port, self.gateway_port = harness.free_port(), harness.free_port()
        self.api_port = harness.free_port()
        self.what = [str(model), "--engines", str(engines)]
        self._start([*self.what, *self.flags, "--", "--kv-cache-memory-bytes", "256M"])

    def _start(self, args):
        super().__init__(["up", "--port", self.gateway_port, "--admin-port", self.admin_port, "--api-port",
                          self.api_port, "--data-dir", self.data_dir, *args],
                         self.gateway_port, ready_path="/v1/models", environment=self.environment)

    def start_again(self, *model):
        """Without a model on the command line what is stored counts."""
        self._start([*map(str, model), *self.flags])

    def close(self):
        if self.alive():
            self.end_pods()
            self.stop(timeout=60)
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def end_pods(self):
        """At once: an engine has fifteen seconds of grace, which nobody who is done needs to wait for."""
        def ended():
            left = 0
            for group, plural in (("/apis/serving.kserve.io/v1alpha2", "llminferenceservices"),
                                  ("/apis/inference.llm-d.ai/v1alpha1", "llminferenceservices"),
                                  ("/apis/apps/v1", "deployments"), ("/apis/apps/v1", "replicasets"), ("/api/v1", "pods")):
                for one in self.get(f"{group}/{plural}").get("items") or []:
                    left += 1
                    space, name = one["metadata"]["namespace"], one["metadata"]["name"]
                    self.api("DELETE", f"{group}/namespaces/{space}/{plural}/{name}", {"gracePeriodSeconds": 0})
            return left == 0
        with contextlib.suppress(OSError, AssertionError):  # then it takes longer
            harness.wait_until(ended, 10)

    def kill_all(self):
        self.kill()
        for pid in self.engine_pids():
            harness.os.kill(pid, harness.signal.SIGKILL)

    # ---- the API

    def credentials(self):
        text = (pathlib.Path(self.data_dir) / "api" / "kubeconfig").read_text()
        server, = re.findall(r"server: (\S+)", text)
        token, = re.findall(r"token: (\S+)", text)
        authority, = re.findall(r"certificate-authority-data: (\S+)", text)
        return server, token, ssl.create_default_context(cadata=base64.b64decode(authority).decode())

    def api(self, method, path, body=None, content_type="application/json", token=None):
        """(status, decoded JSON); with the token of its kubeconfig where none is given."""
        server, own_token, context = self.credentials()
        token = token or own_token
        data = None
        if body is not None:
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        request = urllib.request.Request(server + path, data, method=method, headers={
            "Authorization": f"Bearer {token}", "Content-Type": content_type, "Accept": "application/json"})
        try:
            with urllib.request.urlopen(request, context=context, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def get(self, path):
        return self.api("GET", path)[1]

    def apply(self, path, text):
        status, answer = self.api("PATCH", path + "?fieldManager=test&force=true", text,
                                  "application/apply-patch+yaml")
        assert status in (200, 201), (status, answer)
        return answer

    def pods(self, selector=""):
        query = "?labelSelector=" + urllib.request.quote(selector) if selector else ""
        return self.get("/api/v1/namespaces/default/pods" + query)["items"]

    def condition(self, path, kind):
        """(status, reason, message) of a condition; None when it is not there."""
        for one in (self.get(path).get("status") or {}).get("conditions") or []:
            if one["type"] == kind:
                return one["status"], one.get("reason", ""), one.get("message", "")
        return None

    def wait_ready(self, name, timeout=60, services=SERVICES):
        path = f"{services}/{name}"
        harness.wait_until(lambda: (self.condition(path, "Ready") or ("",))[0] == "True", timeout,
                           message=lambda: json.dumps(self.get(path).get("status"), indent=1))

    def admin(self, path):
        return harness.request(self.admin_port, "GET", path).data.decode()

    # ---- processes

    def engine_pids(self):
        """Engines of this cluster: processes of `serve` with the folder in their environment or command."""
        pids = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if b"serve" in command[1:3] and self.data_dir.encode() in environment:
                pids.append(int(entry.name))
        return sorted(pids)


def listening_at(port):
    """The addresses at which somebody on this machine listens on a TCP port."""
    found = set()
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        with contextlib.suppress(FileNotFoundError):
            for line in (pathlib.Path("/proc/net") / name).read_text().splitlines()[1:]:
                _, local, _, state, *_ = line.split()
                address, number = local.split(":")
                if state == "0A" and int(number, 16) == port:
                    words = [bytes.fromhex(address[at:at + 8])[::-1] for at in range(0, len(address), 8)]
                    found.add(socket.inet_ntop(family, b"".join(words)))
    return found


def first_token_seconds(server, body):
    began = time.monotonic()
    for _ in server.events("/v1/chat/completions", body):
        return time.monotonic() - began
    raise AssertionError("no event")
