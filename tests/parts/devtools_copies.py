"""Writes a request as Chrome's developer tools copy it, in each of their forms.

After Chromium's front_end/panels/network/NetworkLogView.ts: which characters are kept from which shell, and how.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from aura_browser.formats.copied_request import CopiedRequest

_IGNORED: Final = frozenset({"accept-encoding", "host", "method", "path", "scheme", "version", "authority", "protocol"})
_SESSIONS: Final = frozenset(
    {
        "host",
        "connection",
        "proxy-connection",
        "content-length",
        "expect",
        "range",
        "content-type",
        "user-agent",
        "cookie",
    }
)


def copy_as_curl_bash(request: CopiedRequest) -> str:
    return _copy_as_curl(request, _quote_bash, " \\\n  ")


def copy_as_curl_cmd(request: CopiedRequest) -> str:
    return _copy_as_curl(request, _quote_cmd, " ^\n  ")


def copy_as_powershell(request: CopiedRequest) -> str:
    quote = _quote_powershell
    lines = []
    agent = next((value for name, value in request.headers if name.lower() == "user-agent"), None)
    if agent is not None:
        lines.append(f"$session.UserAgent = {quote(agent)}")
    for cookie in request.cookies:
        pair = ", ".join((quote(cookie.name), quote(cookie.value), '"/"', quote(cookie.domain)))
        lines.append(f"$session.Cookies.Add((New-Object System.Net.Cookie({pair})))")
    new = "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession"
    before = "\n".join([new, *lines, ""]) if lines else ""
    words = ["Invoke-WebRequest -UseBasicParsing", f"-Uri {quote(request.url)}"]
    words += [f"-Method {quote(request.method)}"] if request.method != "GET" else []
    words += ["-WebSession $session"] if lines else []
    pairs = [f"{quote(name)}={quote(value)}" for name, value in request.headers if name.lower() not in _SESSIONS]
    words += ["-Headers @{\n" + "\n  ".join(pairs) + "\n}"] if pairs else []
    words += [f"-ContentType {quote(value)}" for name, value in request.headers if name.lower() == "content-type"]
    if request.body is not None:
        body = request.body.decode()
        words.append(
            f"-Body {quote(body)}"
            if re.fullmatch(r"[\x20-\x7e]*", body)
            else f"-Body ([System.Text.Encoding]::UTF8.GetBytes({quote(body)}))"
        )
    return before + " `\n".join(words)


def copy_as_node_fetch(request: CopiedRequest) -> str:
    headers = dict(request.headers)
    if request.cookies:
        headers["cookie"] = _join_cookies(request)
    body = None if request.body is None else request.body.decode()
    options = {"headers": headers, "body": body, "method": request.method}
    return f"fetch({json.dumps(request.url, ensure_ascii=False)}, {json.dumps(options, indent=2, ensure_ascii=False)});"


FORMS: Final[Mapping[str, Callable[[CopiedRequest], str]]] = {
    "bash": copy_as_curl_bash,
    "cmd": copy_as_curl_cmd,
    "powershell": copy_as_powershell,
    "fetch": copy_as_node_fetch,
}


def _copy_as_curl(request: CopiedRequest, quote: Callable[[str], str], separator: str) -> str:
    words = [re.sub(r"[\[{}\]]", r"\\\g<0>", quote(request.url))]
    inferred = "GET" if request.body is None else "POST"
    words += [f"-X {quote(request.method)}"] if request.method != inferred else []
    for name, value in request.headers:
        if name.lower() not in _IGNORED:
            words.append(f"-H {quote(f'{name}: {value}' if value.strip() else f'{name};')}")
    words += [f"-b {quote(_join_cookies(request))}"] if request.cookies else []
    words += [f"--data-raw {quote(request.body.decode())}"] if request.body is not None else []
    return "curl " + separator.join([*words, "--compressed"])


def _join_cookies(request: CopiedRequest) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in request.cookies)


def _quote_bash(text: str) -> str:
    if not re.search(r"[\0-\x1f\x7f-\x9f!]|'", text):
        return f"'{text}'"
    text = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    text = re.sub(r"[\0-\x1f\x7f-\x9f!]", lambda match: f"\\u{ord(match[0]):04x}", text)
    return f"$'{text}'"


def _quote_cmd(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    text = re.sub(r"[^a-zA-Z0-9\s_\-:=+~'/.',?;()*`]", r"^\g<0>", text)
    text = re.sub(r"%(?=[a-zA-Z0-9_])", "%^", text)
    return '^"' + re.sub(r"\r?\n", "^\n\n", text) + '^"'


def _quote_powershell(text: str) -> str:
    text = re.sub(r'[`$"]', r"`\g<0>", text)
    units = text.encode("utf-16-le")
    chars = [int.from_bytes(units[at : at + 2], "little") for at in range(0, len(units), 2)]
    return '"' + "".join(chr(char) if 0x20 <= char <= 0x7E else f"$([char]{char})" for char in chars) + '"'
