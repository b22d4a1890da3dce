"""What goes wrong around a whole `nacelle up`: it says so, and goes on serving.

One cluster for all, on a disk of its own; the last test damages its store. Whoever may not mount a disk gets a name space
where he may, with the whole test in it.
"""
import base64
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import resource
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import cluster
import harness

DISK_MIB = 192
MAPS = "/api/v1/namespaces/default/configmaps"

SERVICE = """
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: %s, namespace: default}
spec:
  model: {uri: "file://%s", name: %s}
  replicas: 1
  template:
    containers: [{name: main, %s}]
  router: {gateway: {}, route: {}, scheduler: {}}
"""
SMALL = 'args: ["--kv-cache-memory-bytes", "64M", "--threads", "1"]'


def mount_disk(folder):
    """Mounts a small file system there; why not, or ""."""
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "nacelle-test", folder],
                              capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return done.stderr.strip()


def part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed(head, claims, key):
    text = part(json.dumps(head).encode()) + "." + part(json.dumps(claims).encode())
    return text + "." + part(hmac.new(key, text.encode(), hashlib.sha256).digest())


def setUpModule():
    """Begins again as the root of a user's name space where mounting is refused here and allowed there."""
    probe = tempfile.mkdtemp(prefix="nacelle-mount-")
    refused = mount_disk(probe)
    if not refused:
        subprocess.run(["umount", "--lazy", probe], check=True)
    os.rmdir(probe)
    if refused and "NACELLE_TEST_UNSHARED" not in os.environ:
        inside = ["unshare", "-Urm"]
        with contextlib.suppress(OSError):
            if subprocess.run([*inside, "true"], capture_output=True).returncode == 0:
                os.environ["NACELLE_TEST_UNSHARED"] = "1"
                os.execvp(inside[0], [*inside, sys.executable, *sys.orig_argv[1:]])


class ClusterFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192) if most > 0 else 8192, most))  # a thousand clients
        cls.folder = tempfile.mkdtemp(prefix="nacelle-faults-")
        cls.no_disk = mount_disk(cls.folder)
        cls.addClassCleanup(cls.remove_folder)
        cls.up = cluster.Cluster(engines=1, data_dir=os.path.join(cls.folder, "data"))
        cls.addClassCleanup(cls.end)
        cls.up.wait_ready("demo")

    @classmethod
    def end(cls):
        cls.up.kill_all()

    @classmethod
    def remove_folder(cls):
        if not cls.no_disk:
            subprocess.run(["umount", "--lazy", cls.folder], check=True)
        shutil.rmtree(cls.folder, ignore_errors=True)

    def assert_serves(self):
        self.assertIn("Nacelle", self.up.chat("What is Nacelle?")["choices"][0]["message"]["content"])

    def apply_service(self, name, container):
        self.up.apply(f"{cluster.SERVICES}/{name}", SERVICE % (name, harness.DEMO, name, container))

    def wait_for_words(self, path, *words):
        """Until the message of the condition Ready has them all."""
        def said():
            _, _, message = self.up.condition(path, "Ready") or ("", "", "")
            return all(word in message for word in words)
        harness.wait_until(said, 60, message=lambda: json.dumps(self.up.get(path).get("status"), indent=1))

    def remove(self, *paths):
        """Without the grace that an engine gets: nobody waits here."""
        for path in paths:
            self.assertEqual(self.up.api("DELETE", path)[0], 200)
        for pod in self.up.pods():
            if pod["metadata"]["labels"].get("app.kubernetes.io/name") != "demo":
                self.up.api("DELETE", f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}",
                            {"gracePeriodSeconds": 0})

    def test_1_an_engine_that_cannot_start_or_never_answers_is_named_in_the_condition(self):
        self.apply_service("crashing", 'args: ["--no-such-flag", "7"]')
        self.apply_service("mute", 'image: "busybox", command: [sleep, "600"]')
        crashing, mute = f"{cluster.SERVICES}/crashing", f"{cluster.SERVICES}/mute"
        self.wait_for_words(crashing, "container main exited with code 2", "no-such-flag", "restarts")
        self.assertEqual(self.up.condition(crashing, "Ready")[1], "CrashLoopBackOff")
        self.wait_for_words(mute, "container main does not answer yet", "/health", "refused")
        self.assertEqual(self.up.request("GET", "/default/mute/v1/models").status, 503)
        self.assert_serves()
        self.remove(crashing, mute)

    def test_2_the_second_service_of_a_name_does_not_take_the_first_ones_objects(self):
        self.apply_service("twin", SMALL)
        self.up.wait_ready("twin")
        other = f"{cluster.SCALED_SERVICES}/twin"
        self.up.apply(other, """
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: twin, namespace: default}
spec: {model: {id: other, source: {uri: "file://%s"}}, replicas: 2}
""" % harness.DEMO)
        self.wait_for_words(other, "twin-kserve", "is controlled by somebody else")
        first = f"{cluster.SERVICES}/twin"
        self.assertEqual(self.up.condition(first, "Ready")[0], "True")
        answer = self.up.request("GET", "/default/twin/v1/models")
        self.assertEqual(answer.status, 200, answer.data)
        self.assertEqual(answer.json["data"][0]["id"], "twin")
        self.remove(first, other)

    def test_2_requests_beyond_the_bound_of_a_service_at_zero_are_told_to_come_again(self):
        sleeper = f"{cluster.SCALED_SERVICES}/sleeper"
        self.up.apply(sleeper, """
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: sleeper, namespace: default}
spec:
  model: {id: sleeper, source: {uri: "file://%s"}}
  engine: {args: ["--no-such-flag"]}
  replicas: 0
  autoscaling: {minReplicas: 0, maxReplicas: 1, metrics: [{type: RequestQueue, requestQueue: {targetAverageQueueDepth: 8}}]}
""" % harness.DEMO)
        harness.wait_until(lambda: self.up.request("GET", "/default/sleeper/v1/models").status == 503, 30, "its route")
        body = b'{"model": "sleeper", "prompt": "a"}'
        text = (b"POST /default/sleeper/v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        with contextlib.ExitStack() as clients:
            sent = [clients.enter_context(socket.create_connection(("127.0.0.1", self.up.port))) for _ in range(1001)]
            for client in sent:
                client.sendall(text)
            poll = select.poll()
            for client in sent:
                poll.register(client, select.POLLIN)
            told = poll.poll(60_000)
            self.assertEqual(len(told), 1, "one is told, a thousand wait")
            answer, = [client for client in sent if client.fileno() == told[0][0]]
            head, _, said = answer.recv(65536).decode().partition("\r\n\r\n")
            self.assertRegex(head, r"^HTTP/1\.1 503 ")
            self.assertRegex(head, r"(?im)^retry-after: [1-9]\d*\r")
            self.assertIn("1000 requests wait", said)
            self.assert_serves()
        self.remove(sleeper)

    def test_3_an_object_of_five_megabytes_is_refused(self):
        status, answer = self.up.api("POST", MAPS, {"metadata": {"name": "big"}, "data": {"k": "x" * (5 << 20)}})
        self.assertEqual(status, 413, answer)
        self.assertIn("limit is 3145728", answer["message"])
        self.assertEqual(self.up.api("GET", f"{MAPS}/big")[0], 404)
        self.assert_serves()

    def test_4_tokens_that_are_old_or_not_ours_are_401(self):
        accounts = "/api/v1/namespaces/default/serviceaccounts"
        self.assertEqual(self.up.api("POST", accounts, {"metadata": {"name": "robot"}})[0], 201)
        status, answer = self.up.api("POST", f"{accounts}/robot/token", {"spec": {"expirationSeconds": 600}})
        self.assertEqual(status, 201, answer)
        token = answer["status"]["token"]
        head, claims, signature = token.split(".")
        head, claims = (json.loads(base64.urlsafe_b64decode(text + "===")) for text in (head, claims))
        key = (pathlib.Path(self.up.data_dir) / "api" / "signing.key").read_bytes().strip()
        old = {**claims, "exp": int(time.time()) - 1}
        another = {**claims, "sub": "system:serviceaccount:kube-system:admin"}
        rows = (("as it was given", token, 200),
                ("signed anew with the server's key", signed(head, claims, key), 200),
                ("expired", signed(head, old, key), 401),
                ("signed with another key", signed(head, claims, key[::-1]), 401),
                ("for somebody else", f"{part(json.dumps(head).encode())}.{part(json.dumps(another).encode())}."
                                      f"{signature}", 401),
                ("not signed", signed({"alg": "none"}, claims, key).rsplit(".", 1)[0] + ".", 401),
                ("no token at all", "nonsense", 401))
        for name, given, expected in rows:
            with self.subTest(name):
                status, answer = self.up.api("GET", MAPS, token=given)
                self.assertEqual(status, expected, answer)
                if expected == 401:
                    self.assertEqual(answer["reason"], "Unauthorized")

    def test_5_a_wrong_flag_is_named_in_one_line(self):
        rows = ((["--engines", "0"], "--engines"), (["--nodes", "99"], "--nodes"), (["--port", "eight"], "--port"),
                (["--api-port", "70000"], "--api-port"), (["--no-such-flag"], "--no-such-flag"),
                (["--policy", "fastest"], "fastest"), (["--log-level", "loud"], "loud"),
                ([str(harness.DEMO), "second-model"], "second-model"))
        for flags, word in rows:
            with self.subTest(" ".join(flags)):
                code, output = harness.run("up", *flags, "--data-dir", os.path.join(self.folder, "unused"))
                self.assertEqual(code, 2, output)
                first, *hint = output.splitlines()
                self.assertIn(word, first)
                self.assertIn(hint, ([], ["`nacelle up --help` shows all flags."]))
        self.assertFalse(os.path.exists(os.path.join(self.folder, "unused")))

    def test_6_a_full_disk_refuses_writes_and_stops_nothing_else(self):
        if self.no_disk:
            self.skipTest(f"no disk of its own: {self.no_disk}")
        filler = pathlib.Path(self.folder) / "filler"
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * (1 << 20)):
                pass
        before = len(self.up.get(MAPS)["items"])
        written = []
        try:
            status = 201
            while status == 201 and len(written) < 100:  # what the store's log has room for still goes in
                written.append(f"fill-{len(written)}")
                status, answer = self.up.api("POST", MAPS, {"metadata": {"name": written[-1]},
                                                            "data": {"k": "x" * (256 << 10)}})
            self.assertEqual(status, 507, answer)
            self.assertEqual(answer["reason"], "InsufficientStorage")
            self.assertIn("the store has no space left", answer["message"])
            for _ in range(3):
                self.assert_serves()
            self.assertEqual(len(self.up.get(MAPS)["items"]), before + len(written) - 1, "what was refused is not there")
        finally:
            filler.unlink()
        harness.wait_until(lambda: self.up.api("POST", MAPS, {"metadata": {"name": "after"}})[0] in (201, 409), 30,
                           message="writes go on")
        for name in written[:-1]:
            self.assertEqual(self.up.api("DELETE", f"{MAPS}/{name}")[0], 200)
        self.up.wait_ready("demo")
        self.assert_serves()

    def test_7_a_damaged_store_is_kept_and_said(self):
        self.up.kill_all()
        store = pathlib.Path(self.up.data_dir) / "api" / "store.db"
        for log in store.parent.glob("store.db-*"):  # it would mend the file
            log.unlink()
        damaged = b"not a database\n" + store.read_bytes()[15:]
        store.write_bytes(damaged)
        code, output = harness.run("up", "--data-dir", self.up.data_dir, "--port", self.up.gateway_port,
                                   "--admin-port", self.up.admin_port, "--api-port", self.up.api_port)
        self.assertEqual(code, 1, output)
        self.assertIn(f"{store} is damaged", output)
        copy, = store.parent.glob("store.db.damaged-*[0-9]")
        self.assertIn(f"a copy is kept as {copy}", output)
        self.assertEqual(copy.read_bytes(), damaged)
        self.assertEqual(store.read_bytes(), damaged, "nothing was changed")
        store.unlink()
        self.up.start_again(harness.DEMO)
        self.up.wait_ready("demo")
        self.assert_serves()


if __name__ == "__main__":
    unittest.main()
