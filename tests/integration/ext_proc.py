"""A proxy's side of Envoy's external processing protocol, and the health service, for tests of `nacelle epp`."""
import importlib
import pathlib
import queue
import subprocess
import sys
import tempfile

import grpc

import harness

PROTOS = ["envoy/config/core/v3/base.proto", "envoy/extensions/filters/http/ext_proc/v3/processing_mode.proto",
          "envoy/service/ext_proc/v3/external_processor.proto", "grpc/health/v1/health.proto"]


def load_messages():
    """Generates the Python classes of api/proto into a folder of this run."""
    source = harness.SOURCE / "api" / "proto"
    folder = tempfile.mkdtemp(prefix="nacelle-proto-")
    files = sorted(str(path.relative_to(source)) for path in source.rglob("*.proto"))
    subprocess.run(["protoc", f"--proto_path={source}", f"--python_out={folder}", *files], check=True)
    # The folder grpc/ of the health service would hide the package of that name: import it by path.
    sys.path.insert(0, folder)
    messages = importlib.import_module("envoy.service.ext_proc.v3.external_processor_pb2")
    spec = importlib.util.spec_from_file_location("health_pb2", pathlib.Path(folder) / "grpc/health/v1/health_pb2.py")
    health = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(health)
    return messages, health


pb, health_pb = load_messages()
PROCESS = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"


class Call:
    """One HTTP request, as the proxy brings it."""

    def __init__(self, channel, metadata=()):
        self.out = queue.Queue()
        method = channel.stream_stream(PROCESS, request_serializer=pb.ProcessingRequest.SerializeToString,
                                       response_deserializer=pb.ProcessingResponse.FromString)
        self.stream = method(iter(self.out.get, None), timeout=20, metadata=metadata)

    def send(self, **fields):
        self.out.put(pb.ProcessingRequest(**fields))

    def receive(self):
        return next(self.stream)

    def close(self):
        """Ends our half and returns the status of the call."""
        self.out.put(None)
        for _ in self.stream:
            pass
        return self.stream.code()

    def headers(self, half="request", end=False, **headers):
        pairs = [{"key": key.replace("_", "-"), "raw_value": value.encode()} for key, value in headers.items()]
        self.send(**{f"{half}_headers": {"headers": {"headers": pairs}, "end_of_stream": end}})

    def request(self, body, path="/v1/completions", pieces=1, metadata=None, **headers):
        """Both parts of the request; the body in so many pieces."""
        pairs = {"raw_value": path.encode(), "key": ":path"}
        extra = [{"key": key.replace("_", "-"), "raw_value": value.encode()} for key, value in headers.items()]
        self.send(request_headers={"headers": {"headers": [pairs, {"key": ":method", "raw_value": b"POST"}, *extra]}})
        size = -(-len(body) // pieces)
        for i in range(pieces):
            last = i == pieces - 1
            context = {"metadata_context": metadata} if last and metadata else {}
            self.send(request_body={"body": body[i * size:(i + 1) * size], "end_of_stream": last}, **context)

    def picked(self):
        """(destination, headers that are set, body) of an answered request, or the refusal."""
        reply = self.receive()
        if reply.HasField("immediate_response"):
            return reply.immediate_response
        common = reply.request_headers.response
        headers = {h.header.key: h.header.raw_value.decode() for h in common.header_mutation.set_headers}
        destination = headers["x-gateway-destination-endpoint"]
        assert common.clear_route_cache
        assert reply.dynamic_metadata["envoy.lb"]["x-gateway-destination-endpoint"] == destination
        return destination, headers, b"".join(self.pieces("request"))

    def pieces(self, half):
        """Pieces of a body up to its end."""
        while True:
            piece = getattr(self.receive(), f"{half}_body").response.body_mutation.streamed_response
            yield piece.body
            if piece.end_of_stream:
                return

    def response(self, pieces, content_type="application/json", status="200", served=None, end=True):
        """Brings an answer of an engine, without its end if `end` is false; returns what the client would get."""
        pairs = [{"key": ":status", "raw_value": status.encode()},
                 {"key": "content-type", "raw_value": content_type.encode()}]
        context = {}
        if served:
            context["metadata_context"] = subset_of("envoy.lb", "x-gateway-destination-endpoint-served", served)
        self.send(response_headers={"headers": {"headers": pairs}}, **context)
        set_headers = self.receive().response_headers.response.header_mutation.set_headers
        headers = {h.header.key: h.header.raw_value.decode() for h in set_headers}
        for i, piece in enumerate(pieces):
            self.send(response_body={"body": piece, "end_of_stream": end and i == len(pieces) - 1})
        if end:
            return headers, b"".join(self.pieces("response"))
        got = [self.receive().response_body.response.body_mutation.streamed_response.body for _ in pieces]
        return headers, b"".join(got)


def subset_of(space, key, value):
    metadata = pb.ProcessingRequest().metadata_context
    metadata.filter_metadata[space].update({key: value})
    return metadata


def check_health(port, service):
    """The number of the serving status."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check",
                                    request_serializer=health_pb.HealthCheckRequest.SerializeToString,
                                    response_deserializer=health_pb.HealthCheckResponse.FromString)
        return check(health_pb.HealthCheckRequest(service=service), timeout=10).status


class Epp(harness.Server):
    """`nacelle epp`; requests of the harness go to its metrics port, with `self.token` once there is one."""

    def __init__(self, *flags, ready_path="/metrics"):
        self.token = None
        self.grpc_port, self.health_port = harness.free_port(), harness.free_port()
        port = harness.free_port()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}")
        super().__init__(["epp", "--grpc-port", self.grpc_port, "--grpc-health-port", self.health_port,
                          "--metrics-port", port, "--bind-host", "127.0.0.1", "--loops", 2, *flags], port, ready_path)

    def request(self, method, path, body=None, headers=None):
        if self.token:
            headers = {**(headers or {}), "Authorization": f"Bearer {self.token}"}
        return super().request(method, path, body, headers)

    def call(self, metadata=()):
        return Call(self.channel, metadata)

    def kill(self):
        self.channel.close()
        super().kill()
