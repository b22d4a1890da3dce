"""Lists, watches and conditional writes of a Kubernetes API server, as much as discovery and elections ask for."""
import http.server
import json
import ssl
import threading
import urllib.parse


class FakeApiServer:
    """Collections by path; put() and remove() are seen by lists and by open watches.

    `tls`: the files of a certificate and its key; the server then speaks HTTPS.
    """

    def __init__(self, token=None, port=0, state=None, tls=None):
        self.lock = threading.Condition()
        self.collections, self.history, self.version = state or ({}, [], 100)
        self.token, self.closing, self.refused = token, False, 0
        self.users, self.scrapers, self.reviewed = {}, set(), []  # user by token; who may; which questions came
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                owner.answer(self)

            do_POST = do_PUT = do_GET

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, tls))
            # The handshake is left to the connection's own thread.
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def put(self, path, name, **fields):
        with self.lock:
            self.version += 1
            space = path.split("/namespaces/")[1].split("/")[0]
            metadata = {"name": name, "namespace": space, **fields.pop("metadata", {}),
                        "resourceVersion": str(self.version)}
            known = name in self.collections.setdefault(path, {})
            self._record(path, "MODIFIED" if known else "ADDED", {**fields, "metadata": metadata})

    def remove(self, path, name):
        with self.lock:
            self.version += 1
            item = self.collections[path][name]
            item["metadata"]["resourceVersion"] = str(self.version)
            self._record(path, "DELETED", item)
            del self.collections[path][name]

    def _record(self, path, kind, item):
        self.collections[path][item["metadata"]["name"]] = item
        self.history.append((self.version, path, {"type": kind, "object": item}))
        self.lock.notify_all()

    def stop(self):
        """Ends watches and refuses connections; returns the state for a server that comes back."""
        with self.lock:
            self.closing = True
            self.lock.notify_all()
        self.server.shutdown()
        self.server.server_close()
        return self.collections, self.history, self.version

    def answer(self, handler):
        if self.closing:  # a connection that was kept alive past stop()
            handler.close_connection = True
            return None
        url = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if self.token and handler.headers.get("authorization") != f"Bearer {self.token}":
            self.refused += 1
            return self._reply(handler, 401, {"kind": "Status", "status": "Failure", "code": 401})
        if handler.command != "GET":
            return self._write(handler, url.path)
        wanted = dict(pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair)
        field = query.get("fieldSelector", "").removeprefix("metadata.name=")

        def matches(item):
            labels = item["metadata"].get("labels", {})
            return all(labels.get(k) == v for k, v in wanted.items()) and field in ("", item["metadata"]["name"])

        folder, _, name = url.path.rpartition("/")
        with self.lock:
            one = self.collections.get(folder, {}).get(name)
        if one:
            return self._reply(handler, 200, one)
        if query.get("watch") == "true":
            return self._watch(handler, url.path, int(query["resourceVersion"]), matches)
        with self.lock:
            known = self.collections.get(url.path)
            items = [item for item in (known or {}).values() if matches(item)]
            body = {"kind": "List", "metadata": {"resourceVersion": str(self.version)}, "items": items}
        if known is None and "/apis/" in url.path:
            return self._reply(handler, 404, {"kind": "Status", "status": "Failure", "code": 404})
        return self._reply(handler, 200, body)

    def _write(self, handler, path):
        """POST of a new object, PUT over the version that was read: the lock makes them one step."""
        item = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        if path.endswith("/tokenreviews"):
            user = self.users.get(item["spec"]["token"])
            return self._reply(handler, 201, {**item, "status": {"authenticated": bool(user),
                                                                 "user": {"username": user, "groups": ["g"]}}})
        if path.endswith("/subjectaccessreviews"):
            self.reviewed.append(item["spec"])
            return self._reply(handler, 201, {**item, "status": {"allowed": item["spec"]["user"] in self.scrapers}})
        name, create = item["metadata"]["name"], handler.command == "POST"
        folder = path if create else path.rpartition("/")[0]
        with self.lock:
            known = self.collections.setdefault(folder, {}).get(name)
            version = item["metadata"].get("resourceVersion")
            if create == bool(known) or (known and version != known["metadata"]["resourceVersion"]):
                code = 409 if known else 404
                reason = "AlreadyExists" if create else "Conflict" if known else "NotFound"
                return self._reply(handler, code, {"kind": "Status", "status": "Failure", "code": code,
                                                   "reason": reason})
            self.version += 1
            item["metadata"]["resourceVersion"] = str(self.version)
            self._record(folder, "ADDED" if create else "MODIFIED", item)
        return self._reply(handler, 201 if create else 200, item)

    def _reply(self, handler, status, body):
        data = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _watch(self, handler, path, version, matches):
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.send_header("connection", "close")
        handler.end_headers()
        handler.wfile.flush()
        while True:
            with self.lock:
                while not self.closing and not any(v > version and p == path for v, p, _ in self.history):
                    self.lock.wait()
                if self.closing:
                    return
                events = [(v, e) for v, p, e in self.history if v > version and p == path]
                lines = [json.dumps(e) for _, e in events if matches(e["object"])]
                version = events[-1][0]
            for line in lines:
                handler.wfile.write(line.encode() + b"\n")
            handler.wfile.flush()
