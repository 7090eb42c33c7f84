"""``aura-browser request``: send any request to a site with its session."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from aura_browser.cli.harvesting import show_target_harvest
from aura_browser.cli.options import session_options
from aura_browser.cli.output import open_output
from aura_browser.cli.request.body import Upload, build_upload
from aura_browser.cli.request.delivery import Delivery, deliver, note_answer
from aura_browser.cli.running import report_errors, run_in_loop
from aura_browser.cli.target import Target, find_target
from aura_browser.errors import InvalidInput
from aura_browser.http.outgoing import check_request
from aura_browser.request import Request

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions

_METHOD: Final = re.compile(r"[A-Za-z][A-Za-z-]{0,30}")
_SESSIONS_OWN: Final = {
    "cookie": "the session's cookies are sent; log in with the account that you need instead",
    "content-length": "the length is known when the body is sent",
    "transfer-encoding": "how the body is framed is known when it is sent",
}
_USAGE: Final = "Name what to ask, such as: aura-browser request https://example.com/api/me"


@dataclass(frozen=True)
class _Ask:
    """What to ask.

    Attributes:
        target: the site, and the address in it.
        request: without its body.
        upload: the body, or None.
        compressed: whether the answer may be compressed on its way.
    """

    target: Target
    request: Request
    upload: Upload | None
    compressed: bool


@click.command("request")
@click.argument("words", metavar="[METHOD] URL|NAME/PATH", nargs=-1)
@click.option(
    "-H", "--header", "headers", metavar="NAME: VALUE", multiple=True, help="A header to add, as often as needed."
)
@click.option("-d", "--data", "data", metavar="TEXT", multiple=True, help="Form data to send, such as name=value.")
@click.option("--json", "json_text", metavar="JSON", help="JSON to send.")
@click.option("--data-file", metavar="FILE", help="A file to send as it is; - for standard input.")
@click.option(
    "-F",
    "--form",
    metavar="NAME=VALUE",
    multiple=True,
    help="A field of a form: name=text, name=@file to upload a file, name=<file for its text. May be repeated.",
)
@click.option("-o", "--output", metavar="FILE", help="Write the answer to a file instead of standard output.")
@click.option("-C", "--continue-at", metavar="-|OFFSET", help="Continue the file of -o there; - means at its end.")
@click.option("-i", "--include", is_flag=True, help="Print the answer's status and headers before its body.")
@click.option("-I", "--head", is_flag=True, help="Ask with HEAD, and print the status and headers.")
@click.option("-L", "--location", is_flag=True, help="Follow redirects, within the site only.")
@click.option("-f", "--fail", is_flag=True, help="Print nothing of an answer with a status from 400 up, and fail.")
@click.option(
    "--compressed/--no-compressed", default=True, show_default=True, help="Let the site compress the answer on its way."
)
@click.option("--as-curl", is_flag=True, help="Send nothing; print a curl command that does the same.")
@click.option(
    "--from-curl",
    metavar="FILE",
    help="Send a request copied from DevTools (as cURL, PowerShell or fetch) with the session; - for standard input.",
)
@session_options(refresh=True, transport=True)
@report_errors
def command(*, words: tuple[str, ...], options: "SessionOptions", **given: Any) -> None:  # noqa: ANN401 - click's parameters
    """Send a request to a site with its session, and print the answer as it arrives.

    NAME is a site of sites.toml. METHOD is GET, or POST if there is a body. A session that the site refuses is renewed,
    and the request sent again. Redirects are not followed without -L, and never to another site. The exit code says
    nothing of the answer's status, unless you give --fail.

    \b
    aura-browser request https://example.com/api/me
    aura-browser request --fail POST https://example.com/api/items --json '{"name": "one"}'
    aura-browser request https://example.com/report.pdf -o report.pdf
    aura-browser request https://example.com/report.pdf -o report.pdf -C -
    aura-browser request --from-curl copied.txt
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.assembly import complete_options

    ask = _read_copied_ask(words, given) if given["from_curl"] else _read_ask(words, given)
    if given["as_curl"]:
        _check_as_curl(ask)
    delivery = _read_delivery(given)
    if delivery.offset is not None:
        added = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={delivery.offset}-"} if delivery.offset else {})
        ask = _add_headers(ask, added)
    options = complete_options(ask.target.site, options)
    options["harvest"] = show_target_harvest(ask.target, options)
    if given["as_curl"]:
        click.echo(run_in_loop(_build_curl(ask, options, given)))
    else:
        run_in_loop(_send(ask, options, delivery))


def _read_ask(words: tuple[str, ...], given: Mapping[str, Any]) -> _Ask:
    """Return what the words and options say. Raises click.UsageError if they can't work."""
    if not 1 <= len(words) <= 2:  # noqa: PLR2004 - a method and an address
        raise click.UsageError(_USAGE)
    upload = build_upload(given["data"], given["json_text"], given["data_file"], given["form"])
    inferred = "HEAD" if given["head"] else "GET" if upload is None else "POST"
    method = words[0] if len(words) > 1 else inferred
    if not _METHOD.fullmatch(method) or (len(words) == 1 and words[0].isalpha() and words[0].isupper()):
        raise click.UsageError(_USAGE)
    if given["head"] and (upload is not None or method.upper() != "HEAD"):
        raise click.UsageError("-I asks with HEAD, which has no body and no other method.")
    target = find_target(words[-1])
    headers = _read_headers(given["headers"])
    if upload is not None and upload.content_type and not _has(headers, "content-type"):
        headers["Content-Type"] = upload.content_type
    return _build_ask(target, method.upper(), headers, upload, given)


