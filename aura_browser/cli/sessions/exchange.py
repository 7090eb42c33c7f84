"""``aura-browser sessions export`` and ``import``: sessions of, and for, other machines and programs."""

import time
from typing import IO, TYPE_CHECKING, Final

import click
import msgspec

from aura_browser.cli.formats import (
    add_dump_options,
    build_dump_options,
    format_option,
    warn_of_losses,
    write_session,
    write_text,
)
from aura_browser.cli.options import proxy_option, session_option, store_option
from aura_browser.cli.output import open_output
from aura_browser.cli.running import report_errors
from aura_browser.cli.sessions import catalogue, view
from aura_browser.cli.sessions.commands import NAME_HELP, hint, run_with_store
from aura_browser.cli.sessions.importing import prove_and_keep
from aura_browser.cli.sessions.keys import decrypt_file, read_passphrase, read_recipients
from aura_browser.cli.values import ParsedText
from aura_browser.site.catalogue import site_named
from aura_browser.text import clean_text, count

if TYPE_CHECKING:
    from aura_browser.formats import Loaded
    from aura_browser.session import Session

_MAX_SENTENCE_LENGTH: Final = 1000


@click.command("export", epilog=NAME_HELP)
@click.argument("name")
@format_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Write to this file, with mode 0600. A pipe or a device is written to as it is. [default: standard output]",
)
@add_dump_options
@click.option(
    "--to",
    "recipients",
    multiple=True,
    metavar="KEY|FILE",
    help=(
        "Encrypt it for this public key: age1…, ssh-ed25519 …, ssh-rsa …, or a file with one, such as the server's "
        "id_ed25519.pub. The program age opens it too."
    ),
)
@click.option(
    "--passphrase",
    "uses_passphrase",
    is_flag=True,
    help=(
        "Encrypt it with a passphrase, asked for or in AURA_BROWSER_PASSPHRASE. Both ends need half a gigabyte of "
        "memory for it; prefer --to."
    ),
)
@store_option
@report_errors
def export_session(
    *,
    name: str,
    format_name: str,
    output: str | None,
    url: str | None,
    session_days: float | None,
    recipients: tuple[str, ...],
    uses_passphrase: bool,
    store: str | None,
) -> None:
    """Write a cached session for another program or machine.

    What the format can't hold is said on stderr, with names and counts. The file is as good as a password: whoever has
    it can act as you at that site.

    \b
    aura-browser sessions export openchat -o session.json
    aura-browser sessions export example.com --format netscape -o cookies.txt
    aura-browser sessions export example.com --format storage-state -o state.json
    aura-browser sessions export example.com --format curl --url https://example.com/api/me | curl --config -
    aura-browser sessions export example.com --to server.pub -o session.age
    """  # noqa: D301 - click's mark for text that it must not wrap
    options = build_dump_options(format_name, url, session_days)
    if recipients and uses_passphrase:
        raise click.UsageError("--to and --passphrase exclude each other.")
    keys = read_recipients(recipients)
    passphrase = read_passphrase(confirm=True) if uses_passphrase else None
    target = open_output(output) if output is not None else None
    entry = catalogue.choose(run_with_store(store, catalogue.read_entries), name)
    if entry.session is None:
        raise click.ClickException(f"{clean_text(entry.slug)}: {entry.problem}")
    if not keys and passphrase is None:
        write_session(entry.session, format_name, options, target)
        return
    from aura_browser.formats import age, dump

    dumped = dump(entry.session, format_name, options)
    warn_of_losses(dumped)
    data = dumped.text.encode()
    text = age.encrypt(data, keys) if passphrase is None else age.encrypt_with_passphrase(data, passphrase)
    write_text(text, target, is_secret=False)


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--url",
    type=ParsedText(lambda text: site_named(text)[1]),
    metavar="URL|NAME",
    help="A page of the site, where the file is of several sites or does not say of which.",
)
@click.option(
    "--user-agent",
    metavar="TEXT",
    help="What your browser sends as User-Agent, where the file does not say it. Many sites compare it.",
)
@click.option(
    "-i",
    "--identity",
    "identities",
    multiple=True,
    metavar="FILE",
    help="A private key that opens an encrypted FILE: of OpenSSH, or of age-keygen.",
)
@click.option("--replace", is_flag=True, help="Replace a stored login, even if this session is not proven to be one.")
@proxy_option
@session_option
@store_option
@report_errors
def import_session(
    *,
    file: IO[bytes],
    url: str | None,
    user_agent: str | None,
    identities: tuple[str, ...],
    replace: bool,
    proxy: str | None,
    session_name: str,
    store: str | None,
) -> None:
    """Keep a session from another machine, or from another program.

    FILE is what "harvest" or "sessions export" wrote there, a cookies.txt, a storage state of Playwright, a HAR, a
    session of HTTPie, cookies as JSON of a browser extension, of Puppeteer, Selenium or CDP, a Cookie header, or a
    request copied from DevTools; or - for stdin. Any of them may be encrypted with age. What it is recognised as, and
    what of it is taken, is said on stderr.

    The site is asked first, with the session and once without it, and the session is kept only if the site does not
    refuse it. A refused one is renewed by the site's refresh request, if sites.toml has one and no session is stored
    yet. A stored login stays, unless the new session is proven to be one. A session that was harvested through a
    proxy is kept for use through that proxy.

    \b
    aura-browser harvest URL --interactive -o session.json       on a machine with a screen
    aura-browser sessions import session.json                    here
    aura-browser sessions import cookies.txt --url https://example.com/
    aura-browser sessions import session.age --identity ~/.ssh/id_ed25519
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.cli.sessions.placing import choose_key
    from aura_browser.formats import load
    from aura_browser.formats.recognition import MAX_SIZE

    data = decrypt_file(file.read(MAX_SIZE + 1), identities)
    loaded = load(data, now=time.time(), url=url, user_agent=_check_header(user_agent))
    _tell(loaded)
    session = msgspec.structs.replace(loaded.session, proxy=loaded.session.proxy or _find_proxy(loaded.session, proxy))
    key = choose_key(session, session_name)
    kept = run_with_store(store, lambda opened: prove_and_keep(opened, key, session, replace=replace, place=store))
    hint(f"Kept {clean_text(key.slug)}: {count(kept.cookies, 'cookie')}, {view.describe_proof(kept.proof)}")


def _find_proxy(session: "Session", proxy: str | None) -> str | None:
    """Return the proxy to keep a session for, as other commands choose theirs: the one given, or that of its site."""
    from aura_browser.assembly import complete_options
    from aura_browser.cli.sessions.placing import find_site_of

    return complete_options(find_site_of(session), {"proxy": proxy}).get("proxy")


def _check_header(value: str | None) -> str | None:
    if value is not None and not (value.isprintable() and value.strip()):
        raise click.BadParameter("it is not a header's value.", param_hint="'--user-agent'")
    return value


def _tell(loaded: "Loaded") -> None:
    """Say what a file was recognised as, what of it is taken, and what is not."""
    from aura_browser.formats.json_file import OWN_TITLE

    session = loaded.session
    parts = [count(session.cookies, "cookie"), count(session.headers, "header")]
    parts += [count(session.local_storage, "entry of local storage", "entries of local storage")]
    said = f"Recognised {loaded.kind}. Taken for {clean_text(session.origin)}: {', '.join(parts)}."
    if loaded.kind == OWN_TITLE:
        hint(said)
        return
    click.echo(said, err=True)
    for sentence in loaded.left_out:
        click.echo(f"Warning: not taken: {clean_text(sentence, _MAX_SENTENCE_LENGTH)}", err=True)
    for name in session.unknown:
        advice = ". If the site compares it, give it with --user-agent" if name == "user_agent" else ""
        click.echo(f"Warning: the file does not say: {view.UNKNOWN[name]}{advice}", err=True)
