#!/usr/bin/env python3
"""`nacelle up` as a whole against its bars: how soon it serves, what it costs at rest, how fast a route follows.

  start   exec of `nacelle up` in an empty folder to the first streamed token of the demo model
  apply   `kubectl apply` (else `nacelle apply`) of a second service to its first whole answer; weights in the page cache
  rest    CPU and memory of `up` with 50 services at zero replicas, of KServe's kind and of llm-d's, and no traffic
  routes  a change of an HTTPRoute or a Gateway, from when it is sent to the first answer of the new route; alone and
          beside 1,000 services

Prints a table with a verdict for each bar and writes cluster.json to --out.

    bench/cluster.py --binary build/release/nacelle --out build/bench [--parts start,apply,rest,routes]
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import startup  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
BARS = {"start_s": 3, "apply_s": 3, "rest_cpu_percent": 1, "rest_rss_mb": 200, "route_ms": 200}
PARTS = ("start", "apply", "rest", "routes")
CHAT = {"messages": [{"role": "user", "content": "Hello! What is Nacelle?"}], "temperature": 0, "max_tokens": 16}

KSERVE = """
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: %(name)s, namespace: default}
spec:
  model: {uri: "file://%(model)s", name: %(name)s}
  replicas: %(replicas)d
  template: {containers: [{name: main, args: ["--kv-cache-memory-bytes", "64M"]}]}
  router: {route: {}, gateway: {}, scheduler: {}}
"""
LLMD = """
apiVersion: inference.llm-d.ai/v1alpha1
kind: LLMInferenceService
metadata: {name: %(name)s, namespace: default}
spec:
  model: {id: %(name)s, source: {uri: "file://%(model)s"}}
  replicas: 0
  autoscaling: {minReplicas: 0, maxReplicas: 1, metrics: [{type: RequestQueue, requestQueue: {targetAverageQueueDepth: 8}}]}
