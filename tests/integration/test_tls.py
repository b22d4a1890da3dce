"""nacelle serve over HTTPS: curl, client certificates, and certificates that change under it."""
import http.client
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import time
import unittest

import harness

TOOLS = shutil.which("openssl") and shutil.which("curl")


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)


class Authority:
    """Makes certificates in a folder; each gets a key of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.serial = 0
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=Test CA", "-keyout", self.folder / "ca.key", "-out", self.folder / "ca.crt")

    def issue(self, name, stem):
        self.serial += 1
        request, extensions = self.folder / "request", self.folder / "extensions"
        fresh_key, fresh = self.folder / "fresh.key", self.folder / "fresh.crt"
        extensions.write_text(f"subjectAltName=DNS:{name},IP:127.0.0.1\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", fresh_key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.folder / "ca.crt", "-CAkey", self.folder / "ca.key",
                "-set_serial", self.serial, "-days", "1", "-extfile", extensions, "-out", fresh)
        key, certificate = self.folder / f"{stem}.key", self.folder / f"{stem}.crt"
        fresh_key.replace(key)
        fresh.replace(certificate)
        return certificate, key


class TlsServer(harness.Server):
    """The harness's requests, over TLS with the test's CA and, when given, a client certificate."""

    def __init__(self, args, port, ca, client=None):
        self.context = ssl.create_default_context(cafile=str(ca))
        if client:
            self.context.load_cert_chain(*map(str, client))
        super().__init__(args, port)

    def connect(self, timeout=60):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.context)

    def certificate_name(self):
        connection = self.connect()
        try:
            connection.connect()
            return dict(part[0] for part in connection.sock.getpeercert()["subject"])["commonName"]
        finally:
            connection.close()


@unittest.skipUnless(TOOLS, "needs the openssl and curl programs")
class Https(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.authority = Authority(cls.folder.name)
        cls.ca = cls.authority.folder / "ca.crt"
        cls.certificate, cls.key = cls.authority.issue("first.test", "server")
        cls.client = cls.authority.issue("client.test", "client")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def start(self, *flags, client=None):
        port = harness.free_port()
        server = TlsServer(["serve", harness.DEMO, "--host", "127.0.0.1", "--port", port, "--threads", 1,
                            "--kv-cache-memory-bytes", "256M", "--ssl-certfile", self.certificate, "--ssl-keyfile", self.key, *flags], port, self.ca, client)
        self.addCleanup(server.kill)
        return server

    def curl(self, server, path, *flags):
        return subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "60", *map(str, flags),
                               f"https://127.0.0.1:{server.port}{path}"], capture_output=True, text=True)

    def test_curl_talks_and_streams_and_reload_keeps_streams(self):
        server = self.start("--enable-ssl-refresh")
        self.assertIn("https://", server.log())
        answer = self.curl(server, "/v1/models", "--cacert", self.ca)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn('"object":"list"', answer.stdout.replace(" ", ""))
        self.assertEqual(self.curl(server, "/v1/models").returncode, 60)  # the CA is not known to curl

        plain = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        with self.assertRaises((OSError, http.client.HTTPException)):
            plain.request("GET", "/health")
            plain.getresponse()
        plain.close()

        events = server.events("/v1/completions", {"prompt": "count", "max_tokens": 300, "ignore_eos": True,
                                                   "stream_options": {"include_usage": True}})
        next(events)
        self.assertEqual(server.certificate_name(), "first.test")
        self.authority.issue("second.test", "server")
        deadline = time.monotonic() + 60
        while server.certificate_name() != "second.test":
            self.assertLess(time.monotonic(), deadline, server.log())
        last = None
        for last in events:
            pass
        self.assertEqual(last["usage"]["completion_tokens"], 300)

        self.certificate.write_text("not a certificate")
        while "holds no PEM certificate" not in server.log():
            self.assertLess(time.monotonic(), deadline, server.log())
            self.assertEqual(server.certificate_name(), "second.test")
        self.assertIn("server.crt: holds no PEM certificate", server.log())
        self.assertNotIn("PRIVATE KEY", server.log())
        self.authority.issue("first.test", "server")

    def test_client_certificates_are_required(self):
        server = self.start("--ssl-ca-certs", self.ca, "--ssl-cert-reqs", "2", client=self.client)
        self.assertNotEqual(self.curl(server, "/health", "--cacert", self.ca).returncode, 0)
        with_one = self.curl(server, "/health", "--cacert", self.ca, "--cert", self.client[0], "--key", self.client[1])
        self.assertEqual(with_one.returncode, 0, with_one.stderr)

    def test_bad_files_are_said_at_start(self):
        code, output = harness.run("serve", harness.DEMO, "--ssl-certfile", "/nowhere/tls.crt")
        self.assertNotEqual(code, 0)
        self.assertIn("/nowhere/tls.crt", output)
        code, output = harness.run("serve", harness.DEMO, "--ssl-certfile", self.certificate,
                                   "--ssl-keyfile", self.client[1])
        self.assertNotEqual(code, 0)
        self.assertIn("does not belong to the certificate", output)


if __name__ == "__main__":
    unittest.main()
