"""``aura-browser exec``: real programs with a session in files, and what becomes of the files and their cookies."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from aura_browser import FileStore, Session, SessionKey
from aura_browser.cli.formats import FORMATS
from aura_browser.formats import DUMPS
from aura_browser.programs.files import KINDS
from tests.parts.command import PROGRAM, choose_program
from tests.parts.command import run as run_command
from tests.parts.missing import need_program
from tests.parts.programs import Started
from tests.parts.rotating_site import COOKIE, FIRST, RotatingSite, serving_rotating
from tests.parts.servers import serving_in_thread
from tests.parts.sessions import make_cookie, make_session
from tests.parts.shell import PROMPT, Shell
from tests.parts.waiting import holds_within, until


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for files in memory, of mode 0700 as systems make it."""
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def store(state_home: Path) -> FileStore:
    return FileStore(state_home / "aura-browser" / "sessions")


@pytest.fixture
def site(runtime: Path, store: FileStore) -> Iterator[RotatingSite]:
    """Serve a site of which a login is stored, proven a moment ago."""
    with serving_rotating() as serving:
        asyncio.run(store.save(SessionKey(serving.origin), make_login(serving.origin)))
        yield serving


def make_login(origin: str, value: str = FIRST) -> Session:
    return make_session(
        origin,
        cookies=(
            make_cookie(COOKIE, value, http_only=True, same_site="Lax", expires=time.time() + 600),
            make_cookie("theme", "dark"),
        ),
        harvested_at=time.time(),
        verified_at=time.time(),
        proof="distinguished",
        is_login=True,
        probe="/me",
    )


def stored(store: FileStore, origin: str) -> dict[str, str]:
    session = asyncio.run(store.load(SessionKey(origin)))
    assert session is not None
    return {cookie.name: cookie.value for cookie in session.cookies}


