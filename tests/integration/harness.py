"""Starts the real binary for a test and talks to it over loopback. Standard library only."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BINARY = os.environ.get("NACELLE", "build/release/nacelle")
SOURCE = pathlib.Path(os.environ.get("NACELLE_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
DEMO = SOURCE / "models" / "demo"
START_TIMEOUT_S = 60


def _first_ephemeral_port():
    with contextlib.suppress(OSError):
        return int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return 32768


def free_port():
    """A port nobody listens on, below those the kernel gives to outgoing connections: a server that a test stops and
    starts again finds its port free, whatever other tests connect meanwhile."""
    first = _first_ephemeral_port()
    low = 10000 if first > 12000 else 1024
    for _ in range(1000):
        port = random.randrange(low, first) if first > low else 0
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]
    raise AssertionError(f"no free port from {low} to {first}")


def request(port, method, path, body=None, headers=None):
    """The response of a server on loopback, with its body in `.data` (bytes) and, when it is JSON, in `.json`."""
    return request_on(http.client.HTTPConnection("127.0.0.1", port, timeout=60), method, path, body, headers)


def request_on(connection, method, path, body=None, headers=None):
    try:
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.data = response.read()
        response.json = None
        with contextlib.suppress(ValueError):
            response.json = json.loads(response.data)
        return response
    finally:
        connection.close()


class Server:
    """A process of the binary that answers GET /health on `port` once it is ready; with ready_path=None nobody asks."""

    def __init__(self, args, port, ready_path="/health", environment=None):
        self.port = port
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen([BINARY, *map(str, args)], stdout=self.output,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                        env={**os.environ, **(environment or {})})
        try:
            if ready_path:
                self._wait(ready_path)
        except BaseException:
            self.kill()
            raise

    def _wait(self, path):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"exited with {self.process.returncode}:\n{self.log()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.request("GET", path).status == 200:
                    return
            time.sleep(0.02)
        raise AssertionError(f"not ready after {START_TIMEOUT_S} s:\n{self.log()}")

    def answers(self, path):
        """Whether the server says anything to a GET."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return bool(self.request("GET", path))
        return False

    def log(self):
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None):
        return request_on(self.connect(), method, path, body, headers)

    def chat(self, content, **fields):
        messages = content if isinstance(content, list) else [{"role": "user", "content": content}]
        body = {"messages": messages, "temperature": 0, "max_tokens": 128, **fields}
        response = self.request("POST", "/v1/chat/completions", body)
        assert response.status == 200, (response.status, response.data)
        return response.json

    def events(self, path, body):
        """The data of each server-sent event of a streamed request, decoded; ends after [DONE]."""
        connection = self.connect()
        try:
            connection.request("POST", path, json.dumps({**body, "stream": True}),
                               {"Content-Type": "application/json"})
            response = connection.getresponse()
            assert response.status == 200, (response.status, response.read())
            for line in response:
                line = line.decode().rstrip("\n")
                if not line:
                    continue
                assert line.startswith("data: "), line
                if line == "data: [DONE]":
                    return
                yield json.loads(line[6:])
            raise AssertionError("the stream ended without [DONE]")
        finally:
            connection.close()

    def metric(self, name, /, **labels):
        """The value of one sample of /metrics; None when it is not there."""
        for line in self.request("GET", "/metrics").data.decode().splitlines():
            if line.startswith(name) and line[len(name):len(name) + 1] in ("{", " ") and all(
                    f'{key}="{value}"' in line for key, value in labels.items()):
                return float(line.rsplit(" ", 1)[1])
        return None

    def alive(self):
        return self.process.poll() is None

    def stop(self, number=signal.SIGTERM, timeout=30):
        """Ends the process; returns its exit code."""
        if self.alive():
            self.process.send_signal(number)
        code = self.process.wait(timeout)
        self.output.close()
        return code

    def kill(self):
        if self.alive():
            self.process.kill()
        self.process.wait()
        self.output.close()


def serve(model=DEMO, *flags):
    port = free_port()
    return Server(["serve", model, "--host", "127.0.0.1", "--port", port, "--threads", 1,
                   "--kv-cache-memory-bytes", "256M", *flags], port)


class Up(Server):
    """`nacelle up --without-api`: the gateway's port, its admin port and its engines."""

    def __init__(self, *flags, model=DEMO, engines=2, engine_flags=()):
        self.data_dir = tempfile.mkdtemp(prefix="nacelle-up-")
        self.admin_port = free_port()
        port = free_port()
        super().__init__(["up", model, "--without-api", "--engines", engines, "--port", port, "--admin-port",
                          self.admin_port, "--data-dir", self.data_dir, *flags, "--", "--kv-cache-memory-bytes",
                          "256M", *engine_flags], port)

    def admin(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def endpoints(self):
        return json.loads(self.admin("/endpoints"))

    def engine_pids(self):
        """The processes of the engines, by parent."""
        pids = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                    if int(fields[1]) == self.process.pid and fields[0] != "Z":
                        pids.append(int(entry.name))
        return sorted(pids)

    def engine_logs(self):
        return "\n".join(path.read_text(errors="replace")
                         for path in sorted(pathlib.Path(self.data_dir).glob("*.log")))

    def kill(self):
        super().kill()
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def stop(self, *args, **kwargs):
        try:
            return super().stop(*args, **kwargs)
        finally:
            shutil.rmtree(self.data_dir, ignore_errors=True)


def run(*args, timeout=60):
    """Runs the binary to its end: (exit code, output)."""
    done = subprocess.run([BINARY, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=timeout)
    return done.returncode, done.stdout.decode(errors="replace")


def wait_until(condition, timeout=30, message="condition"):
    """Polls; the bound is generous because it only decides how long a failing test hangs."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"{message() if callable(message) else message}: not within {timeout} s")


def dummy_model(folder, **changes):
    """A folder with a small random model: config.json and the demo model's tokenizer."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 128,
              "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
              "intermediate_size": 256, "vocab_size": 8192, "max_position_embeddings": 4096,
              "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": True,
              "hidden_act": "silu", "torch_dtype": "bfloat16", "eos_token_id": 0, **changes}
    demo_vocab = json.loads((DEMO / "config.json").read_text())["vocab_size"]
    config["vocab_size"] = changes.get("vocab_size", demo_vocab)
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(DEMO / name, folder / name)
    return folder
