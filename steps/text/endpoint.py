"""One request to an endpoint, within limits: of time for the whole answer, and of bytes; redirects are not followed.

What an endpoint sends is judged, not trusted: a redirect could take the key elsewhere, a slow answer has no end, and a
compressed one may be a thousand times as large.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import openai

from steps.text.endpoint_settings import EndpointSettings
from utils.errors import InputError
from utils.secrets import hide, hide_values

LARGEST_ANSWER = 16 << 20  # bytes, unpacked
ENCODINGS = ("", "identity", "gzip", "deflate")


class _Client(httpx2.Client):
    """Reads at most LARGEST_ANSWER bytes of an answer."""

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        response = super().send(request, **options | {"stream": True, "follow_redirects": False})
        try:
            encoding = response.headers.get("content-encoding", "").strip().lower()
            if encoding not in ENCODINGS:
                raise httpx2.DecodingError(f"an answer in the encoding {encoding[:20]!r}, which was not asked for")
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise httpx2.DecodingError(f"an answer of more than {LARGEST_ANSWER} bytes")
        finally:
            response.close()
        headers = [(name, value) for name, value in response.headers.items() if name.lower() != "content-encoding"]
        return httpx2.Response(response.status_code, headers=headers, content=bytes(body), request=response.request)


def send(settings: EndpointSettings, request: dict[str, Any]) -> str:
    """Send one request; returns the body of the answer, without key and password, should they be in it.

    Raises openai.APIStatusError, openai.APIConnectionError, ValueError for an answer that is no text or late, and
    InputError for a proxy that cannot be used.
    """
    try:
        client = _Client(timeout=settings.timeout, headers={"Accept-Encoding": "gzip, deflate"})
    except (ImportError, ValueError) as error:
        raise InputError(f"the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY name: {_cut(str(error))}") from error
    api = openai.OpenAI(api_key=settings.api_key, base_url=settings.base_url, max_retries=0, http_client=client)
    thread = ThreadPoolExecutor(1)
    try:
        response = thread.submit(api.chat.completions.with_raw_response.create, **request)
        return hide_values(response.result(settings.timeout).http_response.content.decode("utf-8"))
    except TimeoutError as error:
        raise ValueError(f"no whole answer in {settings.timeout:g} s") from error
    finally:
        client.close()  # ends the thread, should it still wait
        thread.shutdown(wait=False)


def told(error: Exception) -> str:
    """What went wrong, in one line without secrets; of a status, what the body of the answer says."""
    if isinstance(error, openai.APIStatusError):
        location = error.response.headers.get("location")
        redirect = f" redirects to {location}; give that address as base_url:" if location else ""
        return _cut(f"HTTP {error.status_code}:{redirect} {error.message}")
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) and error.__cause__ else error
    return _cut(f"{type(cause).__name__}: {cause}")


def _cut(text: str) -> str:
    """Printable, one line, hidden before it is cut."""
    shown = " ".join(hide(text).split())
    return "".join(character if character.isprintable() else "?" for character in shown)[:250]
