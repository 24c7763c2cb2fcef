"""The floor: one thread that answers any handshake, and for a POST calls `send()` on every socket.
Nothing in Python can deliver for less. `python -m bench.pns.floor_server PORT`"""

import select
import socket
import sys

from app.net.framing import encode_text_frame

ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Floor:
    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=2048)
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._sockets: dict[int, socket.socket] = {}
        self._devices: set[socket.socket] = set()

    def run(self) -> None:
        while True:
            for number, _event in self._poll.poll():
                if number == self._listener.fileno():
                    self._accept()
                else:
                    self._read(self._sockets[number])

    def _accept(self) -> None:
        sock, _address = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets[sock.fileno()] = sock
        self._poll.register(sock, select.EPOLLIN)

    def _read(self, sock: socket.socket) -> None:
        data = sock.recv(65536)
        if not data:
            self._forget(sock)
        elif b"Upgrade: websocket" in data:
            sock.send(ANSWER)
            self._devices.add(sock)
        elif data.startswith(b"POST"):
            self._publish(encode_text_frame(data.partition(b"\r\n\r\n")[2].decode()))
            sock.send(OK)
        else:
            sock.send(OK)

    def _publish(self, frame: bytes) -> None:
        for device in self._devices:
            device.send(frame)

    def _forget(self, sock: socket.socket) -> None:
        self._devices.discard(sock)
        self._poll.unregister(sock)
        del self._sockets[sock.fileno()]
        sock.close()


if __name__ == "__main__":
    Floor(int(sys.argv[1])).run()
