"""A headless Chromium, driven over its DevTools protocol."""

import itertools
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Tab:
    """A page that is open, and what its browser tells of it."""

    def __init__(self, socket: websocket.WebSocket, session: str) -> None:
        self._socket, self._session = socket, session
        self._ids = itertools.count(100)
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol, and return its result."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters, "sessionId": self._session}
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            if answer.get("sessionId") == self._session:
                self.events.append(answer)

    def open(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression on the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 20) -> None:
        """Wait until an expression on the page is true."""
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            assert time.monotonic() < end, expression
            time.sleep(0.05)

    def width(self, pixels: int) -> None:
        """Give the window a width."""
        self.call("Emulation.setDeviceMetricsOverride", width=pixels, height=850, deviceScaleFactor=1, mobile=True)

    def complaints(self) -> list[str]:
        """Return the errors on the page's console."""
        found = []
        for event in self.events:
            method, parameters = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                found.append(str(parameters["exceptionDetails"]))
            if method == "Runtime.consoleAPICalled" and parameters["type"] == "error":
                found.append(str(parameters["args"]))
            if method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
                found.append(parameters["entry"]["text"])
        return found

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for."""
        return [
            event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"
        ]


@contextmanager
def browser(profile: Path) -> Iterator[Tab]:
    """Start a Chromium with one tab, and end it."""
    assert CHROMIUM is not None
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    process = subprocess.Popen(
        [CHROMIUM, *options, f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        address = next(found[1] for line in process.stderr if (found := re.search(r"listening on (ws://\S+)", line)))
        socket = websocket.create_connection(address, suppress_origin=True, timeout=60)
        tab = _ask(socket, 1, "Target.createTarget", url="about:blank")["targetId"]
        session = _ask(socket, 2, "Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        yield Tab(socket, session)
        socket.close()
    finally:
        process.terminate()
        process.wait()


def _ask(socket: websocket.WebSocket, number: int, method: str, **parameters: Any) -> Any:
    socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
    while (answer := json.loads(socket.recv())).get("id") != number:
        continue
    return answer["result"]
