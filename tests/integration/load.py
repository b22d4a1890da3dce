"""Clients that ask for streams at once, one after the other, while something happens to the cluster."""
import http.client
import threading


class Clients:
    """Streaming clients, each of which asks again until told to stop. Keeps what failed."""

    def __init__(self, up, path, model, count, tokens):
        self.up, self.path, self.model, self.tokens = up, path, model, tokens
        self.failed, self.answered = [], 0
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _ask(self, number):
        turn = 0
        while not self._over.is_set():
            turn += 1
            body = {"model": self.model, "prompt": f"Client {number}, turn {turn}: Nacelle is", "temperature": 0,
                    "max_tokens": self.tokens, "ignore_eos": True, "stream_options": {"include_usage": True}}
            try:
                *_, last = self.up.events(self.path, body)
                tokens = last["usage"]["completion_tokens"]
                assert tokens == self.tokens, f"{tokens} of {self.tokens} tokens"
            except (AssertionError, OSError, ValueError, http.client.HTTPException) as error:
                with self._lock:
                    self.failed.append(repr(error))
            else:
                with self._lock:
                    self.answered += 1

    def stop(self):
        self._over.set()
        for thread in self._threads:
            thread.join()
