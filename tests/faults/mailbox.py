"""A device of the storm that has a push subscription too, at the cluster's own push service."""

import json
import threading
from contextlib import suppress

from push_service.testing.virtual_device import VirtualDevice, VirtualDeviceError
from tests.faults.crowd import Crowd


class Mailbox:
    """Takes in, by a thread of its own, what the app sends by Web Push to `connection_id`."""

    def __init__(self, crowd: Crowd, push_service: str, connection_id: str) -> None:
        self.connection_id = connection_id
        self._crowd = crowd
        self._device = VirtualDevice(push_service)
        self._device.connect()
        _status, key = crowd.ask("GET", "/api/vapid-public-key", connection_id)
        self._subscription = self._device.subscribe(key["public_key"]).as_json()
        self._received: set[str] = set()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._take_in)

    def open(self) -> None:
        """From now on what is created for the device is due here too."""
        assert self.subscribe()
        self._crowd.seen[self.connection_id].pushed = self._received
        self._thread.start()

    def subscribe(self) -> bool:
        """As a page does that makes sure; False: the app did not answer, or the device is gone."""
        status, _ = self._crowd.ask(
            "POST", "/api/subscribe", self.connection_id, self._subscription
        )
        return status in (200, 201)

    def close(self) -> None:
        self._closed.set()
        self._thread.join()
        self._device.disconnect()

    def _take_in(self) -> None:
        while not self._closed.is_set():
            with suppress(VirtualDeviceError):
                payload = json.loads(self._device.receive(timeout=0.2).data or b"{}")
                self._received.add(payload["pushlab"]["notification_id"])
