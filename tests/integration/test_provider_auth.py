"""Requests to providers carry what those check: an AWS signature, and a Google token that was exchanged for a
signed assertion. The fakes here verify both with code of their own."""
import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

import harness

OBJECTS = """
apiVersion: gateway.nacelle.dev/v1alpha1
kind: GatewaySettings
metadata: {{name: settings}}
spec: {{admin: "127.0.0.1:{admin}", bindAddress: 127.0.0.1}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: gw}}
spec:
  gatewayClassName: nacelle
  listeners: [{{name: http, port: {port}, protocol: HTTP}}]
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {{name: models}}
spec:
  parentRefs: [{{name: gw}}]
  rules:
  - matches: [{{headers: [{{name: x-ai-eg-model, value: model}}]}}]
    backendRefs: [{{name: backend, modelNameOverride: "{upstream_model}"}}]
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {{name: backend}}
spec: {{schema: {{name: {schema}}}, backendRef: {{name: provider, kind: Backend, group: gateway.envoyproxy.io}}}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: provider}}
spec: {{endpoints: [{{ip: {{address: 127.0.0.1, port: {provider}}}}}]}}
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: BackendSecurityPolicy
metadata: {{name: backend}}
spec:
  targetRefs: [{{kind: AIServiceBackend, group: aigateway.envoyproxy.io, name: backend}}]
{credentials}
"""

