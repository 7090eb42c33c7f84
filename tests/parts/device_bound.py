"""A site on TLS that binds its session to a key of the browser's device, and a Chrome that takes part."""

import base64
import json
import ssl
from hashlib import sha256
from pathlib import Path
from typing import Final

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.parts.tls import make_certificate, make_context

HOST: Final = "site.test"
# On Linux both are needed: the feature is off, and without a security chip Chrome makes no key otherwise.
_FEATURES: Final = "DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting"
_COOKIE: Final = "bound"


class BoundSite:
    """Registers a key, and asks for a proof with it before each new cookie.

    Args:
        life_s: seconds that a cookie lives.

    Attributes:
        registered: how many keys it was given.
        refreshed: how many cookies it made since.
    """

    def __init__(self, life_s: int) -> None:
        self._life_s = life_s
        self._values: set[str] = set()
        self.registered = 0
        self.refreshed = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.path == "/reg":
            self.registered += 1
            return self._give_cookie()
        if request.path == "/refresh":
            if "Secure-Session-Response" not in request.headers:
                return web.Response(status=403, headers={"Secure-Session-Challenge": '"again";id="s1"'})
            self.refreshed += 1
            return self._give_cookie()
        if request.path == "/me":
            sent = request.headers.get("Cookie", "").split("; ")
            is_good = any(f"{_COOKIE}={value}" in sent for value in self._values)
            return web.Response(status=200 if is_good else 401)
        registration = '(ES256 RS256);path="/reg";challenge="first"'
        headers = {"Secure-Session-Registration": registration} if request.path == "/" else {}
        return web.Response(text="<!doctype html><p>Hello", content_type="text/html", headers=headers)

    def _give_cookie(self) -> web.Response:
        value = f"v{self.registered}-{self.refreshed}"
        self._values = {value}
        attributes = f"Domain={HOST}; Path=/; Secure; HttpOnly; SameSite=Lax"
        credentials = [{"type": "cookie", "name": _COOKIE, "attributes": attributes}]
        scope = {"include_site": True, "scope_specification": []}
        told = {"session_identifier": "s1", "refresh_url": "/refresh", "scope": scope, "credentials": credentials}
        headers = {"Set-Cookie": f"{_COOKIE}={value}; {attributes}; Max-Age={self._life_s}"}
        return web.Response(text=json.dumps(told), content_type="application/json", headers=headers)


def make_tls(folder: Path) -> tuple[ssl.SSLContext, str]:
    """Return TLS of :data:`HOST`, and what Chrome trusts its key by."""
    file = make_certificate(folder / "site.pem", HOST)
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return make_context(file), base64.b64encode(sha256(key).digest()).decode()


def write_chrome(folder: Path, spki: str, *flags: str) -> Path:
    """Write a program that starts Chrome so that it trusts that key and finds :data:`HOST` here; return its path."""
    program = folder / "chromium-bound"
    trusting = f"--ignore-certificate-errors-spki-list={spki}"
    finding = f"--host-resolver-rules='MAP {HOST} 127.0.0.1'"
    program.write_text(f'#!/bin/sh\nexec chromium "$@" {trusting} {finding} {" ".join(flags)}\n', "utf-8")
    program.chmod(0o700)
    return program


def write_binding_chrome(folder: Path, spki: str) -> Path:
    """Write such a program for a Chrome that makes keys of its device."""
    return write_chrome(folder, spki, f"--enable-features={_FEATURES}")
