"""A session on its way to another machine: encrypted for a key or with a passphrase, as ``age`` does it too."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from aura_browser.cli.sessions.keys import decrypt_file, read_recipients
from aura_browser.errors import ImportFailed
from aura_browser.formats import age, load
from aura_browser.store import FileStore, SessionKey
from tests.parts.command import run_here
from tests.parts.missing import missing
from tests.parts.sessions import make_cookie, make_session
from tests.parts.stub_site import COOKIE, GOOD, StubSite, serving_stub

_PASSPHRASE = "s3cret correct horse"


@pytest.fixture
def stub(state_home: Path) -> Iterator[StubSite]:
    """Serve a site, with a login of it in the store."""
    with serving_stub() as site:
        session = make_session(
            site.origin,
            url=f"{site.origin}/members",
            cookies=(make_cookie(COOKIE, GOOD, http_only=True),),
            harvested_at=time.time(),
        )
        asyncio.run(FileStore(state_home / "aura-browser" / "sessions").save(SessionKey(site.origin), session))
        yield site


def call(*command: str, data: bytes = b"") -> bytes:
    if shutil.which(command[0]) is None:
        missing(f"{command[0]} is missing; bring it with: drivers/install.sh tests")
    return subprocess.run(command, input=data, capture_output=True, timeout=60, check=True).stdout


def make_age_key(folder: Path) -> tuple[str, Path]:
    """Return a public key of age, and the file of its private key."""
    file = folder / "key.txt"
    call("age-keygen", "-o", str(file))
    return call("age-keygen", "-y", str(file)).decode().strip(), file


def make_ssh_key(folder: Path) -> tuple[str, Path]:
    """Return the file of a public key of OpenSSH, and that of its private key."""
    file = folder / "id_ed25519"
    call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file))
    return f"{file}.pub", file


@pytest.mark.parametrize("make_key", [make_age_key, make_ssh_key])
def test_a_session_travels_encrypted_for_a_key_and_age_opens_it_too(
    make_key: Callable[[Path], tuple[str, Path]], stub: StubSite, state_home: Path, tmp_path: Path
) -> None:
    public, private = make_key(tmp_path)
    file = tmp_path / "session.age"
    shown = run_here("sessions", "export", "127", "--to", public, "-o", str(file))
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")
    assert GOOD.encode() not in file.read_bytes()
    assert GOOD.encode() in call("age", "-d", "-i", str(private), str(file))
    shown = run_here("sessions", "import", str(file), "--identity", str(private), "--session", "there")
    assert shown.returncode == 0, shown.stderr
    assert asyncio.run(FileStore(state_home / "aura-browser" / "sessions").load(SessionKey(stub.origin, "there")))


def test_what_age_encrypted_is_imported(stub: StubSite, tmp_path: Path) -> None:
    public, private = make_age_key(tmp_path)
    text = run_here("sessions", "export", "127", "--format", "netscape").stdout.encode()
    for args in ((), ("-a",)):
        file = tmp_path / f"cookies{len(args)}.age"
        file.write_bytes(call("age", *args, "-r", public, data=text))
        shown = run_here("sessions", "import", str(file), "-i", str(private), "--url", f"{stub.origin}/members")
        assert shown.returncode == 0, shown.stderr
        assert "Recognised a cookies.txt" in shown.stderr


def test_a_session_travels_with_a_passphrase(stub: StubSite, tmp_path: Path) -> None:
    file = tmp_path / "session.age"
    shown = run_here("sessions", "export", "127", "--passphrase", "-o", str(file), AURA_BROWSER_PASSPHRASE=_PASSPHRASE)
    assert (shown.returncode, shown.stderr) == (0, "")
    data = file.read_bytes()
    assert age.needs_passphrase(data)
    wrong = run_here("sessions", "import", str(file), AURA_BROWSER_PASSPHRASE="wrong")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert "the passphrase does not open it" in wrong.stderr
    right = run_here("sessions", "import", str(file), AURA_BROWSER_PASSPHRASE=_PASSPHRASE)
    assert right.returncode == 0, right.stderr


def test_what_is_missing_or_wrong_is_said_before_anything_is_done(stub: StubSite, tmp_path: Path) -> None:
    public, private = make_age_key(tmp_path)
    file = tmp_path / "session.age"
    file.write_text(age.encrypt(b"x", [public]))
    _, other = make_ssh_key(tmp_path)
    cases = {
        ("import", str(file)): (2, "The file is encrypted for a key; give it: --identity"),
        ("import", str(file), "-i", str(other)): (1, "none of the keys given opens it"),
        ("import", str(file), "-i", str(file)): (2, "it is not a private key of age-keygen"),
        ("import", str(file), "-i", "/nowhere"): (2, "/nowhere: No such file or directory"),
        ("import", str(private), "-i", str(private)): (2, "--identity is for an encrypted file"),
        ("export", "127", "--to", "age1nonsense"): (2, "it is not a public key"),
        ("export", "127", "--to", "/nowhere.pub"): (2, "No such file or directory"),
        ("export", "127", "--passphrase"): (2, "A passphrase needs a terminal to ask on, or AURA_BROWSER_PASSPHRASE"),
        ("export", "127", "--passphrase", "--to", public): (2, "exclude each other"),
    }
    for args, (code, problem) in cases.items():
        shown = run_here("sessions", *args)
        assert (shown.returncode, shown.stdout) == (code, ""), args
        assert problem in shown.stderr, args
        assert "AGE-SECRET-KEY" not in shown.stderr
    (tmp_path / "keys.txt").write_text("# none yet\n")
    shown = run_here("sessions", "export", "127", "--to", str(tmp_path / "keys.txt"))
    assert (shown.returncode, "keys.txt: there is no public key in it" in shown.stderr) == (2, True)
    shown = run_here("sessions", "export", "127", "--passphrase", AURA_BROWSER_PASSPHRASE="")
    assert (shown.returncode, "AURA_BROWSER_PASSPHRASE: is empty" in shown.stderr) == (78, True)


def test_an_encrypted_file_in_a_program_is_named(tmp_path: Path) -> None:
    public, _ = make_age_key(tmp_path)
    with pytest.raises(ImportFailed, match="it is encrypted"):
        load(age.encrypt(b"x", [public]).encode(), now=1.0)


@pytest.mark.parametrize(("more", "is_found"), [(0, True), (1, False)])
def test_a_file_of_keys_is_read_to_64_kibibytes(tmp_path: Path, more: int, *, is_found: bool) -> None:
    file, key = tmp_path / "keys.txt", "ssh-ed25519 AAAA"
    file.write_text("#".ljust(64 * 1024 - len(key) - 1 + more) + f"\n{key}\n")
    if is_found:
        assert read_recipients(("age1x", str(file), "ssh-rsa B")) == ["age1x", key, "ssh-rsa B"]
        return
    assert read_recipients((str(file),)) == [key[:-1]]


def test_what_is_no_file_of_a_key_is_named_with_its_option(tmp_path: Path) -> None:
    public, _ = make_age_key(tmp_path)
    data = age.encrypt(b"x", [public]).encode()
    with pytest.raises(click.BadParameter) as to:
        read_recipients(("/nowhere",))
    with pytest.raises(click.BadParameter) as identity:
        decrypt_file(data, ("/nowhere",))
    for caught, option in ((to, "'--to'"), (identity, "'--identity'")):
        assert (caught.value.message, caught.value.param_hint) == ("/nowhere: No such file or directory.", option)
