"""A server for tests that speaks as much of OpenAI's API as the endpoint engine, and fails on command.

It answers by itself, or, given ``upstream``, stands before a real server. ``faults`` is one letter for
each request in the order in which they arrive, and none after that:

    .  none    4  status 429    5  status 500    x  connection dropped    t  `stall` seconds late
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import urllib.request

from local_server import LocalServer


class FaultyServer(LocalServer):
    def __init__(self, faults="", upstream=None, stall=1.0, key=None):
        self.faults, self.upstream, self.stall, self.key = faults, upstream, stall, key
        self.requests: list[dict] = []
        self.headers: list[dict] = []
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        super().__init__()
        self.url += "/v1"

    def respond(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self._lock:
            number = len(self.requests)
            self.requests.append(json.loads(body) | {"path": handler.path})
            self.headers.append({name.lower(): value for name, value in handler.headers.items()})
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self._respond(handler, body, (self.faults[number : number + 1]) or ".")
        finally:
            with self._lock:
                self.at_once -= 1

    def _respond(self, handler, body, fault):
        if fault == "x":
            handler.close_connection = True
            return
        if fault == "t":
            time.sleep(self.stall)
        if fault in "45":
            status = {"4": 429, "5": 500}[fault]
            return self._send(
                handler, status, {"error": {"message": "not now"}}, {"Retry-After": "0"}
            )
        given = handler.headers.get("Authorization", "")
        if self.key and given != f"Bearer {self.key}":
            return self._send(handler, 401, {"error": {"message": f"Incorrect API key: {given}"}})
        if self.upstream:
            request = urllib.request.Request(
                self.upstream + handler.path.removeprefix("/v1"),
                body,
                {"Content-Type": "application/json", "Authorization": given},
            )
            with urllib.request.urlopen(request) as answer:
                return self._send(handler, answer.status, json.loads(answer.read()))
        self._send(handler, 200, self.answer(json.loads(body), handler.path))

    def answer(self, asked, path):
        """Says its seed back; a prompt's tokens are its words."""
        text = f"seed {asked.get('seed')} \\boxed{{1}}"
        chat = path.endswith("chat/completions")
        prompt = asked["messages"][0]["content"] if chat else asked["prompt"]
        choice = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        return {
            "id": "1",
            "object": "chat.completion" if chat else "text_completion",
            "created": 0,
            "model": f"{asked['model']}-2026",
            "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None} | choice],
            "usage": {
                "prompt_tokens": len(prompt.split()),
                "completion_tokens": 3,
                "total_tokens": 0,
            },
        }

    def _send(self, handler, status, document, headers=()):
        body = json.dumps(document).encode()
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **dict(headers)}.items():
            handler.send_header(name, value)
        handler.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it waited no longer
            handler.wfile.write(body)
