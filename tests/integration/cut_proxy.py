"""A TCP proxy before an engine that breaks answers off at a chosen byte, as an engine does that is killed there."""
import contextlib
import fcntl
import select
import socket
import struct
import termios
import threading

from harness import wait_until


class CutProxy:
    """Forwards connections to `target`. `cut(request, answer)` sees what the client and the engine have said so far
    on a connection and returns how many bytes of the answer pass before both ends are reset; None: all of it."""

    def __init__(self, target, cut):
        self.target, self.cut = target, cut
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        # One thread for both ways: a socket that another thread waits for is not closed by close().
        with contextlib.closing(client), contextlib.closing(
                socket.create_connection(("127.0.0.1", self.target))) as engine, contextlib.suppress(OSError):
            self._forward(client, engine)

    def _forward(self, client, engine):
        request, answer, sent = bytearray(), bytearray(), 0
        while True:
            ready, _, _ = select.select([client, engine], [], [])
            if client in ready:
                data = client.recv(65536)
                if not data:
                    return
                request.extend(data)
                engine.sendall(data)
            if engine in ready:
                data = engine.recv(65536)
                if not data:
                    return
                answer.extend(data)
                limit = self.cut(bytes(request), bytes(answer))
                client.sendall(answer[sent:limit])
                sent = len(answer)
                if limit is not None:
                    self.cuts += 1
                    wait_until(lambda: unacknowledged(client) == 0)  # a reset overtakes what is on its way
                    for end in (client, engine):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return

    def close(self):
        self.listener.close()



def unacknowledged(end):
    """Bytes that the peer's kernel has not taken yet."""
    return struct.unpack("i", fcntl.ioctl(end, termios.TIOCOUTQ, b"\0\0\0\0"))[0]
