"""A server on this machine for tests, in a thread; what it answers is its subclass's."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LocalServer:
    """Serves while its block lasts; ``respond`` is given each request's handler."""

    methods: tuple[str, ...] = ("POST",)
    protocol = "HTTP/1.1"

    def __init__(self):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = self.protocol

            def log_message(self, *arguments):
                pass

        for method in self.methods:
            setattr(Handler, f"do_{method}", lambda handler: self.respond(handler))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()