def _read_copied_ask(words: tuple[str, ...], given: Mapping[str, Any]) -> _Ask:
    if words or given["head"] or any(given[name] for name in ("data", "json_text", "data_file", "form")):
        raise click.UsageError("--from-curl brings method, address and body; leave the others out.")
    # Loaded when used, with all foreign formats.
    from aura_browser.cli.request.copied import describe_copied, keep_headers, read_copied

    copied = read_copied(given["from_curl"])
    if note := describe_copied(copied):
        click.echo(note, err=True)
    upload = None if copied.body is None else Upload((copied.body,), "", len(copied.body))
    headers = {**keep_headers(copied), **_read_headers(given["headers"])}
    return _build_ask(find_target(copied.url), copied.method, headers, upload, given)


def _build_ask(
    target: Target, method: str, headers: dict[str, str], upload: Upload | None, given: Mapping[str, Any]
) -> _Ask:
    if not given["compressed"]:
        headers = {**headers, "Accept-Encoding": "identity"}
    request = Request(method, target.url, headers, follows_redirects=given["location"])
    return _Ask(target, check_request(request), upload, given["compressed"])


def _read_headers(texts: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for text in texts:
        name, colon, value = text.partition(":")
        name, value = name.strip(), value.strip()
        if not colon and not text.endswith(";"):
            raise click.UsageError("-H must be 'NAME: VALUE', or 'NAME;' for an empty value.")
        name = name if colon else name.removesuffix(";")
        if reason := _SESSIONS_OWN.get(name.lower()):
            raise click.UsageError(f"-H can't set {name}: {reason}.")
        same = next((each for each in headers if each.lower() == name.lower()), None)
        headers[same or name] = f"{headers[same]}, {value}" if same else value
    return headers


def _has(headers: Mapping[str, str], name: str) -> bool:
    return any(each.lower() == name for each in headers)


def _add_headers(ask: _Ask, added: Mapping[str, str]) -> _Ask:
    headers = {**ask.request.headers, **added}
    return _Ask(ask.target, msgspec.structs.replace(ask.request, headers=headers), ask.upload, compressed=False)


def _read_delivery(given: Mapping[str, Any]) -> Delivery:
    output = open_output(given["output"]) if given["output"] not in {None, "-"} else None
    offset = None
    if given["continue_at"] is not None:
        if output is None or output.path is None or given["include"] or given["head"] or given["as_curl"]:
            raise click.UsageError("-C continues a file: it needs -o FILE, and no -i, -I or --as-curl.")
        offset = _read_offset(given["continue_at"], output.path)
    return Delivery(output, head=given["include"] or given["head"], offset=offset, fail=given["fail"])


def _read_offset(text: str, path: Path) -> int:
    size = path.stat().st_size if path.exists() else 0
    if text == "-":
        return size
    if not re.fullmatch(r"\d{1,18}", text) or int(text) > size:
        raise click.UsageError(f"-C must be - or a number of bytes up to the file's size, {size}.")
    return int(text)


async def _send(ask: _Ask, options: "SessionOptions", delivery: Delivery) -> None:
    from aura_browser.assembly import assemble_transport

    transport, manager = assemble_transport(ask.target.site, **options)
    await transport.open()
    try:
        if ask.upload is not None and not ask.upload.is_kept:
            await manager.prove()  # it can be sent once only, so the session is renewed before
        async with transport.send(_fill(ask)) as response:
            await note_answer(response, follows=ask.request.follows_redirects)
            await deliver(response, delivery)
    finally:
        if ask.upload is not None:
            ask.upload.close()
        await transport.aclose()


def _fill(ask: _Ask) -> Request:
    """Return the request with its body."""
    upload = ask.upload
    if upload is None:
        return ask.request
    if upload.is_kept:
        return msgspec.structs.replace(ask.request, body=upload.join())
    sized = {} if upload.size is None else {"Content-Length": str(upload.size)}
    return msgspec.structs.replace(ask.request, body=upload.stream(), headers={**ask.request.headers, **sized})


def _join(ask: _Ask) -> Request:
    """Return the request with its body, which is in memory."""
    return ask.request if ask.upload is None else msgspec.structs.replace(ask.request, body=ask.upload.join())


def _check_as_curl(ask: _Ask) -> None:
    if ask.upload is not None and not ask.upload.is_in_memory:
        raise click.UsageError("--as-curl takes a body of up to 16 MiB.")


async def _build_curl(ask: _Ask, options: "SessionOptions", given: Mapping[str, Any]) -> str:
    from aura_browser.assembly import assemble
    from aura_browser.cli.request.as_curl import list_carried, write_curl_command
    from aura_browser.cli.request.final_request import build_final_request

    url = ask.target.resolve()
    if not ask.target.site.owns(url):
        raise InvalidInput("url", "is not at the site's own origins; its session is sent only there")
    manager = assemble(ask.target.site, **options)
    try:
        final = await build_final_request(manager, url, _join(ask))
    finally:
        await manager.aclose()
    words = ["-L"] * given["location"] + ["-i"] * given["include"] + ["--fail"] * given["fail"]
    words += ["-o", given["output"]] if given["output"] else []
    if given["location"] and (carried := list_carried(final, ask.request.headers)):
        names = ", ".join(carried)
        raise InvalidInput("--location", f"curl would send {names} to any host that a redirect leads to; leave -L out")
    return await asyncio.to_thread(write_curl_command, manager.proxy, final, words, compressed=ask.compressed)
