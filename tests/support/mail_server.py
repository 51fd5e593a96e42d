"""A mail server on loopback that keeps what it is sent: as much SMTP as a client needs."""

from __future__ import annotations

import email
import socketserver
import threading
from email.message import Message
from types import TracebackType


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail without log-in and without encryption; ``mails`` holds recipients and message of each."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[tuple[list[str], Message]] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def __enter__(self) -> MailServer:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 loopback")
        recipients: list[str] = []
        for line in iter(self.rfile.readline, b""):
            words = line.decode().strip()
            command = words[:4].upper()
            if command == "RCPT":
                recipients.append(words.partition("<")[2].rstrip(">"))
            if command == "DATA":
                self._say("354 go on")
                body = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.mails.append((recipients, email.message_from_bytes(body)))
            self._say("221 bye" if command == "QUIT" else "250 fine")
            if command == "QUIT":
                return

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
