"""A server on the loopback device that behaves as servers do: breaks off, knows no ranges, sends other bytes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What a server has and how it answers.

    Attributes:
        files: path -> content. ranges: it answers 206 to a request for a range.
        breaks: an answer ends after so many bytes, as often as the list is long.
        damaged: so many answers have other bytes. pause: seconds between pieces of `piece` bytes.
        asked: (path, Range header) of all requests.
    """

    files: dict[str, bytes]
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    damaged: int = 0
    page: bytes | None = None
    pause: float = 0.0
    piece: int = 1 << 16
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Serve a site; its `url` says where."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer(self, site)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


def answer(handler: BaseHTTPRequestHandler, site: Site) -> None:
    """Answer one request."""
    asked = handler.headers.get("Range")
    site.asked.append((handler.path, asked))
    content = site.files.get(handler.path)
    if content is None:
        handler.send_error(404)
        return
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and site.ranges else 0
    if start >= len(content):
        handler.send_response(416)
        handler.send_header("Content-Range", f"bytes */{len(content)}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    handler.send_response(206 if asked and site.ranges else 200)
    if asked and site.ranges:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    if site.page is not None:
        content, start = site.page, 0
        handler.send_header("Content-Type", "text/html")
    handler.send_header("Content-Length", str(len(content) - start))
    handler.end_headers()
    body = content[start:]
    if site.damaged:
        site.damaged -= 1
        body = bytes(byte ^ 1 for byte in body[:100]) + body[100:]
    body = body[: site.breaks.pop(0)] if site.breaks else body
    for begin in range(0, len(body), site.piece):
        try:
            handler.wfile.write(body[begin : begin + site.piece])
            handler.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            return
        time.sleep(site.pause)
