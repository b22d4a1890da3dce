"""What keeps a service of `nacelle up` from serving reaches its condition, by its name and within seconds, and goes when it
is mended; what cannot be applied is refused with its place."""
import json
import pathlib
import shutil
import tempfile
import unittest

import cluster
import harness

# From the moment the pod says what is wrong: it takes some tens of milliseconds.
SECONDS = 5
PODS = "/api/v1/namespaces/default/pods"
GATEWAYS = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways"
CONFIGS = cluster.SERVICES.replace("services", "serviceconfigs")
SMALL = """
    - name: main
      args: ["--kv-cache-memory-bytes", "64M", "--threads", "1"]
      lifecycle: {preStop: {sleep: {seconds: 1}}}
"""


def service(name, container="", pod="", spec="", uri=f"file://{harness.DEMO}", gateway="{}", model=None):
    return f"""
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {{name: {name}, namespace: default}}
spec:
  model: {{uri: "{uri}", name: {json.dumps(model or name)}}}
  router: {{route: {{}}, gateway: {gateway}, scheduler: {{}}}}
{spec}
  template:
{pod}
    containers:{SMALL}{container}
"""


class Causes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="nacelle-causes-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.up = cluster.Cluster("--devices", "nvidia.com/gpu=1:80Gi", engines=1)
        cls.addClassCleanup(cls.up.close)

    def apply(self, name, *args, **kwargs):
        self.up.apply(f"{cluster.SERVICES}/{name}", service(name, *args, **kwargs))
        self.addCleanup(self.remove, name)

    def remove(self, name):
        """Without the grace that an engine gets: nobody waits here."""
        self.up.api("DELETE", f"{cluster.SERVICES}/{name}")
        for pod in self.up.pods(f"app.kubernetes.io/name={name}"):
            self.up.api("DELETE", f"{PODS}/{pod['metadata']['name']}", {"gracePeriodSeconds": 0})

    def make(self, path, **fields):
        name = path.rsplit("/", 1)[1]
        status, answer = self.up.api("POST", path.rsplit("/", 1)[0], {"metadata": {"name": name}, **fields})
        self.assertEqual(status, 201, answer)
        self.addCleanup(self.up.api, "DELETE", path)

    def pods_say(self, name):
        """The states, reasons and messages in the status of its pods, as one text."""
        return json.dumps([pod.get("status") for pod in self.up.pods(f"app.kubernetes.io/name={name}")])

    def ready(self, name):
        return self.up.condition(f"{cluster.SERVICES}/{name}", "Ready") or ("", "", "")

    def wait_for_cause(self, name, reason, *words, pod=None):
        """The pod says `pod`; seconds later the service has the reason, and the words in its message."""
        if pod:
            harness.wait_until(lambda: pod in self.pods_say(name), 60, message=lambda: f"{pod}: {self.pods_say(name)}")

        def told():
            status, why, message = self.ready(name)
            return status == "False" and why == reason and all(word in message for word in words)
        harness.wait_until(told, SECONDS if pod else 60, message=lambda: f"{name}: {reason}, {words}: {self.ready(name)}")

    def wait_serves(self, name):
        self.up.wait_ready(name)
        self.assertEqual(self.up.request("GET", f"/default/{name}/v1/models").status, 200)

    def test_a_secret_that_is_missing(self):
        self.apply("needs-secret", "      env: [{name: KEY, valueFrom: {secretKeyRef: {name: hidden-key, key: k}}}]")
        self.wait_for_cause("needs-secret", "CreateContainerConfigError", 'secret "hidden-key" not found', "KEY",
                            pod="hidden-key")
        self.make("/api/v1/namespaces/default/secrets/hidden-key", data={"k": "dg=="})
        self.wait_serves("needs-secret")

    def test_a_config_map_that_is_missing(self):
        self.apply("needs-map", "      volumeMounts: [{name: settings, mountPath: /etc/settings}]",
                   "    volumes: [{name: settings, configMap: {name: absent-settings}}]")
        self.wait_for_cause("needs-map", "FailedMount", 'configmap "absent-settings" not found', "volume settings",
                            pod="absent-settings")
        self.make("/api/v1/namespaces/default/configmaps/absent-settings", data={"k": "v"})
        self.wait_serves("needs-map")

    def test_a_config_that_is_missing(self):
        self.apply("needs-config", spec="  baseRefs: [{name: absent-config}]")
        self.wait_for_cause("needs-config", "ConfigNotFound", 'LLMInferenceServiceConfig "absent-config"', "default")
        self.assertEqual(self.up.pods("app.kubernetes.io/name=needs-config"), [])
        self.make(f"{CONFIGS}/absent-config", apiVersion="serving.kserve.io/v1alpha2", kind="LLMInferenceServiceConfig",
                  spec={"labels": {"from": "config"}})
        self.addCleanup(self.remove, "needs-config")  # before the config, which it holds
        self.wait_serves("needs-config")

    def test_a_gateway_that_is_missing(self):
        self.apply("needs-gateway", gateway="{refs: [{name: absent-gateway, namespace: default}]}")
        self.wait_for_cause("needs-gateway", "RefsInvalid", "Gateway default/absent-gateway does not exist")
        port = harness.free_port()
        self.make(f"{GATEWAYS}/absent-gateway", apiVersion="gateway.networking.k8s.io/v1", kind="Gateway",
                  spec={"gatewayClassName": "nacelle", "listeners": [{"name": "http", "port": port, "protocol": "HTTP"}]})
        self.up.wait_ready("needs-gateway")
        self.assertEqual(harness.request(port, "GET", "/default/needs-gateway/v1/models").status, 200)

    def test_a_claim_that_is_missing(self):
        volume = pathlib.Path(self.folder) / "claimed"
        shutil.copytree(harness.DEMO, volume / "base")
        self.apply("needs-claim", uri="pvc://absent-claim/base")
        self.wait_for_cause("needs-claim", "Unschedulable", 'persistentvolumeclaim "absent-claim" not found',
                            pod="absent-claim")
        size = {"storage": "1Gi"}
        self.make("/api/v1/persistentvolumes/claimed", spec={"capacity": size, "accessModes": ["ReadOnlyMany"],
                                                             "hostPath": {"path": str(volume)}})
        self.make("/api/v1/namespaces/default/persistentvolumeclaims/absent-claim", spec={
            "accessModes": ["ReadOnlyMany"], "storageClassName": "", "volumeName": "claimed",
            "resources": {"requests": size}})
        self.wait_serves("needs-claim")

    def test_what_a_pod_says_is_in_the_condition_within_seconds(self):
        rows = (("crashes", '      command: [sh, -c, "echo out of luck; exit 3"]', "CrashLoopBackOff",
                 ("container main", "code 3", "out of luck"), "CrashLoopBackOff"),
                ("is-no-program", '      image: example.com/nobody/has:this\n      command: [/nowhere/program]',
                 "ErrImagePull", ("container main", "example.com/nobody/has:this", "/nowhere/program"), "ErrImagePull"),
                ("wants-devices", "      resources: {limits: {nvidia.com/gpu: 2}}", "Unschedulable",
                 ("nvidia.com/gpu",), "Unschedulable"),
                ("stays-mute", "      image: busybox\n      command: [sh, -c, 'sleep 600']", "ContainersNotReady",
                 ("container main does not answer yet", "/health"), '"started": false'))
        for name, container, *_ in rows:
            self.apply(name, container)
        for name, _, reason, words, pod in rows:
            with self.subTest(name):
                self.wait_for_cause(name, reason, *words, pod=pod)

    def test_quotes_and_braces_pass_through_presets_shell_and_engine(self):
        name = """it's "big" {{ .Spec.Model.Name }} ${HOME} \\ `id` {"a": 1}; echo"""
        said = """say "hi" to {{ .Name }} 'and' {not: yaml} {{ "{{ x }}" }}"""
        self.apply("quoted", f"      env: [{{name: WORDS, value: {json.dumps(said)}}}]", model=name)
        self.up.wait_ready("quoted")
        listed = self.up.request("GET", "/default/quoted/v1/models").json["data"]
        self.assertEqual([one["id"] for one in listed], [name, f"publishers/default/models/{name}"])
        answer = self.up.request("POST", "/default/quoted/v1/completions", {"model": name, "prompt": "a", "max_tokens": 1})
        self.assertEqual((answer.status, answer.json["model"]), (200, name))
        pod, = self.up.pods("app.kubernetes.io/name=quoted")
        main, = [one for one in pod["spec"]["containers"] if one["name"] == "main"]
        self.assertIn({"name": "WORDS", "value": """say "hi" to quoted 'and' {not: yaml} {{ x }}"""}, main["env"])
        # The process has it, too.
        environments = [pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in self.up.engine_pids()]
        self.assertIn(b"""WORDS=say "hi" to quoted 'and' {not: yaml} {{ x }}""", sum(environments, []))

    def test_what_cannot_be_applied_is_refused_with_its_place(self):
        good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: first}\ndata: {a: '1'}\n"
        rows = (("broken YAML", good + "---\n" + "kind: ConfigMap\nmetadata: {name: b\n", ("FILE:5", "line 8")),
                ("no YAML at all", "\t- {", ("FILE:1",)),
                ("an unknown kind", good + "---\napiVersion: v1\nkind: Gizmo\nmetadata: {name: g}\n",
                 ("FILE:5", 'no matches for kind "Gizmo" in version "v1"')),
                ("no name", "apiVersion: v1\nkind: ConfigMap\n", ("FILE:1", "no metadata.name")),
                ("a wrong enum", "apiVersion: inference.llm-d.ai/v1alpha1\nkind: LLMInferenceService\n"
                 "metadata: {name: wrong}\nspec: {model: {id: a, source: {type: Ftp}}}\n",
                 ("FILE:1", "spec.model.source.type", '"Ftp"', '"HuggingFace"')),
                ("a wrong type", service("wrong", spec="  replicas: many"), ("FILE:1", "spec.replicas", "integer")),
                ("an unknown field", service("wrong", spec="  replica: 1"), ("FILE:1", "spec.replica")),
                ("two fields", service("wrong", spec="  replica: 1\n  parallelizm: {}"), ("spec.replica", "spec.parallelizm")),
                ("a name too long", service("n" * 64), ("metadata.name", "63")))
        for title, text, words in rows:
            with self.subTest(title):
                file = pathlib.Path(self.folder) / "wrong.yaml"
                file.write_text(text)
                code, output = harness.run("apply", "-f", file, "--data-dir", self.up.data_dir)
                self.assertEqual(code, 1, output)
                for word in words:
                    self.assertIn(word.replace("FILE", str(file)), output)
        self.assertEqual(self.up.api("GET", f"{cluster.SERVICES}/wrong")[0], 404)


if __name__ == "__main__":
    unittest.main()