ACCESS_KEY, SECRET_KEY, SESSION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session/token=="
REGION = "eu-central-1"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def signature_problem(method, target, headers, body):
    """None when `headers` sign the request as AWS asks for; else what is wrong."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme != "AWS4-HMAC-SHA256":
        return f"no signature: {scheme!r}"
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    key, date, region, service, end = fields["Credential"].split("/")
    if (key, region, service, end) != (ACCESS_KEY, REGION, "bedrock", "aws4_request"):
        return f"scope {fields['Credential']}"
    signed = fields["SignedHeaders"].split(";")
    if signed != sorted(signed) or not {"host", "x-amz-date", "x-amz-security-token"} <= set(signed):
        return f"signed headers {signed}"
    if headers["x-amz-security-token"] != SESSION or not headers["x-amz-date"].startswith(date):
        return "session or date"
    path, _, query = target.partition("?")
    # What was sent is coded once; the canonical form codes each segment again.
    canonical = "/".join(urllib.parse.quote(segment, safe="-_.~") for segment in path.split("/"))
    pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
    canonical_query = "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}"
                               for k, v in pairs)
    request = "\n".join([method, canonical, canonical_query,
                         "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in signed),
                         ";".join(signed), sha256(body)])
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], f"{date}/{region}/{service}/{end}",
                      sha256(request.encode())])
    step = b"AWS4" + SECRET_KEY.encode()
    for part in (date, region, service, end):
        step = hmac.new(step, part.encode(), hashlib.sha256).digest()
    wanted = hmac.new(step, text.encode(), hashlib.sha256).hexdigest()
    return None if hmac.compare_digest(wanted, fields["Signature"]) else f"signature over\n{request}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer = self.server.answer("POST", self.path, headers, body)
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


class ProviderAuth(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nacelle-auth-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.provider = self.serve(None)
        self.values = {"admin": harness.free_port(), "port": harness.free_port(),
                       "provider": self.provider.server_address[1]}

    def serve(self, answer):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.answer = answer
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def start(self, **values):
        self.values.update(values)
        self.config = self.folder / "objects.yaml"
        self.config.write_text(OBJECTS.format(**self.values))
        gateway = harness.Server(["gateway", "--config", self.config, "--loops", 1, "--shutdown-timeout", 5],
                                 self.values["port"])
        self.addCleanup(gateway.kill)
        return gateway

    @staticmethod
    def ask(gateway, content="hi"):
        return gateway.request("POST", "/v1/chat/completions",
                               {"model": "model", "max_tokens": 8,
                                "messages": [{"role": "user", "content": content}]},
                               {"Authorization": "Bearer the-clients-own", "Cookie": "a=b"})

    def test_bedrock_requests_are_signed(self):
        problems = []

        def answer(method, target, headers, body):
            problem = signature_problem(method, target, headers, body)
            if headers.get("cookie"):
                problem = "the client's cookie"
            problems.append(problem)
            if problem:
                return 403, {"message": "The request signature we calculated does not match"}
            self.assertEqual(target, "/model/anthropic.claude%3A0/converse")
            return 200, {"output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}},
                         "stopReason": "end_turn",
                         "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}}

        self.provider.answer = answer
        keys = self.folder / "aws"
        profile = f"aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = %s\naws_session_token = {SESSION}\n"
        keys.write_text("[default]\n" + profile % "wrong" + "[prod]\n" + profile % SECRET_KEY)
        gateway = self.start(schema="AWSBedrock", upstream_model="anthropic.claude:0",
                             credentials="  type: AWSCredentials\n  awsCredentials:\n"
                                         f"    region: {REGION}\n"
                                         f"    credentialsFile: {{file: \"{keys}\", profile: prod}}\n")
        for content in ("hi", "ünïcödé \u2028 \"quoted\"", "x" * 100_000):
            response = self.ask(gateway, content)
            self.assertEqual(response.status, 200, (problems[-1], response.data))
            self.assertEqual(response.json["choices"][0]["message"]["content"], "hello")
        self.assertEqual(problems, [None] * 3)
        # Keys that change are signed with soon; a provider's refusal reaches the client as it is meant.
        keys.write_text("[prod]\n" + profile % "another")
        harness.wait_until(lambda: self.ask(gateway).status == 403, message="the new key")
        keys.write_text("[prod]\n" + profile % SECRET_KEY)
        harness.wait_until(lambda: self.ask(gateway).status == 200, message="the good key again")
        for secret in (SECRET_KEY, "the-clients-own"):
            self.assertNotIn(secret, gateway.log())

    @unittest.skipUnless(shutil.which("openssl"), "needs openssl")
    def test_a_google_token_is_exchanged_for_a_signed_assertion(self):
        private, public = self.folder / "private.pem", self.folder / "public.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                        "-out", private], check=True, capture_output=True)
        subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True,
                       capture_output=True)
        exchanges, asked = [], []

        def unpack(part):
            return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

        def token(method, target, headers, body):
            form = dict(urllib.parse.parse_qsl(body.decode()))
            head, claims, signature = form["assertion"].split(".")
            (self.folder / "signature").write_bytes(unpack(signature))
            (self.folder / "signed").write_text(f"{head}.{claims}")
            verified = subprocess.run(["openssl", "dgst", "-sha256", "-verify", public, "-signature",
                                       self.folder / "signature", self.folder / "signed"], capture_output=True)
            exchanges.append({"target": target, "form": form, "head": json.loads(unpack(head)),
                              "claims": json.loads(unpack(claims)), "verified": verified.returncode == 0})
            if not exchanges[-1]["verified"]:
                return 400, {"error": "invalid_grant"}
            return 200, {"access_token": f"ya29.token-{len(exchanges)}", "expires_in": 3599,
                         "token_type": "Bearer"}

        def answer(method, target, headers, body):
            asked.append((target, headers.get("authorization"), json.loads(body)))
            return 200, {"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]},
                                         "finishReason": "STOP"}],
                         "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2,
                                           "totalTokenCount": 5}}

        self.provider.answer = answer
        tokens = self.serve(token)
        url = f"http://127.0.0.1:{tokens.server_address[1]}/token"
        account = self.folder / "account.json"
        account.write_text(json.dumps({"type": "service_account", "client_email": "robot@project.test",
                                       "private_key_id": "key-7", "private_key": private.read_text(),
                                       "token_uri": url}))
        gateway = self.start(schema="GCPVertexAI", upstream_model="gemini-2.5-flash",
                             credentials="  type: GCPCredentials\n  gcpCredentials:\n"
                                         f"    projectName: project\n    region: {REGION}\n"
                                         f"    credentialsFile: {{file: \"{account}\"}}\n")
        harness.wait_until(lambda: self.ask(gateway).status == 200, message="the first token")
        self.assertEqual(self.ask(gateway).json["choices"][0]["message"]["content"], "hello")
        target, authorization, body = asked[-1]
        self.assertEqual(target, f"/v1/projects/project/locations/{REGION}"
                                 "/publishers/google/models/gemini-2.5-flash:generateContent")
        self.assertEqual(authorization, "Bearer ya29.token-1")
        self.assertEqual(len(exchanges), 1, "one token serves until shortly before its end")
        exchange = exchanges[0]
        self.assertTrue(exchange["verified"])
        self.assertEqual(exchange["target"], "/token")
        self.assertEqual(exchange["form"]["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer")
        self.assertEqual((exchange["head"]["alg"], exchange["head"]["kid"]), ("RS256", "key-7"))
        claims = exchange["claims"]
        self.assertEqual((claims["iss"], claims["aud"]), ("robot@project.test", url))
        self.assertEqual(claims["exp"] - claims["iat"], 3600)
        self.assertIn("cloud-platform", claims["scope"])
        # Another configuration with the same account keeps its token.
        self.config.write_text(OBJECTS.format(**{**self.values, "upstream_model": "gemini-2.5-pro"}))
        harness.wait_until(lambda: self.ask(gateway).status == 200 and "gemini-2.5-pro" in asked[-1][0],
                           message="the new configuration")
        self.assertEqual(asked[-1][1], "Bearer ya29.token-1")
        self.assertEqual(len(exchanges), 1)
        for secret in ("ya29", "PRIVATE KEY", exchange["form"]["assertion"][-40:]):
            self.assertNotIn(secret, gateway.log())


if __name__ == "__main__":
    unittest.main()