"""
GATEWAY_API = "/apis/gateway.networking.k8s.io/v1/namespaces/default"


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="build/release/nacelle")
    parser.add_argument("--out", default="build/bench", type=pathlib.Path)
    parser.add_argument("--parts", default=",".join(PARTS), type=lambda text: text.split(","))
    parser.add_argument("--runs", default=5, type=int, help="of each measurement but that of rest; the median is shown")
    parser.add_argument("--services", default=1000, type=int, help="beside which routes are changed")
    parser.add_argument("--seconds", default=25, type=int, help="how long rest is watched")
    args = parser.parse_args()
    for part in args.parts:
        if part not in PARTS:
            parser.error(f"no part {part}: {', '.join(PARTS)}")
    return args


class Bench:
    def __init__(self, args):
        os.environ["NACELLE"] = str(pathlib.Path(args.binary).resolve())
        sys.path.insert(0, str(ROOT / "tests" / "integration"))
        import cluster  # the tests' way of starting a cluster
        import harness
        self.args, self.cluster, self.harness = args, cluster, harness
        self.result = {"machine": startup.machine(), "bars": BARS}
        self.missed = 0

    def report(self, name, values, bar, unit):
        middle = startup.report(name, values, bar, unit)
        self.missed += middle > bar
        self.result[name] = values

    # ---- start

    def start(self):
        seconds = []
        for _ in range(self.args.runs):
            began = time.monotonic()
            up = self.cluster.Cluster()
            try:
                waited = time.monotonic() - began
                seconds.append(waited + self.cluster.first_token_seconds(up, CHAT))
            finally:
                up.close()
        self.report("up to the first streamed token", seconds, BARS["start_s"], "s")

    # ---- apply

    def apply(self):
        up = self.cluster.Cluster()
        file = pathlib.Path(up.data_dir) / "second.yaml"
        kubectl = shutil.which("kubectl")
        home = tempfile.mkdtemp(prefix="nacelle-home-")
        command = [kubectl, "apply", "-f", file] if kubectl else [
            os.environ["NACELLE"], "apply", "-f", file, "--data-dir", up.data_dir]
        environment = {**os.environ, "HOME": home, "KUBECONFIG": str(pathlib.Path(up.data_dir) / "api" / "kubeconfig")}
        seconds = []
        try:
            up.wait_ready("demo")
            for turn in range(self.args.runs):
                name = f"second-{turn}"
                file.write_text(KSERVE % {"name": name, "model": self.harness.DEMO, "replicas": 1})
                began = time.monotonic()
                subprocess.run([str(part) for part in command], env=environment, check=True, stdout=subprocess.DEVNULL)
                self.harness.wait_until(lambda: up.request(
                    "POST", f"/default/{name}/v1/chat/completions", {**CHAT, "model": name}).status == 200, 60, name)
                seconds.append(time.monotonic() - began)
                self.remove(up, name)
        finally:
            up.close()
            shutil.rmtree(home, ignore_errors=True)
        self.report(f"{'kubectl' if kubectl else 'nacelle'} apply to the first answer", seconds, BARS["apply_s"], "s")

    def remove(self, up, name):
        """Without the grace that an engine gets."""
        up.api("DELETE", f"{self.cluster.SERVICES}/{name}")
        for pod in up.pods(f"app.kubernetes.io/name={name}"):
            up.api("DELETE", f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}", {"gracePeriodSeconds": 0})
        self.harness.wait_until(lambda: not up.pods(f"app.kubernetes.io/name={name}"), 60, f"{name} is gone")

    # ---- rest

    def rest(self):
        for kind, text in (("KServe", KSERVE), ("llm-d", LLMD)):
            up = self.cluster.Cluster(engines=1)
            try:
                up.wait_ready("demo")
                self.add_services(up, text, 50)
                time.sleep(10)  # what an ended beginning still does
                before, began = cpu_seconds(up.process.pid), time.monotonic()
                time.sleep(self.args.seconds)
                percent = 100 * (cpu_seconds(up.process.pid) - before) / (time.monotonic() - began)
                self.report(f"at rest, 50 services of {kind}", [percent], BARS["rest_cpu_percent"], "%")
                self.report(f"its memory, 50 services of {kind}", [resident_mb(up.process.pid)], BARS["rest_rss_mb"], "MB")
            finally:
                up.close()

    def add_services(self, up, text, count):
        """Until the last one has a route that the gateway has taken."""
        file = pathlib.Path(up.data_dir) / "many.yaml"
        file.write_text("---".join(text % {"name": f"s{number}", "model": self.harness.DEMO, "replicas": 0}
                                   for number in range(count)))
        began = time.monotonic()
        code, output = self.harness.run("apply", "-f", file, "--data-dir", up.data_dir, timeout=900)
        if code != 0:
            raise SystemExit(output)
        last = f"{GATEWAY_API}/httproutes/s{count - 1}-kserve-route"
        self.harness.wait_until(lambda: up.api("GET", last)[0] == 200 and up.get(last).get("status"), 900, last)
        print(f"{count:,} services have their routes after {time.monotonic() - began:.1f} s", flush=True)

    # ---- routes

    def routes(self):
        up = self.cluster.Cluster(engines=1)
        try:
            up.wait_ready("demo")
            self.change_routes(up, "alone")
            self.add_services(up, KSERVE, self.args.services)
            time.sleep(5)
            self.change_routes(up, f"beside {self.args.services:,} services")
        finally:
            up.kill_all()  # ending a thousand services in order takes its time
            up.close()

    def change_routes(self, up, beside):
        made, changed, gateways = [], [], []
        for turn in range(self.args.runs):
            word = f"{beside.split()[0]}-{turn}"
            made.append(self.until_answered(up, up.port, f"/new-{word}", route("bench", f"/new-{word}")))
            changed.append(self.until_answered(up, up.port, f"/other-{word}", route("bench", f"/other-{word}")))
            up.api("DELETE", f"{GATEWAY_API}/httproutes/bench")
            port = self.harness.free_port()
            gateways.append(self.until_answered(up, port, "/", gateway("bench", port), route("bench-own", "/", "bench", None)))
            for path in ("gateways/bench", "httproutes/bench-own"):
                up.api("DELETE", f"{GATEWAY_API}/{path}")
        for name, values in (("a new HTTPRoute", made), ("a changed HTTPRoute", changed),
                             ("a new Gateway with a route", gateways)):
            self.report(f"{name} answers, {beside}", [1000 * value for value in values], BARS["route_ms"], "ms")

    def until_answered(self, up, port, path, *objects):
        """Seconds from sending the first of the objects, after a quiet second, to the first answer; it tries every two
        milliseconds."""
        time.sleep(1)
        began = time.monotonic()
        for kind, text in objects:
            up.apply(f"{GATEWAY_API}/{kind}", text)
        while time.monotonic() - began < 60:
            try:
                if self.harness.request(port, "GET", path.rstrip("/") + "/v1/models").status == 200:
                    return time.monotonic() - began
            except OSError:
                pass  # nobody listens there yet
            time.sleep(0.002)
        raise SystemExit(f"no answer at {path} of port {port}")


def route(name, path, parent="kserve-ingress-gateway", space="kserve"):
    """To the pods of the demo model, which get what follows the path."""
    parent = {"name": parent, **({"namespace": space} if space else {})}
    rule = {"matches": [{"path": {"type": "PathPrefix", "value": path}}],
            "filters": [{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}],
            "backendRefs": [{"name": "demo-kserve-workload-svc", "port": 8000}]}
    return f"httproutes/{name}", json.dumps({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": name, "namespace": "default"},
        "spec": {"parentRefs": [parent], "rules": [rule]}})


def gateway(name, port):
    return f"gateways/{name}", json.dumps({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": name, "namespace": "default"},
        "spec": {"gatewayClassName": "nacelle", "listeners": [{"name": "http", "port": port, "protocol": "HTTP"}]}})


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    line, = (line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def main():
    args = parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(args)
    print(f"{startup.machine()}; median (best .. worst) of {args.runs}")
    for part in args.parts:
        getattr(bench, part)()
    (args.out / "cluster.json").write_text(json.dumps(bench.result, indent=1))
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main())