def execute(name: str, *command: str, options: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    return run_command("exec", name, *options, "--", *command)


def test_curl_gets_in_with_each_of_its_files(site: RotatingSite) -> None:
    for words in (["-b", "{cookies}"], ["--config", "{curl}"], ["-H", "@{header}"]):
        done = execute(site.origin, "curl", "-s", *words, f"{site.origin}/me")
        assert (done.returncode, json.loads(done.stdout)) == (0, {"name": "Ann"}), done.stderr
    assert site.sent[-1] == f"{COOKIE}={FIRST}; theme=dark"


def test_a_script_finds_the_files_in_variables(site: RotatingSite, runtime: Path) -> None:
    script = 'stat -c "%a %n" "$AURA_COOKIES_TXT" "$AURA_CURL_CONFIG" "$AURA_STORAGE_STATE" "$AURA_HTTPIE_SESSION"; '
    done = execute(site.origin, "sh", "-c", script + 'stat -c %a "$(dirname "$AURA_COOKIES_TXT")"; echo "$AURA_ORIGIN"')
    *files, folder, origin = done.stdout.splitlines()
    assert [line.partition(" ")[0] for line in files] == ["600"] * 4
    assert done.stderr == "", "of HTTPie's file, which this needs not, nothing is said"
    assert all(str(runtime) in line for line in files)
    assert (folder, origin) == ("700", site.origin)
    assert list(runtime.iterdir()) == []


def test_every_format_can_be_given() -> None:
    assert set(KINDS) == set(DUMPS) == set(FORMATS)
    assert len({(kind.variable, kind.placeholder, kind.file) for kind in KINDS.values()}) == len(KINDS)


def test_only_what_is_named_is_written(site: RotatingSite) -> None:
    done = execute(site.origin, "env", options=("--format", "httpie"))
    names = [line.partition("=")[0] for line in done.stdout.splitlines() if line.startswith("AURA_")]
    assert sorted(names) == ["AURA_HTTPIE_SESSION", "AURA_ORIGIN"]
    assert done.stderr.startswith("In httpie.json: 2 host-only cookies would go to subdomains too")


def test_what_a_format_can_not_hold_is_said(site: RotatingSite, store: FileStore) -> None:
    login = make_login(site.origin)
    partitioned = make_cookie("chips", "s3cret", secure=True, partition_key="https://example.com")
    asyncio.run(store.save(SessionKey(site.origin), login.with_cookies((*login.cookies, partitioned))))
    done = execute(site.origin, "true", "{cookies}", "{state}")
    assert done.stderr == "Not in cookies.txt: 1 partitioned cookie: chips.\n"


def test_nothing_secret_is_in_arguments_or_environment(site: RotatingSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_BROWSER_BASIC", "user:hidden-password")
    done = execute(site.origin, "cat", "/proc/self/cmdline", "/proc/self/environ", "{cookies}", "{state}")
    shown = done.stdout.partition("# Netscape")[0]
    assert "AURA_COOKIES_TXT=" in shown
    assert not [secret for secret in (FIRST, "s3cret", "hidden-password") if secret in shown]
    assert "s3cret" in done.stdout


def test_a_slug_a_host_and_an_address_are_names(site: RotatingSite) -> None:
    slug = SessionKey(site.origin).slug
    for name in (slug, "127.0", site.origin, site.origin.removeprefix("http://")):
        assert execute(name, "true").returncode == 0, name
    done = execute("nothing-of-the-kind", "true")
    assert done.returncode == 1
    assert slug in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["http://127.0.0.1:9/", "--refresh", "never", "--", "true"], 77, "aura-browser harvest"),
        (["127.0", "--", "surely-no-such-program"], 127, "no such program"),
        (["127.0", "--", "/etc/passwd"], 126, "not a program"),
        (["127.0", "--format", "wordstar", "--", "true"], 2, "wordstar"),
        (["127.0"], 2, "CMD"),
    ],
)
def test_a_failure_before_the_start_is_one_line(site: RotatingSite, words: list[str], code: int, said: str) -> None:
    done = run_command("exec", *words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_site_that_is_away_is_for_later(store: FileStore, runtime: Path) -> None:
    login = msgspec.structs.replace(make_login("http://127.0.0.1:9"), verified_at=None)
    asyncio.run(store.save(SessionKey(login.origin), login))
    done = execute(login.origin, "touch", str(runtime / "started"))
    assert done.returncode == 75
    assert list(runtime.iterdir()) == []


def test_a_session_that_the_site_refuses_is_not_given_out(site: RotatingSite, store: FileStore) -> None:
    login = msgspec.structs.replace(make_login(site.origin, "s3cret-old"), verified_at=1.0)
    asyncio.run(store.save(SessionKey(site.origin), login))
    done = execute(site.origin, "echo", "started", options=("--refresh", "never"))
    assert done.returncode == 77
    assert done.stdout == ""


def test_the_exit_code_is_the_programs_own(site: RotatingSite) -> None:
    assert execute(site.origin, "sh", "-c", "exit 33").returncode == 33
    assert execute(site.origin, "sh", "-c", "kill -TERM $$").returncode == 143


_JAR = """
import sys, urllib.request
from http.cookiejar import MozillaCookieJar
jar = MozillaCookieJar(sys.argv[1])
jar.load(ignore_discard=True, ignore_expires=True)
urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar)).open(sys.argv[2])
jar.save(ignore_discard=True, ignore_expires=True)
"""


@pytest.mark.parametrize(
    "words",
    [
        ("curl", "-s", "-b", "{cookies}", "-c", "{cookies}"),
        ("wget", "-qO-", "--load-cookies={cookies}", "--save-cookies={cookies}"),
        ("python3", "-c", _JAR, "{cookies}"),
    ],
    ids=["curl", "wget", "http.cookiejar"],
)
def test_a_rotated_cookie_is_kept(words: tuple[str, ...], site: RotatingSite, store: FileStore) -> None:
    need_program(words[0])
    done = execute(site.origin, *words, f"{site.origin}/rotate")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert site.value != FIRST
    assert stored(store, site.origin) == {COOKIE: site.value, "theme": "dark"}
    session = asyncio.run(store.load(SessionKey(site.origin)))
    assert session is not None
    kept = next(cookie for cookie in session.cookies if cookie.name == COOKIE)
    assert (kept.http_only, kept.same_site) == (True, "Lax")
    assert kept.expires is not None
    assert kept.expires > time.time() + 1200, "its end is the one that the site gave it last"
    assert session.rotation == 1


def test_a_storage_state_that_a_program_wrote_anew_is_kept(site: RotatingSite, store: FileStore) -> None:
    script = (
        "import json, sys; path = sys.argv[1]; state = json.load(open(path)); "
        "state = {'cookies': state['cookies'], 'origins': state['origins']}; "
        "state['cookies'][1]['value'] = 'light'; json.dump(state, open(path, 'w'))"
    )
    done = execute(site.origin, "python3", "-c", script, "{state}")
    assert (done.returncode, "Warning" in done.stderr) == (0, False), done.stderr
    assert stored(store, site.origin) == {COOKIE: FIRST, "theme": "light"}


def test_read_only_keeps_nothing(site: RotatingSite, store: FileStore) -> None:
    rotate = ("curl", "-s", "-b", "{cookies}", "-c", "{cookies}", f"{site.origin}/rotate")
    execute(site.origin, *rotate, options=("--read-only",))
    assert stored(store, site.origin)[COOKIE] == FIRST


@pytest.mark.parametrize(
    ("path", "reason"), [("/logout", "no longer among them: sid"), ("/guest", "the site refuses them")]
)
def test_a_logout_in_the_program_loses_no_login(path: str, reason: str, site: RotatingSite, store: FileStore) -> None:
    done = execute(site.origin, "curl", "-s", "-b", "{cookies}", "-c", "{cookies}", f"{site.origin}{path}")
    assert done.returncode == 0
    assert reason in done.stderr
    assert stored(store, site.origin)[COOKIE] == FIRST


def test_a_file_that_can_not_be_read_any_more_is_named(site: RotatingSite, store: FileStore) -> None:
    done = execute(site.origin, "sh", "-c", 'echo "one column" > "$1"', "sh", "{cookies}")
    assert done.returncode == 0
    assert "are not kept" in done.stderr
    assert "one column" not in done.stderr
    assert stored(store, site.origin)[COOKIE] == FIRST


@pytest.mark.parametrize(
    "script",
    [
        'rm "$1" && mkfifo "$1"',
        'sed s/dark/light/ "$1" > "$1.new" && rm "$1" && ln -s "$1.new" "$1"',
    ],
    ids=["pipe", "link"],
)
def test_what_is_no_file_any_more_is_not_read(script: str, site: RotatingSite, store: FileStore, runtime: Path) -> None:
    done = execute(site.origin, "sh", "-c", script, "sh", "{cookies}")
    assert (done.returncode, done.stderr) == (0, "")
    assert stored(store, site.origin) == {COOKIE: FIRST, "theme": "dark"}
    assert list(runtime.iterdir()) == []


def test_a_file_that_a_program_replaced_is_read(site: RotatingSite, store: FileStore) -> None:
    script = 'sed s/dark/light/ "$1" > "$1.new" && mv "$1.new" "$1"'
    assert execute(site.origin, "sh", "-c", script, "sh", "{cookies}").returncode == 0
    assert stored(store, site.origin)["theme"] == "light"


def test_a_renewal_meanwhile_is_not_lost(site: RotatingSite, store: FileStore, tmp_path: Path) -> None:
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    script = f'curl -s -b "$1" -c "$1" {site.origin}/rotate; read line < {fifo}'
    command = [*choose_program(), "exec", site.origin, "--", "sh", "-c", script, "sh", "{cookies}"]
    with Started(command, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: site.value != FIRST, "the program rotates its cookie")
        asyncio.run(store.save(SessionKey(site.origin), make_login(site.origin, "s3cret-renewed")))
        fifo.write_text("go\n")
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "renewed meanwhile" in said
    assert stored(store, site.origin)[COOKIE] == "s3cret-renewed"


def test_what_another_process_rotated_meanwhile_stays(site: RotatingSite, store: FileStore, tmp_path: Path) -> None:
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    script = f'read line < {fifo}; sed -i s/dark/light/ "$1"'
    command = [*choose_program(), "exec", site.origin, "--", "sh", "-c", script, "sh", "{cookies}"]

    def rotate(session: Session | None) -> Session | None:
        assert session is not None
        sid, theme = session.cookies
        changed = msgspec.structs.replace(sid, value="s3cret-other")
        site.value = "s3cret-other"
        return session.with_cookies((changed, theme))

    with Started(command, stderr=subprocess.PIPE, text=True) as process, fifo.open("w") as started:
        asyncio.run(store.update(SessionKey(site.origin), rotate))
        site.value = FIRST  # both values are good for a while, as sites have it
        started.write("go\n")
        started.close()
        _, said = process.communicate(timeout=30)
    assert "Warning" not in said
    assert stored(store, site.origin) == {COOKIE: "s3cret-other", "theme": "light"}


def start_sleeper(site: RotatingSite) -> "tuple[subprocess.Popen[str], int]":
    """Start a program that says its id and sleeps."""
    command = [*choose_program(), "exec", site.origin, "--", "sh", "-c", "echo $$; exec sleep 60", "{cookies}"]
    process = Started(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("victims", ["ours", "the program", "both"])
def test_no_file_is_left_after_a_kill(victims: str, site: RotatingSite, runtime: Path) -> None:
    process, child = start_sleeper(site)
    try:
        assert list(runtime.rglob("cookies.txt"))
        if victims != "the program":
            process.kill()
        if victims != "ours":
            os.kill(child, signal.SIGKILL)
        assert holds_within(20, lambda: not list(runtime.iterdir())), list(runtime.rglob("*"))
        assert process.wait(20) == (137 if victims == "the program" else -signal.SIGKILL)
    finally:
        if victims == "ours":
            os.kill(child, signal.SIGKILL)
        assert process.stdout is not None
        process.stdout.close()


def test_what_a_power_cut_left_goes_with_the_next_run(site: RotatingSite, runtime: Path) -> None:
    left = runtime / "aura-browser-exec-1-x"
    left.mkdir(mode=0o700)
    (left / ".lock").touch()
    (left / "cookies.txt").write_text("s3cret")
    process, child = start_sleeper(site)
    assert process.stdout is not None
    try:
        assert not left.exists()
        assert execute(site.origin, "true").returncode == 0
        assert list(runtime.rglob("cookies.txt")), "those of a living run stay"
    finally:
        os.kill(child, signal.SIGKILL)
        process.wait(20)
        process.stdout.close()


def test_without_a_private_runtime_folder_the_state_folder_serves(
    site: RotatingSite, runtime: Path, state_home: Path
) -> None:
    runtime.chmod(0o755)
    done = execute(site.origin, "echo", "{cookies}")
    assert done.stdout.startswith(str(state_home / "aura-browser" / "run"))
    assert list((state_home / "aura-browser" / "run").iterdir()) == []


def test_ctrl_c_ends_curl_as_without_it(site: RotatingSite, runtime: Path) -> None:
    with Shell() as shell:
        words = " ".join([*PROGRAM, "exec", site.origin, "--", "curl", "-sb", "{cookies}", f"{site.origin}/slow"])
        shell.type(f"{words}\n")
        until(lambda: site.sent, "curl has asked")
        shell.type("\x03")
        shell.read_until(PROMPT)
        assert shell.run("echo code $?").endswith("code 130")
    assert list(runtime.iterdir()) == []


def test_another_account_is_not_replaced_by_the_only_one(site: RotatingSite) -> None:
    name = site.origin.removeprefix("http://")
    assert execute(name, "echo", "ran").stdout == "ran\n"
    done = execute(name, "echo", "ran", options=("--session", "work", "--refresh", "never"))
    assert (done.returncode, done.stdout) == (77, "")


def test_a_proxy_is_given_to_curl_and_named_for_the_others(store: FileStore, runtime: Path) -> None:
    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=f"{request.host} {request.headers.get('Cookie', '')}")

    need_program("curl")
    with serving_in_thread(tell) as (_, proxy):
        login = make_login("http://shop.test")
        cookie = make_cookie(COOKIE, FIRST, domain="shop.test")
        kept = msgspec.structs.replace(login, proxy=proxy, cookies=(cookie,))
        asyncio.run(store.save(SessionKey("http://shop.test", "default", proxy), kept))
        words = ("curl", "-s", "--config", "{curl}", "http://shop.test/me")
        done = execute("http://shop.test", *words, options=("--proxy", proxy))
        assert (done.returncode, done.stdout) == (0, f"shop.test {COOKIE}={FIRST}"), done.stderr
        done = execute("http://shop.test", "true", "{cookies}", options=("--proxy", proxy))
        assert "Not in cookies.txt: the proxy." in done.stderr


@pytest.mark.parametrize("name", ["Work", "my work", "Büro"])
def test_a_slug_that_does_not_tell_its_name_is_no_other_session(
    name: str, site: RotatingSite, store: FileStore
) -> None:
    slug = SessionKey(site.origin, name).slug
    asyncio.run(store.save(SessionKey(site.origin, name), make_login(site.origin, "another")))
    done = execute(slug, "cat", "{cookies}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--session NAME" in done.stderr
    assert (
        "another" in execute(site.origin, "cat", "{cookies}", options=("--session", name, "--refresh", "never")).stdout
    )


def test_headers_that_the_definition_makes_are_named(site: RotatingSite, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "aura-browser"
    folder.mkdir(parents=True)
    definition = (
        f'[tok]\nurl = "{site.origin}/"\nheaders = {{ X-Key = "s3cret" }}\nauth = {{ value = "B {{cookie.sid}}" }}\n'
    )
    (folder / "sites.toml").write_text(definition, "utf-8")
    done = execute("tok", "true", "{cookies}")
    assert "headers that the site's definition makes or states (Authorization, X-Key)" in done.stderr
    assert done.stderr.rstrip().endswith("aura-browser proxy tok")


def test_a_port_is_not_the_beginning_of_another(site: RotatingSite) -> None:
    cut = site.origin.removeprefix("http://")[:-1]
    done = execute(cut, "cat", "{cookies}", options=("--refresh", "never"))
    assert (done.returncode, done.stdout) == (77, "")
    assert f"There is no valid session for http://{cut}" in done.stderr
