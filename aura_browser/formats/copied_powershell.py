"""Commands that were copied for PowerShell ("Copy as PowerShell"): a web session and ``Invoke-WebRequest``."""

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aura_browser.formats.copied_request import CopiedCookie, CopiedRequest, encode_body, refuse

_TOKEN: Final = re.compile(
    r"""(?P<skip>[ \t]+|`\r?\n)|(?P<end>\r?\n|;)|(?P<double>"(?:[^"`$]|`.|\$\(\[char\]\d{1,7}\)|\$(?!\()|"")*")"""
    r"""|(?P<single>'(?:[^']|'')*')|(?P<sign>@\{|[{}()=,])|(?P<word>[^\s"'`(){}=,;]+)""",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"`(?P<kept>.)|\$\(\[char\](?P<code>\d+)\)|\"\"|\$", re.DOTALL)
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}
_COMMANDS: Final = frozenset({"invoke-webrequest", "invoke-restmethod", "iwr", "irm", "curl"})
_SWITCHES: Final = frozenset({"-usebasicparsing"})
_FORM: Final = "application/x-www-form-urlencoded"


class _Token(NamedTuple):
    kind: str
    text: str


@dataclass
class _Web:
    """The web session that the text builds before it uses it."""

    user_agent: str = ""
    cookies: list[CopiedCookie] = field(default_factory=list)


def parse_powershell(text: str) -> tuple[CopiedRequest, ...]:
    """Return the requests of calls of ``Invoke-WebRequest``, with the user agent and cookies of their ``$session``.

    Args:
        text: one command with what is set before it, or several.

    Raises:
        InvalidInput: if it holds anything that a browser does not copy; nothing is run.
    """
    requests, web = [], _Web()
    for statement in _split_statements(text):
        first = statement[0].text.lower()
        if first in _COMMANDS:
            requests.append(_read_call(statement[1:], web))
        elif first == "$session":
            web = _Web()
        else:
            _read_session(first, statement, web)
    return tuple(requests)


def _split_statements(text: str) -> list[list[_Token]]:
    """Return the tokens of each statement; a line end in brackets ends none."""
    statements: list[list[_Token]] = [[]]
    at = depth = 0
    while at < len(text):
        match = _TOKEN.match(text, at) or refuse("it holds something that a browser does not copy")
        at, kind = match.end(), match.lastgroup or ""
        depth += (match[0] in {"@{", "{", "("}) - (match[0] in {"}", ")"}) if kind == "sign" else 0
        if kind == "end" and depth == 0:
            statements.append([])
        elif kind != "skip":
            statements[-1].append(
                _Token("text", _unquote(match[0])) if kind in {"double", "single"} else _Token(kind, match[0])
            )
    return [statement for statement in statements if statement]


def _unquote(quoted: str) -> str:
    inner = quoted[1:-1]
    if quoted.startswith("'"):
        return inner.replace("''", "'")
    # A character beyond 16 bits is written as two.
    text = _ESCAPE.sub(_read_escape, inner)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _read_escape(match: re.Match[str]) -> str:
    if match["kept"]:
        return _LETTERS.get(match["kept"], match["kept"])
    if match["code"]:
        return chr(min(int(match["code"]), 0x10FFFF))
    if match[0] == "$":
        refuse("it holds a variable in double quotes, which is not expanded here")
    return '"'


def _read_session(first: str, statement: list[_Token], web: _Web) -> None:
    texts = [token.text for token in statement if token.kind == "text"]
    if first == "$session.useragent" and len(texts) == 1:
        web.user_agent = texts[0]
    elif first == "$session.cookies.add" and len(texts) == 4:  # noqa: PLR2004 - name, value, path and domain
        web.cookies.append(CopiedCookie(texts[0], texts[1], texts[3]))
    else:
        refuse("it holds a statement that a browser does not copy")


def _read_call(tokens: list[_Token], web: _Web) -> CopiedRequest:
    options, left_out = _read_options(tokens)
    url = options.pop("-uri", None) or [""]
    body = options.pop("-body", None)
    method = options.pop("-method", ["GET"])[-1].upper()
    headers = [("User-Agent", web.user_agent)] if web.user_agent else []
    pairs = options.pop("-headers", [])
    headers += list(zip(pairs[::2], pairs[1::2], strict=False))
    headers = [
        (name, value) for name, value in headers if name.lower() not in {"method", "path", "scheme", "authority"}
    ]
    default = [_FORM] if body is not None else []
    headers += [("Content-Type", each) for each in options.pop("-contenttype", default)]
    options.pop("-websession", None)
    if len(url) != 1 or not url[0] or (body is not None and len(body) != 1):
        refuse("it names no address, or has a body of several parts")
    encoded = None if body is None else encode_body(body[0])
    return CopiedRequest(method, url[0], tuple(headers), tuple(web.cookies), encoded, (*left_out, *options))


def _read_options(tokens: list[_Token]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the texts behind each option, and the options that have no value."""
    options: dict[str, list[str]] = {}
    left_out, name = [], "-uri"
    for token in tokens:
        if token.kind == "word" and token.text.startswith("-"):
            name = token.text.lower()
            if name not in _SWITCHES:
                options[name] = []
        elif token.kind == "text" or (token.kind == "word" and name == "-method"):
            options.setdefault(name, []).append(token.text)
    for each in [each for each, values in options.items() if not values and each != "-websession"]:
        del options[each]
        left_out.append(each)
    return options, left_out
