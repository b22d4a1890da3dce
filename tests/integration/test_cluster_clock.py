"""The clock of the machine jumps an hour ahead, and back, while `nacelle up` serves.

A preloaded library (tests/tools/clock_shift.cc) moves what the processes read of the wall clock.
"""
import calendar
import os
import tempfile
import time
import unittest

import cluster
import harness
import load

LIBRARY = os.environ.get("NACELLE_CLOCK_LIBRARY", "")
HOUR = 3600
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"

# Engines live with the same clock.
SERVICE = """
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: clocked, namespace: default}
spec:
  model: {uri: "file://%s", name: clocked}
  template:
    containers:
    - name: main
      args: ["--kv-cache-memory-bytes", "128M", "--threads", "1"]
      env: [{name: LD_PRELOAD, value: "%s"}, {name: NACELLE_CLOCK_SHIFT, value: "%s"}]
  router: {gateway: {}, route: {}, scheduler: {}}
"""
SCALED = """
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: scaled, namespace: default}
spec:
  model: {id: scaled, source: {uri: "file://%s"}}
  engine: {args: ["--kv-cache-memory-bytes", "128M", "--threads", "1"]}
  autoscaling:
    minReplicas: 0
    maxReplicas: 1
    metrics: [{type: RequestQueue, requestQueue: {targetAverageQueueDepth: 5}}]
"""


@unittest.skipUnless(os.path.exists(LIBRARY), "NACELLE_CLOCK_LIBRARY names no library")
class ClockJumps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        file = tempfile.NamedTemporaryFile(prefix="nacelle-clock-")
        cls.addClassCleanup(file.close)
        cls.shift_file = file.name
        cls.jump(0)
        cls.up = cluster.Cluster(engines=1, environment={"LD_PRELOAD": LIBRARY, "NACELLE_CLOCK_SHIFT": file.name})
        cls.addClassCleanup(cls.up.close)
        cls.up.apply(f"{cluster.SERVICES}/clocked", SERVICE % (harness.DEMO, LIBRARY, file.name))
        cls.up.apply(f"{cluster.SCALED_SERVICES}/scaled", SCALED % harness.DEMO)

    @classmethod
    def jump(cls, seconds):
        with open(cls.shift_file, "r+b" if os.path.getsize(cls.shift_file) else "wb") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))

    def seen_hours(self):
        """What `up` believes beside us, by the time it gives to a new object."""
        path = "/api/v1/namespaces/default/configmaps"
        made = self.up.api("POST", path, {"metadata": {"generateName": "clock-"}})[1]["metadata"]["creationTimestamp"]
        theirs = calendar.timegm(time.strptime(made, "%Y-%m-%dT%H:%M:%SZ"))
        return round((theirs - time.time()) / HOUR)

    def token(self, seconds):
        status, answer = self.up.api("POST", f"{ACCOUNTS}/default/token", {"spec": {"expirationSeconds": seconds}})
        self.assertEqual(status, 201, answer)
        return answer["status"]["token"]

    def accepted(self, token):
        return self.up.api("GET", "/api/v1/namespaces/default/configmaps", token=token)[0]

    def pods(self):
        return {pod["metadata"]["name"]: (pod["metadata"]["uid"], [one["restartCount"] for one in
                                                                   pod["status"]["containerStatuses"]])
                for pod in self.up.pods()}

    def live_through(self, heartbeats):
        """Lets the node beat some times, and looks at everything meanwhile."""
        seen = set()

        def beaten():
            for services, name in self.services:
                self.assertEqual(self.up.condition(f"{services}/{name}", "Ready")[0], "True", name)
            node = {one["type"]: one["status"] for one in self.up.get("/api/v1/nodes/node-1")["status"]["conditions"]}
            self.assertEqual(node["Ready"], "True")
            self.assertEqual(self.pods(), self.before)
            seen.add(self.up.get(LEASE)["spec"]["renewTime"])
            return len(seen) > heartbeats
        harness.wait_until(beaten, 120, message=lambda: f"{len(seen)} heartbeats")

    def test_nobody_notices_but_what_ends_by_the_clock(self):
        self.services = [(cluster.SERVICES, "demo"), (cluster.SERVICES, "clocked"),
                         (cluster.SCALED_SERVICES, "scaled")]
        for services, name in self.services:
            self.up.wait_ready(name, services=services)
        self.assertEqual(self.seen_hours(), 0)
        self.before, engines = self.pods(), self.up.engine_pids()
        short, long = self.token(HOUR // 2), self.token(3 * HOUR)
        clients = [load.Clients(self.up, f"/default/{name}/v1/completions", name, 1, 8) for _, name in self.services]
        try:
            self.live_through(2)
            self.jump(HOUR)
            self.assertEqual(self.seen_hours(), 1, "the library does what it says")
            self.live_through(10)
            self.assertEqual((self.accepted(short), self.accepted(long)), (401, 200))
            self.jump(0)
            self.assertEqual(self.seen_hours(), 0)
            self.live_through(10)
            self.assertEqual((self.accepted(short), self.accepted(long)), (200, 200))
            # What is new is made as ever.
            self.up.apply(f"{cluster.SERVICES}/after",
                          SERVICE.replace("clocked", "after") % (harness.DEMO, LIBRARY, self.shift_file))
            self.up.wait_ready("after")
        finally:
            for one in clients:
                one.stop()
        for one in clients:
            self.assertEqual(one.failed, [])
            self.assertGreater(one.answered, 0)
        self.assertTrue(set(engines) <= set(self.up.engine_pids()), "the same engines")


if __name__ == "__main__":
    unittest.main()
