"""`nacelle serve` on the demo model: the OpenAI wire as a client sees it."""
import json
import unittest

import harness


class Serve(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.serve(harness.DEMO, "--served-model-name", "demo", "demo-alias",
                                   "--enable-prompt-tokens-details")

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()

    def test_models_lists_both_names(self):
        cards = self.server.request("GET", "/v1/models").json["data"]
        self.assertEqual([card["id"] for card in cards], ["demo", "demo-alias"])
        self.assertGreater(cards[0]["max_model_len"], 0)

    def test_chat_answers_sensibly(self):
        text = self.server.chat("Hello! What is Nacelle?")["choices"][0]["message"]["content"]
        self.assertIn("Nacelle", text)
        self.assertGreater(len(text.split()), 4)

    def test_stream_equals_the_whole_answer(self):
        whole = self.server.chat("Tell me about Nacelle.", max_tokens=48)
        chunks = list(self.server.events("/v1/chat/completions", {
            "messages": [{"role": "user", "content": "Tell me about Nacelle."}], "temperature": 0, "max_tokens": 48,
            "stream_options": {"include_usage": True}}))
        self.assertEqual(chunks[0]["choices"][0]["delta"], {"role": "assistant", "content": ""})
        text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
        self.assertEqual(text, whole["choices"][0]["message"]["content"])
        self.assertEqual(chunks[-1]["choices"], [])
        self.assertEqual(chunks[-1]["usage"]["completion_tokens"], whole["usage"]["completion_tokens"])
        self.assertTrue(all("usage" not in c for c in chunks[:-1]))
        self.assertIn(chunks[-2]["choices"][0]["finish_reason"], ("stop", "length"))

    def test_repeated_prompt_hits_the_prefix_cache(self):
        prompt = "one two three four five six seven eight nine ten " * 8
        first = self.server.request("POST", "/v1/completions", {"prompt": prompt, "max_tokens": 4, "temperature": 0})
        again = self.server.request("POST", "/v1/completions", {"prompt": prompt, "max_tokens": 4, "temperature": 0})
        self.assertEqual(first.json["choices"][0]["text"], again.json["choices"][0]["text"])
        cached = again.json["usage"]["prompt_tokens_details"]["cached_tokens"]
        self.assertGreaterEqual(cached, again.json["usage"]["prompt_tokens"] - 32)
        self.assertEqual(cached % 16, 0)

    def test_completion_with_logprobs_echo_and_n(self):
        body = {"prompt": "The capital of France is", "max_tokens": 3, "temperature": 0.8, "seed": 7, "n": 2,
                "logprobs": 2, "echo": True}
        choices = self.server.request("POST", "/v1/completions", body).json["choices"]
        self.assertEqual([c["index"] for c in choices], [0, 1])
        for choice in choices:
            self.assertTrue(choice["text"].startswith("The capital of France is"))
            logprobs = choice["logprobs"]
            self.assertIsNone(logprobs["token_logprobs"][0])
            self.assertEqual(len(logprobs["tokens"]), len(logprobs["text_offset"]))
            self.assertEqual("".join(logprobs["tokens"]), choice["text"])
        again = self.server.request("POST", "/v1/completions", body).json["choices"]
        self.assertEqual([c["text"] for c in again], [c["text"] for c in choices])

    def test_stop_strings_cut_the_text(self):
        whole = self.server.chat("Tell me about Nacelle.", max_tokens=40)["choices"][0]["message"]["content"]
        word = whole.split()[3]
        cut = self.server.chat("Tell me about Nacelle.", max_tokens=40, stop=[word])["choices"][0]
        self.assertEqual(cut["message"]["content"], whole[:whole.index(word)])
        self.assertEqual((cut["finish_reason"], cut["stop_reason"]), ("stop", word))

    def test_tokenize_and_back(self):
        tokens = self.server.request("POST", "/tokenize", {"prompt": "Hello, Nacelle! \u00e9\U0001f600"}).json
        self.assertEqual(tokens["count"], len(tokens["tokens"]))
        back = self.server.request("POST", "/detokenize", {"tokens": tokens["tokens"]}).json
        self.assertEqual(back["prompt"], "Hello, Nacelle! \u00e9\U0001f600")

    def test_operational_paths(self):
        for path in ("/health", "/ping"):
            self.assertEqual(self.server.request("GET", path).data, b"")
        self.assertRegex(self.server.request("GET", "/version").json["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(self.server.request("GET", "/load").json, {"server_load": 0})
        # Gauges are of the last step, which is published just after its outputs are.
        harness.wait_until(lambda: self.server.metric("vllm:num_requests_running", model_name="demo") == 0,
                           message="nothing runs")
        self.assertGreater(self.server.metric("vllm:generation_tokens_total"), 0)
        self.assertIsNotNone(self.server.metric("vllm:cache_config_info", block_size="16"))

    def test_bad_input_gets_a_clear_answer_and_the_server_lives(self):
        chat = {"messages": [{"role": "user", "content": "hi"}]}
        cases = [
            ("malformed JSON", "/v1/chat/completions", "{", 400),
            ("not an object", "/v1/chat/completions", "[]", 400),
            ("missing messages", "/v1/chat/completions", {}, 400),
            ("wrong type", "/v1/chat/completions", {"messages": 7}, 400),
            ("unknown model", "/v1/chat/completions", {**chat, "model": "nobody"}, 404),
            ("max_tokens 0", "/v1/chat/completions", {**chat, "max_tokens": 0}, 400),
            ("negative temperature", "/v1/chat/completions", {**chat, "temperature": -1}, 400),
            ("NaN", "/v1/chat/completions", '{"messages":[{"role":"user","content":"hi"}],"temperature":NaN}', 400),
            ("top_p above 1", "/v1/chat/completions", {**chat, "top_p": 2}, 400),
            ("huge n", "/v1/chat/completions", {**chat, "n": 10**9, "temperature": 1}, 400),
            ("greedy n", "/v1/chat/completions", {**chat, "n": 2, "temperature": 0}, 400),
            ("empty prompt", "/v1/completions", {"prompt": ""}, 400),
            ("token out of range", "/v1/completions", {"prompt": [10**7]}, 400),
            ("negative token", "/v1/completions", {"prompt": [-1]}, 400),
            ("prompt too long", "/v1/completions", {"prompt": "word " * 20000, "max_tokens": 1}, 400),
            ("deep JSON", "/v1/chat/completions", "[" * 100000, 400),
        ]
        for name, path, body, status in cases:
            with self.subTest(name):
                response = self.server.request("POST", path, body)
                self.assertEqual(response.status, status, response.data)
                error = response.json["error"]
                self.assertEqual(error["code"], status)
                self.assertTrue(error["message"])
        self.assertEqual(self.server.request("GET", "/nowhere").status, 404)
        self.assertEqual(self.server.request("GET", "/v1/chat/completions").status, 405)
        self.assertIn("Nacelle", self.server.chat("What is Nacelle?")["choices"][0]["message"]["content"])

    def test_a_body_beyond_the_limit_is_refused_without_being_read(self):
        connection = self.server.connect()
        connection.putrequest("POST", "/v1/completions")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(100 << 20))
        connection.endheaders()
        connection.send(b"{" * 1000)
        response = connection.getresponse()
        self.assertEqual(response.status, 413)
        self.assertEqual(json.loads(response.read())["error"]["code"], 413)
        connection.close()

    def test_a_client_that_leaves_frees_its_sequence(self):
        aborted = self.server.metric("vllm:request_success_total", finished_reason="abort") or 0
        connection = self.server.connect()
        connection.request("POST", "/v1/completions", json.dumps(
            {"prompt": "count", "max_tokens": 1500, "ignore_eos": True, "stream": True}),
            {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.readline()
        response.close()
        connection.close()
        harness.wait_until(
            lambda: (self.server.metric("vllm:request_success_total", finished_reason="abort") or 0) == aborted + 1
            and self.server.metric("vllm:num_requests_running") == 0, message="abort after disconnect")


class Lifecycle(unittest.TestCase):
    def test_api_keys_guard_v1_only(self):
        server = harness.serve(harness.DEMO, "--api-key", "one", "two")
        try:
            denied = server.request("GET", "/v1/models")
            self.assertEqual((denied.status, denied.json), (401, {"error": "Unauthorized"}))
            self.assertEqual(server.request("GET", "/v1/models", headers={"Authorization": "Bearer two"}).status, 200)
            self.assertEqual(server.request("GET", "/health").status, 200)
        finally:
            server.kill()

    def test_metrics_tell_the_dtype_of_the_kv_cache(self):
        for flags, dtype in [(("--kv-cache-dtype", "int8"), "int8"), (("--kv-cache-dtype", "fp8"), "float8_e4m3fn"),
                             ((), "bfloat16")]:
            server = harness.serve(harness.DEMO, *flags)
            try:
                self.assertEqual(server.metric("vllm:cache_config_info", cache_dtype=dtype), 1, flags)
            finally:
                server.kill()

    def test_sigterm_lets_a_stream_finish(self):
        server = harness.serve(harness.DEMO, "--shutdown-timeout", "30")
        try:
            events = server.events("/v1/completions", {"prompt": "count", "max_tokens": 200, "ignore_eos": True,
                                                       "stream_options": {"include_usage": True}})
            next(events)
            server.process.terminate()
            last = None
            for last in events:
                pass
            self.assertEqual(last["usage"]["completion_tokens"], 200)
            self.assertEqual(server.process.wait(30), 0)
        finally:
            server.kill()

    def test_sigterm_without_timeout_ends_at_once(self):
        server = harness.serve(harness.DEMO)
        self.assertEqual(server.stop(), 0)

    def test_port_in_use_is_said_at_once(self):
        server = harness.serve(harness.DEMO)
        try:
            code, output = harness.run("serve", harness.DEMO, "--host", "127.0.0.1", "--port", server.port)
            self.assertEqual(code, 1)
            self.assertIn(str(server.port), output)
        finally:
            server.kill()

    def test_wrong_command_lines_exit_with_2(self):
        for args, text in [(("serve",), "which model?"), (("serve", "x", "--max-modle-len", "3"), "--max-model-len"),
                           (("serve", "x", "--port", "hundred"), "not an integer"), (("fly",), "unknown command")]:
            code, output = harness.run(*args)
            self.assertEqual(code, 2, output)
            self.assertIn(text, output)

    def test_missing_model_folder_says_what_was_looked_for(self):
        code, output = harness.run("serve", "/nowhere/model")
        self.assertNotEqual(code, 0)
        self.assertIn("there is no folder /nowhere/model", output)


if __name__ == "__main__":
    unittest.main()
