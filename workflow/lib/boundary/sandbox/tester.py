"""A sandbox for a benchmark's own assertions, from outside."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

from boundary.sandbox.process import PACKET_BYTES, SandboxError, Served, file_of


class Tester(Served):
    """A sandbox that runs assertions, whose calls go over a line to a program in another."""

    def __init__(self) -> None:
        super().__init__("assertions")

    def begin(self, document: str, entry: str, link: socket.socket) -> None:
        """Start a test: ``document`` is JSON with `reference` and `test`. Raises SandboxError."""
        self.start()
        assert self._control is not None
        file = file_of(document)
        try:
            asked = json.dumps({"entry": entry}).encode()
            socket.send_fds(self._control, [asked], [file, link.fileno()])
        except OSError as error:
            self.stop()
            raise SandboxError(f"the sandbox of the tests ended: {error}") from error
        finally:
            os.close(file)

    def finish(self, seconds: float) -> dict[str, Any] | None:
        """What the test found; None if it has not ended in so many seconds. Raises SandboxError."""
        assert self._control is not None
        self._control.settimeout(seconds)
        try:
            packet = self._control.recv(PACKET_BYTES)
        except TimeoutError:
            self.stop()
            return None
        except OSError as error:
            self.stop()
            raise SandboxError(f"the sandbox of the tests ended: {error}") from error
        if not packet:
            self.stop()
            raise SandboxError("the sandbox of the tests ended")
        return json.loads(packet)
