"""`nacelle up`: gateway in front of supervised engines; faults along the way."""
import json
import os
import signal
import socket
import threading
import unittest

import harness


class UpService(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.up = harness.Up(engines=2)
        harness.wait_until(lambda: sum(e["num_blocks"] > 0 for e in cls.up.endpoints()) == 2,
                           message="both engines answer")

    @classmethod
    def tearDownClass(cls):
        cls.up.kill()

    def test_streams_a_sensible_sentence_through_the_gateway(self):
        chunks = list(self.up.events("/v1/chat/completions", {
            "messages": [{"role": "user", "content": "Hello! What is Nacelle?"}], "temperature": 0}))
        text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
        self.assertIn("Nacelle", text)
        self.assertGreater(len(chunks), 1)  # tokens that are ready together share a chunk

    def test_a_repeated_prefix_goes_to_the_engine_that_has_it(self):
        prefix = "alpha beta gamma delta epsilon zeta eta theta iota kappa " * 12
        cached = []
        for i in range(6):
            answer = self.up.request("POST", "/v1/completions",
                                     {"prompt": prefix + str(i), "max_tokens": 2, "temperature": 0}).json
            cached.append((answer["usage"]["prompt_tokens_details"] or {}).get("cached_tokens", 0))
        self.assertEqual(cached[0], 0)
        self.assertTrue(all(c > 0 for c in cached[1:]), cached)

    def test_errors_of_the_engine_pass_through(self):
        response = self.up.request("POST", "/v1/chat/completions", {"messages": 7})
        self.assertEqual(response.status, 400)
        self.assertEqual(response.json["error"]["code"], 400)
        self.assertEqual(self.up.request("POST", "/v1/completions", "{").status, 400)
        self.assertEqual(self.up.request("GET", "/metrics").status, 404)  # the engines' own paths stay inside
        self.assertEqual(self.up.request("GET", "/v1/models").status, 200)

    def test_a_client_that_leaves_cancels_the_upstream_request(self):
        connection = self.up.connect()
        connection.request("POST", "/v1/completions", json.dumps(
            {"prompt": "count", "max_tokens": 1500, "ignore_eos": True, "stream": True}),
            {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.readline()
        self.assertEqual(sum(e["requests_in_flight"] for e in self.up.endpoints()), 1)
        response.close()
        connection.close()
        harness.wait_until(lambda: all(e["requests_in_flight"] == 0 and e["running"] == 0
                                       for e in self.up.endpoints()), message="sequence is gone")

    def test_gateway_metrics_count(self):
        self.up.request("GET", "/v1/models")
        self.assertRegex(self.up.admin("/metrics"), r'nacelle_gateway_requests_total\{[^}]*code="200"')

    def test_a_slow_client_only_slows_itself(self):
        # Reads one byte, then nothing, while others are served.
        slow = socket.create_connection(("127.0.0.1", self.up.port))
        body = json.dumps({"prompt": "count", "max_tokens": 400, "ignore_eos": True, "stream": True}).encode()
        slow.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        slow.recv(1)
        self.assertIn("Nacelle", self.up.chat("What is Nacelle?")["choices"][0]["message"]["content"])
        slow.close()

    def test_malformed_http_is_refused(self):
        for head in (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                     b"GET / HTTP/1.1\r\n bad: a\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n",
                     b"GET / HTTP/1.1\nHost: a\n\n"):
            with socket.create_connection(("127.0.0.1", self.up.port)) as client:
                client.sendall(head)
                self.assertRegex(client.recv(4096), rb"^HTTP/1\.[01] (400|501)")
        self.assertTrue(self.up.alive())


class UpFaults(unittest.TestCase):
    def test_kill_9_of_an_engine_does_not_stop_the_service(self):
        up = harness.Up(engines=2)
        try:
            harness.wait_until(lambda: sum(e["num_blocks"] > 0 for e in up.endpoints()) == 2, message="two engines")
            pids = up.engine_pids()
            self.assertEqual(len(pids), 2)
            os.kill(pids[0], signal.SIGKILL)
            for _ in range(20):
                answer = up.chat("What is Nacelle?")
                self.assertIn("Nacelle", answer["choices"][0]["message"]["content"])
            harness.wait_until(lambda: len(up.engine_pids()) == 2 and all(e["serving"] for e in up.endpoints()),
                               message="the engine is back")
            self.assertNotIn(pids[0], up.engine_pids())
        finally:
            up.kill()

    def test_kill_9_under_load_fails_only_streams_in_progress(self):
        up = harness.Up(engines=2)
        try:
            harness.wait_until(lambda: sum(e["num_blocks"] > 0 for e in up.endpoints()) == 2, message="two engines")
            statuses, killed = [], threading.Event()

            def ask():
                for i in range(15):
                    body = {"prompt": f"count {i}", "max_tokens": 4, "temperature": 0}
                    statuses.append(up.request("POST", "/v1/completions", body).status)
                    if len(statuses) > 5 and not killed.is_set():
                        killed.set()
                        os.kill(up.engine_pids()[0], signal.SIGKILL)

            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(statuses, [200] * 60)  # whole answers are retried before the first byte
        finally:
            up.kill()

    def test_engines_die_with_up_and_sigint_drains(self):
        up = harness.Up(engines=2)
        pids = up.engine_pids()
        log = None
        try:
            up.process.send_signal(signal.SIGINT)
            self.assertEqual(up.process.wait(30), 0)
            log = up.log()
        finally:
            up.kill()
        self.assertIn("stopped", log)
        for pid in pids:
            self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_engines_die_when_up_is_killed(self):
        up = harness.Up(engines=1)
        (pid,) = up.engine_pids()
        up.kill()

        def gone():
            try:
                with open(f"/proc/{pid}/stat") as stat:
                    return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
            except OSError:
                return True
        harness.wait_until(gone, message="orphaned engine")

    def test_a_file_configures_it_and_wrong_ones_are_named(self):
        code, output = harness.run("up", "-f", "/nowhere.yaml")
        self.assertEqual(code, 1, output)
        self.assertIn("/nowhere.yaml", output)
        code, output = harness.run("up", "/nowhere")
        self.assertEqual(code, 1, output)
        self.assertIn("/nowhere", output)
        code, output = harness.run("up", "--policy", "fastest", "--port", harness.free_port(),
                                   "--admin-port", harness.free_port(), harness.DEMO)
        self.assertEqual(code, 2, output)
        self.assertIn("prefix-aware, least-loaded, round-robin, random", output)

    def test_a_taken_port_is_said_at_once(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            code, output = harness.run("up", harness.DEMO, "--port", port, "--admin-port", harness.free_port())
            self.assertEqual(code, 1, output)
            self.assertIn(str(port), output)


if __name__ == "__main__":
    unittest.main()
