"""Real kubectl, every generation that is installed, against the embedded API server."""
import os
import pathlib
import re
import subprocess
import tempfile

import kubectl

SERVER = os.environ.get("NACELLE_KUBE_API", "build/release/tests/kube_api_server")

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: tour, labels: {app: tour}}
data: {a: "1"}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "img:1", ports: [{containerPort: 80}]}]}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: talker}
spec: {nodeName: n1, containers: [{name: c, image: "img:1"}]}
"""
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.demo.example.com}
spec:
  group: demo.example.com
  scope: Namespaced
  names: {plural: gadgets, kind: Gadget, shortNames: [gd]}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
    subresources: {status: {}, scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            description: What the gadget is.
            properties: {size: {type: integer, minimum: 1, maximum: 10, default: 3, description: How large.}}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""
GADGET = """
apiVersion: demo.example.com/v1
kind: Gadget
metadata: {name: g}
spec: {size: %s}
"""


class Api:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.process = subprocess.Popen([SERVER, str(self.folder / "data")], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.kubeconfig = self.process.stdout.readline().strip()
        if not self.kubeconfig:
            raise AssertionError(self.process.stderr.read())

    def stop(self):
        self.process.terminate()
        code = self.process.wait(30)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


class Tour(kubectl.Kubectl):
    """The tests; a class per version of kubectl is made below."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="nacelle-kubectl-")
        cls.api = Api(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        code = cls.api.stop()
        cls.folder.cleanup()
        assert code == 0, f"the server ended with {code}"

    def environment(self, **more):
        # A discovery cache of its own: ports are used again by other servers.
        return {**os.environ, "HOME": self.folder.name, "KUBECONFIG": self.api.kubeconfig, **more}

    def test_01_discovery(self):
        self.assertEqual(os.stat(self.api.kubeconfig).st_mode & 0o777, 0o600)
        listed = self.kubectl("api-resources")
        for name in ("pods", "deployments", "customresourcedefinitions", "httproutes", "inferencepools"):
            self.assertRegex(listed, rf"(?m)^{name}\s")
        self.assertIn("apps/v1", self.kubectl("api-versions"))
        self.assertIn("v1.32", self.kubectl("version"))
        self.assertEqual(self.kubectl("auth", "can-i", "create", "pods").strip(), "yes")

    def test_02_create_get_and_formats(self):
        self.kubectl("create", "-f", "-", stdin=CONFIG)
        self.assertIn("AlreadyExists", self.refused("create", "-f", "-", stdin=CONFIG))
        table = self.kubectl("get", "cm", "tour", "--show-labels")
        self.assertRegex(table, r"NAME\s+DATA\s+AGE\s+LABELS\ntour\s+1\s+\d+s\s+app=tour")
        self.assertEqual(self.kubectl("get", "cm", "-l", "app=tour", "-o", "name").strip(), "configmap/tour")
        self.assertIn('a: "1"', self.kubectl("get", "cm", "tour", "-o", "yaml"))
        self.assertEqual(self.kubectl("get", "cm", "tour", "-o", "jsonpath={.data.a}"), "1")
        self.assertRegex(self.kubectl("get", "cm", "-A"), r"NAMESPACE\s+NAME")
        self.assertIn('pods "nope" not found', self.refused("get", "pod", "nope"))
        self.kubectl("create", "ns", "imperative")
        self.kubectl("create", "secret", "generic", "s", "--from-literal=k=v")
        self.kubectl("create", "sa", "robot")
        self.assertRegex(self.kubectl("get", "secret", "s"), r"Opaque\s+1")

    def test_03_apply_diff_edit(self):
        self.assertIn("created", self.kubectl("apply", "-f", "-", stdin=DEPLOYMENT))
        self.assertIn("unchanged", self.kubectl("apply", "-f", "-", stdin=DEPLOYMENT))
        changed = DEPLOYMENT.replace("img:1", "img:2")
        difference = self.run_kubectl("diff", "-f", "-", stdin=changed)
        self.assertEqual(difference.returncode, 1, difference.stderr)
        self.assertIn("+      - image: img:2", difference.stdout)
        self.assertIn("configured", self.kubectl("apply", "-f", "-", stdin=changed))
        self.assertIn("serverside-applied", self.kubectl("apply", "--server-side", "-f", "-",
                                                         stdin=CONFIG.replace("tour", "ssa")))
        self.kubectl("apply", "--dry-run=server", "-f", "-", stdin=changed)
        editor = pathlib.Path(self.folder.name) / "editor.sh"
        editor.write_text('#!/bin/sh\nsed -i "s/replicas: 2/replicas: 5/" "$1"\n')
        editor.chmod(0o755)
        self.assertIn("edited", self.kubectl("edit", "deploy/web", KUBE_EDITOR=str(editor)))
        self.assertEqual(self.kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"), "5")
        self.assertIn("invalid", self.refused("apply", "-f", "-", stdin=DEPLOYMENT.replace(
            "replicas: 2", "replicas: -2")))
        self.assertRegex(self.refused("apply", "-f", "-", stdin=DEPLOYMENT.replace("replicas: 2", "nonsense: 2")),
                         "unknown field|nonsense")

    def test_04_change_in_place(self):
        self.kubectl("scale", "deploy/web", "--replicas=4")
        self.assertRegex(self.kubectl("get", "deploy", "web"), r"web\s+0/4")
        self.kubectl("label", "deploy/web", "tier=front")
        self.kubectl("annotate", "deploy/web", "note=hello")
        self.kubectl("label", "deploy/web", "tier-")
        self.kubectl("set", "image", "deploy/web", "main=img:3")
        self.assertEqual(self.kubectl("get", "deploy", "web", "-o",
                                      "jsonpath={.spec.template.spec.containers[0].image}"), "img:3")
        self.kubectl("patch", "deploy", "web", "-p", '{"spec":{"paused":true}}')
        self.kubectl("patch", "deploy", "web", "--type=json", "-p",
                     '[{"op":"remove","path":"/spec/paused"}]')
        self.kubectl("rollout", "restart", "deploy/web")
        self.kubectl("expose", "deploy/web", "--port=80")
        self.assertRegex(self.kubectl("get", "svc", "web"), r"ClusterIP\s+127\.96\.\d+\.\d+\s+<none>\s+80/TCP")
        self.kubectl("autoscale", "deploy/web", "--max=3", "--cpu-percent=50")
        self.assertIn("web", self.kubectl("get", "hpa"))

    def test_05_describe_and_explain(self):
        self.assertRegex(self.kubectl("describe", "deploy", "web"), r"Replicas:\s+4 desired")
        self.assertIn("Selector:", self.kubectl("describe", "svc", "web"))
        self.assertIn("FIELD", self.kubectl("explain", "deploy.spec.replicas"))
        self.assertIn("containers", self.kubectl("explain", "pod.spec"))

    def test_06_watch(self):
        watch = self.follow("get", "cm", "-w", "--output-watch-events")
        watch.wait_for(r"^ADDED\s+tour\s")
        self.kubectl("label", "cm", "tour", "seen=1")
        watch.wait_for(r"^MODIFIED\s+tour\s")

    def test_07_logs_and_what_is_not_there(self):
        self.kubectl("apply", "-f", "-", stdin=POD)
        self.assertEqual(self.kubectl("logs", "talker"), "line 1 of c\nline 2 of c\nline 3 of c\n")
        self.assertIn("previous terminated container", self.refused("logs", "talker", "--previous"))
        self.assertIn("not implemented", self.refused("exec", "talker", "--", "ls").lower())

    def test_08_crds(self):
        self.kubectl("apply", "-f", "-", stdin=CRD)
        self.kubectl("wait", "crd/gadgets.demo.example.com", "--for=condition=Established", "--timeout=30s")
        self.kubectl("apply", "-f", "-", stdin=GADGET % 4)
        self.assertRegex(self.kubectl("get", "gd"), r"NAME\s+SIZE\ng\s+4")
        self.kubectl("scale", "gadget/g", "--replicas=7")
        self.assertRegex(self.kubectl("get", "gd"), r"g\s+7")
        self.assertIn("less than or equal to 10", self.refused("apply", "-f", "-", stdin=GADGET % 22))
        self.assertIn("size", self.kubectl("explain", "gadget.spec"))
        self.kubectl("delete", "crd", "gadgets.demo.example.com", "--timeout=60s")

    def test_08_a_rendered_chart(self):
        chart = str(pathlib.Path(__file__).parent.parent / "testdata/kube/rendered_chart.yaml")
        count = len(re.findall(r"(?m)^kind:", pathlib.Path(chart).read_text()))
        first = self.run_kubectl("apply", "-f", chart)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(first.stdout.count(" created"), count, first.stdout)
        for said in ("Ingress demo-web: kept and shown", "no webhooks", "no Jobs will come"):
            self.assertIn(said, first.stderr)
        versions = "-o=jsonpath={.items[*].metadata.resourceVersion}"
        before = self.kubectl("get", "-f", chart, versions)
        again = self.kubectl("apply", "-f", chart).splitlines()
        # kubectl always sends stringData, the selector of a budget and, before 1.21, all of a CronJob of batch/v1:
        # nothing changes by that.
        self.assertLessEqual({line.split("/")[0] for line in again if not line.endswith(" unchanged")},
                             {"secret", "poddisruptionbudget.policy", "cronjob.batch"})
        self.assertEqual(self.kubectl("get", "-f", chart, versions), before)
        mine = ("-l", "app.kubernetes.io/instance=demo,app.kubernetes.io/managed-by=Helm")
        self.assertEqual(len(self.kubectl("get", "deploy,svc,cm,secret,sa,pvc,role,rolebinding,netpol,hpa,pdb,ing,cj,pod",
                                          *mine, "-o", "name").split()), count - 1)
        self.assertEqual(self.kubectl("get", "cm", "demo-web", "-o", r"jsonpath={.data.settings\.yaml}").splitlines()[0],
                         'greeting: "{{ name }}: \\"hello\\""')
        # What Helm does on an upgrade: some fields of some objects, by a strategic merge patch.
        self.kubectl("patch", "deploy", "demo-web", "-p",
                     '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"registry.example.com/web:2.0.2"}]}}}}')
        self.assertIn("configured", self.kubectl("apply", "-f", chart))
        self.kubectl("delete", "-f", chart, "--timeout=60s")
        self.assertEqual(self.kubectl("get", "deploy,cj,ing,pdb", "-A", *mine, "-o", "name"), "")

    def test_08_a_chart_that_brings_a_kind(self):
        folder = pathlib.Path(__file__).parent.parent / "testdata/kube"
        crd, name = folder / "chart_crd.yaml", "certificates.pki.example.com"
        text = (folder / "chart_custom_resource.yaml").read_text()
        first = self.run_kubectl("apply", "-f", crd)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn("x-kubernetes-validations are kept and shown, but not evaluated", first.stderr)
        self.kubectl("wait", f"crd/{name}", "--for=condition=Established", "--timeout=30s")
        self.assertIn("unchanged", self.kubectl("apply", "-f", crd))
        self.assertIn("created", self.kubectl("apply", "-f", "-", stdin=text))

        def spec(path):
            return self.kubectl("get", "cert", "demo-web", "-o", f"jsonpath={{.spec.{path}}}")
        # Defaults, also of lists' entries; int-or-string stays what it was.
        self.assertEqual((spec("duration"), spec("ports[0].protocol"), spec("renewBefore")), ("2160h", "TCP", "20%"))
        self.assertEqual(spec("secretTemplate.annotations.note"), "{{ not a template }}")
        self.assertEqual(spec("template.anything[1]"), "two")
        version = self.kubectl("get", "cert", "demo-web", "-o", "jsonpath={.metadata.resourceVersion}")
        self.kubectl("apply", "-f", "-", stdin=text)
        self.assertEqual(self.kubectl("get", "cert", "demo-web", "-o", "jsonpath={.metadata.resourceVersion}"), version)
        self.assertRegex(self.kubectl("get", "cert"), r"^NAME\s+READY\s+SECRET\s+REVISION\s+AGE\ndemo-web\s+demo-web-tls\s+\d+s")
        self.assertRegex(self.kubectl("get", "pki", "-o", "wide"), 
                         r"ISSUER\s+EXPIRES\s+REVISION\s+AGE\ndemo-web\s+demo-web-tls\s+demo-issuer\s")
        self.assertIn("share of the whole", self.kubectl("explain", "cert.spec.renewBefore"))
        # The other version that is served is the same object, with a word of warning; the third is not served.
        other = self.run_kubectl("get", "certificates.v1beta1.pki.example.com", "demo-web", "-o", "jsonpath={.apiVersion} {.spec.keySize}")
        self.assertEqual(other.stdout, "pki.example.com/v1beta1 2048")
        self.assertIn("is deprecated; use pki.example.com/v1", other.stderr)
        self.refused("get", "certificates.v1alpha1.pki.example.com")
        # A list that is a map: of another's part one entry changes, the other stays.
        part = ("apiVersion: pki.example.com/v1\nkind: Certificate\nmetadata: {name: demo-web}\n"
                "spec: {renewBefore: 15, ports: [{port: 443, protocol: TCP, name: web}]}\n")
        self.kubectl("apply", "--server-side", "--field-manager=other", "--force-conflicts", "--validate=false", "-f", "-",
                     stdin=part)
        self.assertEqual((spec("renewBefore"), spec("ports[*].name")), ("15", "web quic"))
        rows = (("an enum", "keySize: 2048", "keySize: 1024", "spec.keySize: Unsupported value: 1024"),
                ("a number of int-or-string", "20%", "120", "spec.renewBefore in body should be less than or equal to 100"),
                ("a text of int-or-string", "500m", "much", "spec.cpu in body should match"),
                ("one of two", "{jks: {create: true}}", "{}", "must validate one and only one schema (oneOf)"),
                ("twice in a set", "www.example.com", "web.example.com", 'spec.dnsNames[1]: Duplicate value: "web.example.com"'),
                ("twice in a map", "protocol: UDP, ", "", "spec.ports[1]: Duplicate value"),
                ("no kind within", "kind: Secret, ", "", "spec.template.kind: Required value"),
                ("what is required", "secretName: demo-web-tls", "", "secretName"))
        for title, right, wrong, said in rows:
            with self.subTest(title):
                self.assertIn(said, self.refused("apply", "-f", "-", stdin=text.replace(right, wrong).replace(
                    "name: demo-web\n", "name: wrong\n")))
        self.kubectl("delete", "cert", "demo-web")
        self.kubectl("delete", "-f", crd, "--timeout=60s")

    def test_09_delete_and_wait(self):
        waiting = subprocess.Popen([self.binary, "wait", "cm/tour", "--for=delete", "--timeout=60s"], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment())
        self.kubectl("delete", "cm", "tour")
        out, error = waiting.communicate(timeout=90)
        # It may have begun when the object was gone already, which old ones call an error.
        self.assertTrue(waiting.returncode == 0 or "no matching resources" in error or "not found" in error,
                        out + error)
        self.kubectl("delete", "deploy", "web", "--cascade=foreground", "--timeout=60s")
        self.kubectl("delete", "ns", "imperative", "--timeout=60s")
        self.assertIn("not found", self.refused("get", "ns", "imperative"))

    def test_10_who_is_not_known_is_refused(self):
        done = subprocess.run([self.binary, "get", "pods", "--token=wrong"], capture_output=True, text=True,
                              timeout=120, env=self.environment())
        # The kubeconfig's own token wins over none; a wrong one is refused.
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Unauthorized", done.stderr)

    def test_11_a_restart_keeps_everything(self):
        self.kubectl("create", "cm", "kept")
        port = re.search(r":(\d+)", pathlib.Path(self.api.kubeconfig).read_text().split("server:")[1]).group(1)
        self.api.process.kill()
        self.api.process.wait()
        self.api.process.stdout.close()
        self.api.process.stderr.close()
        type(self).api = Api(self.folder.name)
        self.assertNotEqual(port, "")
        self.assertIn("kept", self.kubectl("get", "cm", "kept"))


kubectl.for_each_version(Tour, globals())
