"""Calls of ``fetch`` that were copied ("Copy as fetch", "Copy as fetch (Node.js)"): JSON in JavaScript."""

import json
import re
from typing import Any, Final

from aura_browser.formats.copied_request import CopiedRequest, encode_body, read_cookies, refuse

_CALL: Final = re.compile(r"\s*(?:await\s+)?fetch\s*\(\s*")
_COMMA: Final = re.compile(r"\s*,\s*")
_END: Final = re.compile(r"\s*,?\s*\)\s*(?:;|\Z|(?=\n|await|fetch))\s*")


def parse_fetch(text: str) -> tuple[CopiedRequest, ...]:
    """Return the requests of calls of ``fetch``. Those copied as plain fetch hold no cookies.

    Args:
        text: one call, or several, one after another.

    Raises:
        InvalidInput: if an argument is not the JSON that a browser copies.
    """
    requests, at = [], 0
    while text[at:].strip():
        call = _CALL.match(text, at) or refuse("it holds something other than fetch(…)")
        url, at = _decode(text, call.end())
        options: Any = {}
        if comma := _COMMA.match(text, at):
            options, at = _decode(text, comma.end())
        end = _END.match(text, at) or refuse("the call of fetch does not end")
        at = end.end()
        requests.append(_build(url, options))
    return tuple(requests)


def _decode(text: str, at: int) -> tuple[Any, int]:
    try:
        return json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError):
        refuse("an argument of fetch is not the JSON that a browser copies")


def _build(url: object, options: object) -> CopiedRequest:
    if not isinstance(url, str) or not url or not isinstance(options, dict):
        refuse("fetch has other arguments than an address and options")
    given, body, method = options.get("headers") or {}, options.get("body"), options.get("method") or "GET"
    is_text = isinstance(given, dict) and all(isinstance(value, str) for value in given.values())
    if not is_text or not isinstance(body, str | None) or not isinstance(method, str):
        refuse("fetch has options that are not text")
    headers = [(name, value) for name, value in given.items() if name.lower() != "cookie"]
    referrer = options.get("referrer")
    if isinstance(referrer, str) and referrer and not any(name.lower() == "referer" for name, _ in headers):
        headers.append(("Referer", referrer))
    cookie = next((value for name, value in given.items() if name.lower() == "cookie"), "")
    return CopiedRequest(method, url, tuple(headers), read_cookies(cookie), None if body is None else encode_body(body))
