"""nacelle gateway with Gateway API objects: reload by file and by signal, TLS, one mistake, draining."""
import base64
import contextlib
import http.client
import http.server
import json
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import harness

OBJECTS = """
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewaySettings
metadata: {{name: settings}}
spec: {{admin: "127.0.0.1:{admin}", bindAddress: 127.0.0.1, accessLog: {{path: "{log}"}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: gw}}
spec:
  gatewayClassName: nacelle
  listeners:
  - {{name: http, port: {port}, protocol: HTTP}}
{listeners}
---
apiVersion: v1
kind: Service
metadata: {{name: echo}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: StaticEndpoints
metadata: {{name: echo}}
spec: {{targetRefs: [{{kind: Service, name: echo}}], addresses: ["127.0.0.1:{upstream}"]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: echo}}
spec:
  parentRefs: [{{name: gw}}]
  rules:
  - {{matches: [{{path: {{value: {path}}}}}], backendRefs: [{{name: echo, port: 80}}]}}
"""


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
        if self.path.endswith("/slow"):
            time.sleep(0.5)
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Gateway(harness.Server):
    def __init__(self, **changes):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nacelle-gateway-"))
        self.admin_port = harness.free_port()
        port = harness.free_port()
        self.values = {"admin": self.admin_port, "port": port, "log": self.folder / "access.log",
                       "path": "/a", "listeners": "", **changes}
        self.write()
        super().__init__(["gateway", "--config", self.folder, "--loops", 2, "--shutdown-timeout", 5], port)

    def write(self, extra="", **changes):
        self.values.update(changes)
        new = self.folder / ".objects.new"
        new.write_text(OBJECTS.format(**self.values) + extra)
        new.rename(self.folder / "objects.yaml")

    def admin(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def config(self):
        return json.loads(self.admin("/config"))


class GatewayService(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        threading.Thread(target=cls.upstream.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.upstream.shutdown()
        cls.upstream.server_close()

    def start(self, **changes):
        gateway = Gateway(upstream=self.upstream.server_address[1], **changes)
        self.addCleanup(shutil.rmtree, gateway.folder, True)
        self.addCleanup(gateway.kill)
        return gateway

    def test_a_changed_file_is_in_force_and_a_wrong_one_is_not(self):
        gateway = self.start()
        self.assertEqual(gateway.request("GET", "/a/x").json["path"], "/a/x")
        self.assertEqual(gateway.request("GET", "/b").status, 404)
        gateway.write(path="/b")
        harness.wait_until(lambda: gateway.config()["generation"] == 2, message="reload")
        self.assertEqual(gateway.request("GET", "/b").status, 200)
        self.assertEqual(gateway.request("GET", "/a/x").status, 404)
        gateway.write(extra="---\nkind: Gatway\napiVersion: gateway.networking.k8s.io/v1\n")
        harness.wait_until(lambda: not gateway.config()["ok"], message="refusal")
        self.assertIn("did you mean 'Gateway'", gateway.config()["error"])
        self.assertEqual(gateway.request("GET", "/b").status, 200)
        gateway.write()
        harness.wait_until(lambda: gateway.config()["ok"], message="mended file")
        self.assertIn('config_reloads_total{outcome="refused"} 1', gateway.admin("/metrics"))

    def test_hangup_reloads_and_opens_the_log_anew(self):
        gateway = self.start()
        gateway.request("GET", "/a/before")
        log = gateway.folder / "access.log"
        harness.wait_until(lambda: log.exists() and "/a/before" in log.read_text(), message="log line")
        log.rename(gateway.folder / "access.log.1")
        gateway.process.send_signal(signal.SIGHUP)
        harness.wait_until(log.exists, message="new log")
        gateway.request("GET", "/a/after")
        harness.wait_until(lambda: "/a/after" in log.read_text(), message="line in the new log")
        self.assertTrue(gateway.alive())

    def test_drain_ends_what_is_in_hand(self):
        gateway = self.start()
        answers = []
        thread = threading.Thread(target=lambda: answers.append(gateway.request("GET", "/a/slow").status))
        thread.start()
        harness.wait_until(lambda: "nacelle_gateway_active_requests 1" in gateway.admin("/metrics"),
                           message="request in hand")
        gateway.process.send_signal(signal.SIGTERM)
        thread.join()
        self.assertEqual(answers, [200])
        self.assertEqual(gateway.process.wait(20), 0)

    def test_check_lists_mistakes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x.yaml"
            path.write_text("apiVersion: v1\nkind: Servce\nmetadata: {name: a}\n")
            code, output = harness.run("gateway", "--config", path, "--check")
            self.assertEqual(code, 2, output)
            self.assertIn("did you mean 'Service'", output)
        code, output = harness.run("gateway", "--check", "--config",
                                   harness.SOURCE / "examples" / "gateway" / "complete.yaml")
        self.assertEqual(code, 0, output)

    def test_wrong_command_lines_are_named(self):
        config = ("--config", "x")
        for arguments, code, told in (
                (("gateway", "--confg", "x.yaml"), 2, "unknown argument '--confg' (did you mean '--config'?)"),
                (("gateway", *config, "--loop=2"), 2, "(did you mean '--loops'?)"),
                (("gateway",), 2, "--config FILE is required"),
                (("gateway", "--loops", "0", *config), 2, "--loops: Value 0 not in range 1 to 256"),
                (("gateway", "--drain-delay", "-5", *config), 2, "--drain-delay: Value -5 not in range"),
                (("gateway", "--config", "/nowhere"), 1, "cannot open /nowhere"),
                (("epp", "--enpoints-file", "x"), 2, "(did you mean '--endpoints-file'?)"),
                (("epp", "--grpc-port", "70000"), 2, "--grpc-port: Value 70000 not in range 0 to 65535"),
                (("route", "rplay", "x"), 2, "unknown argument 'rplay' (did you mean 'replay'?)"),
                (("route", "replay", "/nowhere"), 1, "cannot read /nowhere"),
                (("up", "--engine", "3"), 2, "unknown argument '--engine' (did you mean '--engines'?)"),
                (("up", "--engines", "100"), 2, "--engines: Value 100 not in range 1 to 64"),
                (("apply", "--filname", "x"), 2, "(did you mean '--filename'?)"),
                (("apply", "-f", "/nowhere"), 1, "/nowhere"),
                (("get", "pods", "--namespac", "x"), 2, "(did you mean '--namespace'?)"),
                (("get", "pods", "-o", "table"), 2, "--output: table not in {wide,yaml,json,name}"),
                (("delete",), 2, "name objects, or give files with -f"),
                (("get",), 2, "KIND is required"),
                (("logs",), 2, "POD is required"),
                (("node", "stopp", "node-1"), 2, "(did you mean 'stop'?)"),
                (("up", "--engnes", "2"), 2, "unknown argument '--engnes' (did you mean '--engines'?)"),
                (("up", "--engines", "0"), 2, "--engines: Value 0 not in range 1 to 64"),
                (("serve", "x", "--max-modl-len", "2"), 2, "did you mean --max-model-len?"),
                (("gatway",), 2, "unknown command 'gatway' (did you mean 'gateway'?)")):
            with self.subTest(arguments=arguments):
                got, output = harness.run(*arguments)
                self.assertEqual(got, code, output)
                self.assertIn(told, output)
        for command in ("gateway", "epp", "route", "bench", "up", "serve", "apply", "get", "delete", "logs", "node"):
            self.assertEqual(harness.run(command, "--help")[0], 0)

    def test_check_looks_at_certificates_and_pickers(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x.yaml"
            path.write_text("""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw}
spec:
  gatewayClassName: nacelle
  listeners: [{name: s, port: 8443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}]
---
apiVersion: v1
kind: Secret
metadata: {name: cert}
stringData: {tls.crt: no certificate, tls.key: hunter2}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: gw}]
  rules: [{backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}]}]
---
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: p}
spec: {selector: {matchLabels: {a: b}}, targetPorts: [{number: 8000}]}
---
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: y}
spec:
  targetRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: p}]
  picker: {policy: round-robbin}
""")
            code, output = harness.run("gateway", "--config", path, "--check")
            self.assertEqual(code, 2, output)
            for part in ("Secret default/cert", "holds no PEM certificate", "pool/default/p", "round-robbin",
                         "StaticEndpoints"):
                self.assertIn(part, output)
            self.assertNotIn("hunter2", output)

    @unittest.skipUnless(shutil.which("openssl"), "needs openssl")
    def test_https_listener_with_a_certificate_from_a_secret(self):
        with tempfile.TemporaryDirectory() as folder:
            key, crt = pathlib.Path(folder) / "k", pathlib.Path(folder) / "c"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                            "subjectAltName=DNS:localhost", "-keyout", key, "-out", crt],
                           check=True, capture_output=True)
            port = harness.free_port()
            gateway = self.start(listeners=f"  - {{name: https, port: {port}, protocol: HTTPS, "
                                           "tls: {certificateRefs: [{name: cert}]}}\n---\n"
                                           "apiVersion: v1\nkind: Secret\nmetadata: {name: cert}\n"
                                           "type: kubernetes.io/tls\ndata:\n"
                                           f"  tls.crt: {base64.b64encode(crt.read_bytes()).decode()}\n"
                                           f"  tls.key: {base64.b64encode(key.read_bytes()).decode()}")
            context = ssl.create_default_context(cafile=crt)
            connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
            with contextlib.closing(connection):
                connection.request("GET", "/a")
                answer = json.loads(connection.getresponse().read())
            self.assertEqual(answer["headers"]["x-forwarded-proto"], "https")
            self.assertNotIn("PRIVATE KEY", gateway.log())


if __name__ == "__main__":
    unittest.main()
