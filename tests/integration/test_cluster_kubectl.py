"""Real kubectl, the oldest and the newest that is there, and the binary's own commands against one `nacelle up`: what is
applied serves, and every verb tells of engines that run."""
import os
import pathlib
import shutil
import stat
import tempfile
import unittest

import cluster
import harness
import kubectl

SERVICE = """
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: chat}
spec:
  model: {uri: "file://%s", name: chat}
  replicas: 1
  template:
    containers:
    - name: main
      args: ["--kv-cache-memory-bytes", "64M", "--threads", "1"]
      lifecycle: {preStop: {sleep: {seconds: 1}}}
  router: {gateway: {}, route: {}, scheduler: {}}
""" % harness.DEMO
SCALED = """
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: direct}
spec:
  model: {id: direct, source: {uri: "file://%s"}}
  engine: {args: ["--kv-cache-memory-bytes", "64M", "--threads", "1"]}
  replicas: 1
""" % harness.DEMO
TALKER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: talker}
spec:
  replicas: 1
  selector: {matchLabels: {app: talker}}
  template:
    metadata: {labels: {app: talker}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: main
        image: busybox
        command: [sh, -c, "i=0; while sleep 0.2; do i=$((i+1)); echo line $i; done"]
"""
API_HOST = "127.0.0.2"
SERVICES = "llmisvc.serving.kserve.io"
SCALED_SERVICES = "llminferenceservices.inference.llm-d.ai"


def setUpModule():
    global up, home
    home = tempfile.mkdtemp(prefix="nacelle-home-")  # of kubectl: its cache of what the server has
    up = cluster.Cluster("--nodes", 2, "--api-host", API_HOST, engines=1)


def tearDownModule():
    up.close()
    shutil.rmtree(home, ignore_errors=True)


def kubeconfig():
    return pathlib.Path(up.data_dir) / "api" / "kubeconfig"


class Verbs(kubectl.Kubectl):
    """In a namespace for each kubectl; one after the other."""

    @classmethod
    def setUpClass(cls):
        cls.space = f"team-{cls.version[0]}-{cls.version[1]}"

    def environment(self, **more):
        return {**os.environ, "HOME": home, "KUBECONFIG": str(kubeconfig()), **more}

    def run_kubectl(self, *args, **more):
        return super().run_kubectl("--namespace", self.space, *args, **more)

    def follow(self, *args):
        return super().follow("--namespace", self.space, *args)

    def said_by(self, service, headers=None):
        """What a service answers through the gateway."""
        body = {"model": service, "messages": [{"role": "user", "content": "What is Nacelle?"}], "temperature": 0,
                "max_tokens": 32}
        answer = up.request("POST", f"/{self.space}/{service}/v1/chat/completions", body, headers)
        self.assertEqual(answer.status, 200, answer.data)
        return answer.json["choices"][0]["message"]["content"]

    def pods_of(self, service):
        return self.kubectl("get", "pods", "-l", f"app.kubernetes.io/name={service}", "-o", "name").split()

    def test_1_what_is_applied_serves(self):
        self.kubectl("create", "namespace", self.space)
        watch = self.follow("get", SERVICES, "-w")
        self.assertIn("created", self.kubectl("apply", "-f", "-", stdin=SERVICE))
        self.kubectl("wait", "--for=condition=Ready", f"{SERVICES}/chat", "--timeout=120s")
        watch.wait_for(rf"^chat\s+http://127\.0\.0\.1:{up.port}/{self.space}/chat\s+True\s")
        self.assertIn("Nacelle", self.said_by("chat"))
        self.assertIn("unchanged", self.kubectl("apply", "-f", "-", stdin=SERVICE))

    def test_2_what_the_server_applies_serves_and_has_owners(self):
        apply = ("apply", "--server-side", "-f", "-")
        self.assertIn("serverside-applied", self.kubectl(*apply, stdin=SCALED))
        self.kubectl("wait", "--for=condition=Ready", f"{SCALED_SERVICES}/direct", "--timeout=120s")
        self.assertIn("Nacelle", self.said_by("direct"))
        none = SCALED.replace("replicas: 1", "replicas: 0")
        refused = self.refused(*apply, "--field-manager=another", stdin=none)
        self.assertIn(".spec.replicas", refused)
        self.assertIn("conflict", refused)
        self.kubectl(*apply, "--field-manager=another", "--force-conflicts", stdin=none)
        self.kubectl("delete", SCALED_SERVICES, "direct", "--timeout=60s")

    def test_3_diff_says_what_an_apply_would_change(self):
        self.assertEqual(self.run_kubectl("diff", "-f", "-", stdin=SERVICE).returncode, 0)
        done = self.run_kubectl("diff", "-f", "-", stdin=SERVICE.replace("replicas: 1", "replicas: 3"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^-  replicas: 1\n\+  replicas: 3$")
        self.assertEqual(self.kubectl("get", SERVICES, "chat", "-o", "jsonpath={.spec.replicas}"), "1")

    def test_4_explain_lists_fields_and_what_they_are(self):
        said = self.kubectl("explain", "llmisvc.spec.model")
        self.assertRegex(said, r"FIELDS?:")
        self.assertRegex(said, r"(?m)^\s+uri\s+<string>")
        self.assertIn("The model that is served.", said)
        older = self.kubectl("explain", "llmisvc.spec.model", "--api-version=serving.kserve.io/v1alpha1")
        self.assertRegex(older, r"(?m)^\s+criticality\s+<string>")
        self.assertNotIn("criticality", said)

    def test_5_describe_has_conditions_and_events(self):
        service = self.kubectl("describe", SERVICES, "chat")
        self.assertRegex(service, r"Type:\s+RouterReady")
        self.assertRegex(service, r"(?m)^\s+Normal\s+LLMInferenceServiceReady\s")
        pod = self.kubectl("describe", self.pods_of("chat")[0])
        self.assertRegex(pod, r"(?m)^\s+Normal\s+Scheduled\s.*to node-[12]$")
        self.assertRegex(pod, r"(?m)^\s+Normal\s+Started\s.*Started container main$")
        self.assertRegex(pod, r"Ready\s+True")

    def test_6_edit_changes_a_running_service(self):
        editor = pathlib.Path(home) / "editor.sh"
        editor.write_text('#!/bin/sh\nsed -i "s/^  replicas: 1/  replicas: 2/" "$1"\n')
        editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
        self.assertIn("edited", self.kubectl("edit", SERVICES, "chat", KUBE_EDITOR=str(editor)))
        harness.wait_until(lambda: len(self.pods_of("chat")) == 2, 30, message=lambda: f"two pods: {self.pods_of('chat')}")
        self.kubectl("wait", "--for=condition=Ready", "pod", "-l", "app.kubernetes.io/name=chat", "--timeout=60s")
        # What is refused comes back with the reason, until it is left as it was.
        editor.write_text('#!/bin/sh\ncp "$1" "$HOME/edited"\nsed -i "s/^  replicas: 2/  replicas: two/" "$1"\n')
        self.assertNotEqual(self.run_kubectl("edit", SERVICES, "chat", KUBE_EDITOR=str(editor)).returncode, 0)
        self.assertRegex((pathlib.Path(home) / "edited").read_text(), r"(?m)^# .*spec\.replicas")
        self.assertEqual(self.kubectl("get", SERVICES, "chat", "-o", "jsonpath={.spec.replicas}"), "2")

    def test_7_logs_follow_and_scale_scales(self):
        self.kubectl("apply", "-f", "-", stdin=TALKER)
        self.kubectl("rollout", "status", "deployment/talker", "--timeout=60s")
        pod, = self.kubectl("get", "pods", "-l", "app=talker", "-o", "name").split()
        follower = self.follow("logs", "-f", pod)
        follower.wait_for(r"^line 1$")
        follower.wait_for(r"^line 5$")
        self.assertIn("Application startup complete", self.kubectl("logs", "deployment/chat-kserve"))
        self.kubectl("scale", "deployment/talker", "--replicas=3")
        self.kubectl("rollout", "status", "deployment/talker", "--timeout=60s")
        self.assertRegex(self.kubectl("get", "deployment", "talker"), r"(?m)^talker\s+3/3\s+3\s+3\s")
        self.assertIn("ScalingReplicaSet", self.kubectl("describe", "deployment", "talker"))
        self.kubectl("delete", "deployment", "talker", "--timeout=60s")
        self.assertEqual(follower.end(), 0, "the log ends with its container")

    def test_8_what_there_is_and_who_may(self):
        listed = self.kubectl("api-resources", "--api-group=serving.kserve.io")
        self.assertRegex(listed, r"(?m)^llminferenceservices\s+llmisvc\s+serving\.kserve\.io/v1alpha2\s+true\s+"
                                 r"LLMInferenceService$")
        for verb in ("create", "delete", "watch"):
            self.assertEqual(self.kubectl("auth", "can-i", verb, SERVICES).strip(), "yes")
        done = self.run_kubectl("auth", "can-i", "create", SERVICES, "--token=forged")
        self.assertNotEqual(done.stdout.strip(), "yes")

    def test_9_delete_takes_everything_with_it(self):
        self.kubectl("delete", SERVICES, "chat", "--timeout=60s")
        harness.wait_until(lambda: not self.pods_of("chat"), 60, message=lambda: f"no pods: {self.pods_of('chat')}")
        self.assertEqual(self.kubectl("get", "deployments,httproutes,inferencepools,services", "-o", "name"), "")
        harness.wait_until(lambda: up.request("GET", f"/{self.space}/chat/v1/models").status == 404, 30,
                           message="its route is gone")
        self.kubectl("delete", "namespace", self.space, "--timeout=60s")
        self.assertIn("not found", self.refused("get", "namespace", self.space))


kubectl.for_each_version(Verbs, globals())


class OwnCommands(unittest.TestCase):
    """What a machine without kubectl has."""

    def nacelle(self, *args):
        code, output = harness.run(*args, "--data-dir", up.data_dir)
        self.assertEqual(code, 0, f"nacelle {' '.join(map(str, args))}\n{output}")
        return output

    def follow(self, *args):
        follower = kubectl.Follower([harness.BINARY, *args, "--data-dir", up.data_dir])
        self.addCleanup(follower.close)
        return follower

    def apply(self, text):
        file = pathlib.Path(home) / "applied.yaml"
        file.write_text(text)
        return self.nacelle("apply", "-f", file)

    def test_get_w_shows_a_service_on_its_way_and_delete_takes_it(self):
        watch = self.follow("get", SCALED_SERVICES, "-w")
        self.assertIn("created", self.apply(SCALED))
        watch.wait_for(r"^direct\s+direct\s+True\s")
        self.assertEqual(up.request("GET", "/default/direct/v1/models").status, 200)
        gone = self.follow("get", "deployments", "-w", "-o", "name")
        gone.wait_for("direct-kserve")
        self.assertIn("deleted", self.nacelle("delete", SCALED_SERVICES, "direct"))
        code, output = harness.run("get", SCALED_SERVICES, "direct", "--data-dir", up.data_dir)
        self.assertEqual(code, 1, output)
        self.assertIn("not found", output)
        harness.wait_until(lambda: not up.pods("app.kubernetes.io/name=direct"), 60, message="its pod is gone")
        self.assertIn("not found", harness.run("delete", SCALED_SERVICES, "direct", "--data-dir", up.data_dir)[1])

    def test_logs_f_ends_with_its_container(self):
        self.apply(TALKER)
        harness.wait_until(lambda: up.pods("app=talker"), 30, message="a pod")
        pod = up.pods("app=talker")[0]["metadata"]["name"]
        harness.wait_until(lambda: up.get(f"/api/v1/namespaces/default/pods/{pod}")["status"].get("phase") == "Running", 30,
                           message="it runs")
        follower = self.follow("logs", "-f", pod)
        follower.wait_for(r"^line 1$")
        follower.wait_for(r"^line 4$")
        self.nacelle("delete", "deployment", "talker")
        self.assertEqual(follower.end(), 0)

    def test_a_node_that_is_stopped_is_not_ready_and_comes_back(self):
        self.nacelle("node", "stop", "node-2")
        watch = self.follow("get", "nodes", "-w")
        watch.wait_for(r"^node-2\s+NotReady")
        self.nacelle("node", "start", "node-2")
        watch.wait_for(r"^node-2\s+Ready")
        self.assertRegex(self.nacelle("node", "list"), r"(?m)^node-2\s+Ready")
        self.assertIn("not found", harness.run("node", "stop", "node-9", "--data-dir", up.data_dir)[1])


class Kubeconfig(unittest.TestCase):
    def test_up_says_how_to_use_it_and_keeps_it_to_its_user(self):
        self.assertIn(f"export KUBECONFIG={kubeconfig()}", up.log())
        self.assertIn(f"https://{API_HOST}:{up.api_port}", up.log())
        self.assertEqual(kubeconfig().stat().st_mode & 0o777, 0o600)

    def test_the_api_is_where_it_was_told_to_be_and_nowhere_else(self):
        server, _, _ = up.credentials()
        self.assertEqual(server, f"https://{API_HOST}:{up.api_port}")
        self.assertEqual(up.api("GET", "/version")[0], 200)
        self.assertEqual(cluster.listening_at(up.api_port), {API_HOST})


if __name__ == "__main__":
    unittest.main()
