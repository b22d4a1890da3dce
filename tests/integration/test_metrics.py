"""Resource metrics of `nacelle up`: what `kubectl top` shows, and what autoscalers make of it."""
import pathlib
import re
import shutil
import subprocess
import unittest

import cluster
import harness

BUSY = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: busy, namespace: default}
spec:
  selector: {matchLabels: {app: busy}}
  template:
    metadata: {labels: {app: busy}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: main, image: busybox, command: [sh, -c, "while :; do :; done"], resources: {requests: {cpu: 100m}}}
"""
SCALER = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: busy, namespace: default}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: busy}
  minReplicas: 1
  maxReplicas: 2
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
"""
DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/busy"
AUTOSCALER = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/busy"


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.up = cluster.Cluster(engines=1)
        cls.addClassCleanup(cls.up.close)
        cls.up.apply(DEPLOYMENT, BUSY)

    def kubectl_top(self, *args):
        """The rows below the header, as words; [] while there is nothing to show."""
        config = pathlib.Path(self.up.data_dir) / "api" / "kubeconfig"
        done = subprocess.run(["kubectl", "--kubeconfig", str(config), "top", *args], capture_output=True,
                              text=True, timeout=60)
        return [line.split() for line in done.stdout.splitlines()[1:]]

    def test_an_autoscaler_follows_the_cpu_of_its_pods(self):
        self.up.apply(AUTOSCALER, SCALER)
        harness.wait_until(lambda: self.up.get(DEPLOYMENT)["spec"]["replicas"] == 2, 120,
                           message=lambda: str(self.up.get(AUTOSCALER).get("status")))
        current = self.up.get(AUTOSCALER)["status"]["currentMetrics"][0]["resource"]["current"]
        self.assertGreater(current["averageUtilization"], 50)

    @unittest.skipUnless(shutil.which("kubectl"), "no kubectl")
    def test_kubectl_top_shows_pods_containers_and_nodes(self):
        self.up.wait_ready("demo")

        def pods():
            return {row[0].rsplit("-", 2)[0]: row for row in self.kubectl_top("pods")}
        harness.wait_until(lambda: {"busy", "demo-kserve"} <= set(pods()), 60, message=lambda: str(pods()))
        engine, busy = pods()["demo-kserve"], pods()["busy"]
        self.assertRegex(engine[1], r"^\d+m$")
        self.assertGreater(int(re.match(r"(\d+)Mi$", engine[2]).group(1)), 10)  # the demo model and its cache
        self.assertGreater(int(busy[1].removesuffix("m")), 100)  # a core, as far as others leave it
        containers = self.kubectl_top("pods", "--containers", "-l", "app=busy")
        self.assertEqual({row[1] for row in containers}, {"main"})
        node, = self.kubectl_top("nodes")
        self.assertEqual(node[0], "node-1")
        self.assertGreaterEqual(int(node[1].removesuffix("m")), 100)
        self.assertRegex(node[2], r"^\d+%$")


if __name__ == "__main__":
    unittest.main()
