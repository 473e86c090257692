"""A small Hugging Face hub for tests: lists and serves one dataset's files, and fails as it is told.

``fault`` is "" (none), "gated", "hidden" (no such repository, or none of yours), "revision" (unknown),
"drop" (the connection, in the middle of a file) or a status such as "503".
"""

from __future__ import annotations

import hashlib
import json
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from local_server import LocalServer

HUB, REVISION = "they/theirs", "0123456789abcdef0123456789abcdef01234567"
ROWS = [
    {"question": "1 + 1?", "answer": 2, "extra": [{"deep": True}]},
    {"question": "half of 27,0 — in €?", "answer": 13.5, "extra": [{"deep": None}]},
    {"question": "27.0?", "answer": 27.0, "extra": []},
]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(rows):
    sink = pa.BufferOutputStream()
    # One row a group, so that more than one batch is read.
    pq.write_table(pa.Table.from_pylist(rows), sink, row_group_size=1)
    return sink.getvalue().to_pybytes()


FAULTS = {
    "gated": (403, "GatedRepo"),
    "hidden": (401, "RepoNotFound"),
    "revision": (404, "RevisionNotFound"),
}


class FakeHub(LocalServer):
    methods = ("GET", "HEAD")
    protocol = "HTTP/1.0"  # a connection for each request: one can be dropped

    def __init__(self, files: dict[str, bytes], fault=""):
        self.files, self.fault = files, fault
        self.requests: list[tuple[str, str, str]] = []
        super().__init__()

    def respond(self, handler):
        path = unquote(urlsplit(handler.path).path)
        token = handler.headers.get("authorization", "")
        self.requests.append((handler.command, path, token))
        if self.fault == "drop" and handler.command == "GET" and "/tree/" not in path:
            handler.send_response(200)
            handler.send_header("Content-Length", "1000000")
            handler.end_headers()
            handler.wfile.write(b"a part")
            return
        if self.fault and self.fault != "drop":
            status, code = FAULTS.get(self.fault) or (int(self.fault), "")
            self._send(handler, status, b"", {"X-Error-Code": code, "X-Error-Message": token})
        elif path == f"/api/datasets/{HUB}/tree/{REVISION}":
            listed = [
                {"type": "file", "path": name, "size": len(content), "oid": sha(content)[:40]}
                for name, content in self.files.items()
            ]
            self._send(handler, 200, json.dumps(listed).encode())
        else:
            name = path.removeprefix(f"/datasets/{HUB}/resolve/{REVISION}/").removeprefix("/raw/")
            content = self.files.get(name)
            if content is None:
                self._send(handler, 404, b"", {"X-Error-Code": "EntryNotFound"})
            else:
                about = {"ETag": f'"{sha(content)[:40]}"', "X-Repo-Commit": REVISION}
                self._send(handler, 200, content, about)

    @staticmethod
    def _send(handler, status, content, headers=None):
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(content)


def sha(content):
    return hashlib.sha256(content).hexdigest()
