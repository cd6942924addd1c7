# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks at a page in headless Chromium, by the DevTools protocol over a pair of pipes."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAM = shutil.which("chromium")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-extensions",
    "--remote-debugging-pipe",
)


class Page:
    """A page that is open in a browser; ``told`` are the messages of its console and its exceptions."""

    def __init__(self, to_browser, from_browser):
        self._write, self._read, self._left = to_browser, from_browser, b""
        self._number, self.session, self.told, self._seen = 0, None, [], set()

    def call(self, method, **params):
        """Returns the answer to a command."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": params}
        if self.session:
            asked["sessionId"] = self.session
        os.write(self._write, json.dumps(asked).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self, seconds=60):
        deadline = time.monotonic() + seconds
        while b"\0" not in self._left:
            ready = select.select([self._read], [], [], max(deadline - time.monotonic(), 0))[0]
            assert ready, "the browser says nothing"
            read = os.read(self._read, 1 << 20)
            assert read, "the browser has ended"
            self._left += read
        first, self._left = self._left.split(b"\0", 1)
        answer = json.loads(first)
        if answer.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
            self.told.append(answer["params"])
        self._seen.add(answer.get("method"))
        return answer

    def open(self, path):
        """Opens a file and waits until it is loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
        self._seen.clear()
        self.call("Page.navigate", url=Path(path).resolve().as_uri())
        while "Page.loadEventFired" not in self._seen:
            self._receive()

    def ask(self, expression):
        """Returns what an expression of JavaScript comes to, a promise too."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key):
        """Presses a key where the focus is."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if kind == "keyDown" and len(key) == 1 else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, **text)

    def picture(self, path, **options):
        """Writes a picture of what can be seen."""
        data = self.call("Page.captureScreenshot", format="png", **options)["data"]
        Path(path).write_bytes(base64.b64decode(data))


def _above(descriptor):
    """The same one at a number that neither end of the browser's has."""
    above = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return above


@contextlib.contextmanager
def opened(path):
    """A page of a file in a browser of its own, which ends with it."""
    (reading, to_browser), (from_browser, writing) = map(_above, os.pipe()), map(_above, os.pipe())
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        started = subprocess.Popen(
            # The browser reads what it is asked at 3 and answers at 4.
            [
                "bash",
                "-c",
                f'exec "$@" 3<&{reading} 4>&{writing}',
                "bash",
                PROGRAM,
                *_FLAGS,
                f"--user-data-dir={folder}",
            ],
            pass_fds=(reading, writing),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": folder},
        )
        os.close(reading)
        os.close(writing)
        try:
            page = Page(to_browser, from_browser)
            page.open(path)
            yield page
        finally:
            started.kill()
            started.wait()
            os.close(to_browser)
            os.close(from_browser)
