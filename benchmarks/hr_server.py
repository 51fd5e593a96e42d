"""An HR system on loopback that answers with all people, and with an ETag."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


class HrServer:
    """The server, to be entered.

    :param latency: milliseconds that every answer takes at least.
    """

    def __init__(self, latency: int) -> None:
        self.content, self.etag = b"[]", '"0"'
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                time.sleep(latency / 1000)
                content, etag = served.content, served.etag
                known = self.headers.get("If-None-Match") == etag
                self.send_response(304 if known else 200)
                self.send_header("ETag", etag)
                if not known:
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if not known:
                    self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def publish(self, rows: Sequence[Any]) -> None:
        """Answer with these rows from now on.

        :param rows: all people.
        """
        content = json.dumps(list(rows)).encode()
        self.content, self.etag = content, f'"{hashlib.sha256(content).hexdigest()}"'

    def __enter__(self) -> Self:
        """Start."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
