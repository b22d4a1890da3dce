#!/usr/bin/env python3
"""A gRPC client that we did not write (grpcio), run by net_test against our server.

Usage: grpcio_client.py PORT. Prints "ok" last, or the assertion that failed. Messages are raw bytes,
so that no generated code is needed.
"""
import sys

import grpc


def main(port: str) -> None:
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(b"", timeout=30) == b"\x08\x01", "SERVING"
    assert check(b"\x0a\x04down", timeout=30) == b"\x08\x02", "NOT_SERVING"
    try:
        check(b"\x0a\x05other", timeout=30)
        raise AssertionError("an unknown service has a status")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        assert "other" in error.details(), error
    try:
        next(channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=30))
        raise AssertionError("Watch answers")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error

    stream = channel.stream_stream("/test.Echo/Stream")
    words = [b"one", b"", b"x" * 500000, b"last"]
    call = stream(iter(words), metadata=(("x-client", "python"),), timeout=30)
    answers = list(call)
    assert answers == [str(i).encode() + b":" + word for i, word in enumerate(words)], answers
    assert dict(call.initial_metadata())["x-kind"] == "echo"
    assert dict(call.trailing_metadata())["x-sum"] == "all"
    assert call.code() == grpc.StatusCode.OK

    # 200 calls that share the connection, each a message there and back.
    futures = [channel.unary_unary("/test.Echo/Stream").future(b"%d" % i, timeout=30) for i in range(200)]
    assert [f.result() for f in futures] == [b"0:%d" % i for i in range(200)]

    waiting = channel.unary_unary("/test.Echo/Wait").future(b"", timeout=0.2)
    assert waiting.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    leaving = channel.unary_unary("/test.Echo/Wait").future(b"")
    leaving.cancel()
    channel.close()
    print("ok")


main(sys.argv[1])
