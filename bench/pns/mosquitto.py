"""mosquitto: MQTT 3.1.1 over WebSocket with QoS 1. Each device acknowledges each message, and what
it missed waits for it, in memory. There are no users, hence a topic for each. Needs Debian's
package of that name."""

import shutil
import socket
import struct
import subprocess
import time

from bench.pns.fleet import BINARY, HOST, Device, Publisher
from bench.pns.target import Target, free_port, handshake

#: Of a packet's first byte; the rest are flags.
KIND = 0xF0
CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x32, 0x40, 0x82, 0x90
KEEP_ALIVE_SECONDS = 600


class Mosquitto(Target):
    name = "mosquitto"
    repeat = 10

    @classmethod
    def is_installed(cls) -> bool:
        return _program() is not None

    def start(self) -> "subprocess.Popen[bytes]":
        self._mqtt_port = free_port()
        told = self.folder / "mosquitto.conf"
        told.write_text(
            f"listener {self.port} {HOST}\nprotocol websockets\nlistener {self._mqtt_port} {HOST}\n"
            "allow_anonymous true\nset_tcp_nodelay true\nlog_type error\nmax_queued_messages 0\n"
        )
        program = _program()
        assert program is not None
        process = subprocess.Popen([program, "-c", told], stdout=subprocess.DEVNULL)
        for port in (self.port, self._mqtt_port):
            _wait_until_it_listens(port, process)
        return process

    def handshakes(self) -> list[bytes]:
        one = handshake(self.port, "/mqtt", {"Sec-WebSocket-Protocol": "mqtt"})
        return [one] * (self.users * self.each)

    def is_ready(self, device: Device, payload: bytes) -> bool:
        if not payload:
            device.send(connect(f"device-{device.number}"), BINARY)
        elif payload[0] == CONNACK:
            device.send(subscribe(_topic(device.number // self.each)), BINARY)
        return payload[:1] == bytes([SUBACK])

    def is_message(self, payload: bytes) -> bool:
        """Also one that is sent again (flag DUP, section 3.3.1.1)."""
        return payload[0] & KIND == PUBLISH & KIND

    def acknowledge(self, device: Device, payload: bytes) -> None:
        """The packet's number is behind the topic (MQTT 3.1.1, section 3.3.2)."""
        start = 1 + _length_of_length(payload) + 2
        start += int.from_bytes(payload[start - 2 : start])
        device.send(bytes([PUBACK, 2]) + payload[start : start + 2], BINARY)

    def settle(self) -> None:
        """It has read the acknowledgements when it has nothing more to do."""
        before = -1.0
        while before != (now := self.cpu_seconds()):
            before = now
            time.sleep(0.05)

    def publisher(self) -> "MqttPublisher":
        return MqttPublisher(self._mqtt_port)

    def request(self, user: int, body: str) -> bytes:
        return publish(_topic(user), 1, b'{"body":"%b"}' % body.encode())


class MqttPublisher(Publisher):
    """One MQTT connection over plain TCP; a message is answered when the server has taken it."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.sock.setblocking(True)
        self.sock.send(connect(f"publisher-{self.sock.fileno()}"))
        answer = self.sock.recv(4)
        assert answer[0] == CONNACK
        self.sock.setblocking(False)

    def on_data(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) >= 4:
            assert self.buffer[0] == PUBACK
            self.buffer = b""
            self.idle = True
            self.on_answer()


def connect(client: str) -> bytes:
    """To a session that is kept while nobody is there (no flag "clean", section 3.1.2.4)."""
    level, flags = 4, 0
    told = struct.pack("!BBH", level, flags, KEEP_ALIVE_SECONDS)
    return _packet(CONNECT, _text("MQTT") + told + _text(client))


def subscribe(topic: str) -> bytes:
    return _packet(SUBSCRIBE, struct.pack("!H", 1) + _text(topic) + b"\x01")


def publish(topic: str, number: int, payload: bytes) -> bytes:
    return _packet(PUBLISH, _text(topic) + struct.pack("!H", number) + payload)


def _program() -> str | None:
    """Debian puts it where only root looks."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def _topic(user: int) -> str:
    return f"users/{user}"


def _packet(kind: int, content: bytes) -> bytes:
    """Remaining length: seven bits a byte, the lowest first (section 2.2.3)."""
    left, length = len(content), b""
    while left > 127:
        length += bytes([0x80 | left & 0x7F])
        left >>= 7
    return bytes([kind]) + length + bytes([left]) + content


def _length_of_length(packet: bytes) -> int:
    return next(place for place in range(1, 5) if packet[place] < 0x80)


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text.encode())) + text.encode()


def _wait_until_it_listens(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            socket.create_connection((HOST, port)).close()
        except ConnectionError:
            continue
        return
    raise RuntimeError(f"mosquitto ended with {process.returncode}")
