"""``aura-browser request``: what is asked, with which session, and where the answer goes."""

import json
import os
import re
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from aura_browser.cli.request.body import Upload
from aura_browser.cli.request.copied import keep_headers
from aura_browser.formats.copied_request import CopiedCookie, CopiedRequest
from tests.parts.cached import cache_session
from tests.parts.command import PROGRAM, Terminal, choose_program, run, run_here
from tests.parts.devtools_copies import FORMS
from tests.parts.echo_site import CONTENT, GOOD, EchoSite, read_told, serving_echo
from tests.parts.missing import missing
from tests.parts.programs import Started
from tests.parts.servers import serving_in_thread
from tests.parts.waiting import until


@pytest.fixture
def site(state_home: Path) -> Iterator[EchoSite]:
    with serving_echo() as served:
        cache_session(state_home, served.origin)
        yield served


def request(*args: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
    return run_here("request", "--refresh", "never", *args, text=text)


def ask(*args: str, text: str | None = None) -> tuple[str, str, dict[str, str], bytes]:
    answer = request(*args, text=text)
    assert (answer.returncode, answer.stderr) == (0, "")
    return read_told(answer.stdout)


def test_a_get_carries_the_session(site: EchoSite) -> None:
    method, path, headers, body = ask(f"{site.origin}/echo%2Fx?a=1&b=%26")
    assert (method, path, body) == ("GET", "/echo%2Fx?a=1&b=%26", b"")
    assert headers["cookie"] == f"sid={GOOD}"
    assert headers["user-agent"] == "Chrome/1 test"
    assert headers["accept-language"] == "de,en;q=0.9"


@pytest.mark.parametrize(
    ("words", "method", "kind", "body"),
    [
        (["-d", "a=1", "-d", "b=ü"], "POST", "application/x-www-form-urlencoded", "a=1&b=ü".encode()),
        (["--json", '{"a": [1, "ü"]}'], "POST", "application/json", '{"a": [1, "ü"]}'.encode()),
        (["--json", "1", "-H", "content-type: text/mine"], "POST", "text/mine", b"1"),
    ],
)
def test_a_body_has_its_type_and_makes_it_a_post(
    site: EchoSite, words: list[str], method: str, kind: str, body: bytes
) -> None:
    told = ask(f"{site.origin}/echo", *words)
    assert (told[0], told[2]["content-type"], told[3]) == (method, kind, body)
    assert ask("put", f"{site.origin}/echo", *words)[0] == "PUT"


def test_headers_are_added_and_may_replace_the_sessions(site: EchoSite) -> None:
    _, _, headers, _ = ask(
        f"{site.origin}/echo", "-H", "X-One: 1", "-H", "x-one: 2", "-H", "X-Empty;", "-H", "User-Agent: me"
    )
    assert (headers["x-one"], headers["x-empty"], headers["user-agent"]) == ("1, 2", "", "me")
    assert headers["cookie"] == f"sid={GOOD}"


def test_a_file_is_sent_as_it_is(site: EchoSite, tmp_path: Path) -> None:
    file = tmp_path / "one.png"
    file.write_bytes(CONTENT)
    method, _, headers, body = ask(f"{site.origin}/echo", "--data-file", str(file))
    assert (method, headers["content-type"], headers["content-length"]) == ("POST", "image/png", str(len(CONTENT)))
    assert body == CONTENT
    assert ask("PUT", f"{site.origin}/echo", "--data-file", "-", text="from stdin")[3] == b"from stdin"
    long = "x" * 5_000_000
    assert ask("PUT", f"{site.origin}/echo", "--data-file", "-", text=long)[2]["content-length"] == str(len(long))
    assert site.server.bodies[-1] == long.encode()


def test_a_long_file_is_streamed_with_its_length(site: EchoSite, tmp_path: Path) -> None:
    file = tmp_path / "long.bin"
    file.write_bytes(CONTENT * 20)
    answer = request("PUT", f"{site.origin}/status/201", "--data-file", str(file))
    assert (answer.returncode, answer.stdout) == (0, "so it is")
    assert site.server.bodies[-1] == CONTENT * 20
    assert site.server.seen[-1].headers["Content-Length"] == str(20 * len(CONTENT))
    with file.open("rb") as data:
        url = f"{site.origin}/status/201"
        words = [*choose_program(), "request", "--refresh", "never", "PUT", url, "--data-file", "-"]
        assert subprocess.run(words, stdin=data, capture_output=True, timeout=60, check=True).stdout == b"so it is"
    assert site.server.bodies[-1] == CONTENT * 20


@pytest.mark.parametrize("length", [3, 17 * 2**20])
def test_what_comes_through_a_pipe_is_sent_whole(site: EchoSite, tmp_path: Path, length: int) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_bytes, args=(b"x" * length,), daemon=True)
    writing.start()
    answer = request("PUT", f"{site.origin}/status/201", "--data-file", str(pipe))
    assert (answer.returncode, answer.stdout) == (0, "so it is"), answer.stderr
    writing.join()
    assert site.server.bodies[-1] == b"x" * length
    assert site.server.seen[-1].headers["Content-Type"] == "application/json"


def test_a_form_of_several_parts(site: EchoSite, tmp_path: Path) -> None:
    (tmp_path / "a;b.txt").write_bytes(b"text of a file")
    (tmp_path / "p.bin").write_bytes(b"\x00\xff")
    told = ask(
        f"{site.origin}/echo",
        *("-F", "name=Ann = ü"),
        *("-F", f"doc=@{tmp_path / 'a;b.txt'}"),
        *("-F", f'pic=@{tmp_path / "p.bin"};type=image/png;filename=x"y.png'),
        *("-F", f"note=<{tmp_path / 'a;b.txt'}"),
    )
    kind, boundary = told[2]["content-type"].split("; boundary=")
    parts = told[3].split(f"--{boundary}".encode())
    assert (kind, parts[0], parts[-1]) == ("multipart/form-data", b"", b"--\r\n")
    heads = [
        'name="name"',
        'name="doc"; filename="a;b.txt"\r\nContent-Type: text/plain',
        'name="pic"; filename="x%22y.png"\r\nContent-Type: image/png',
        'name="note"',
    ]
    contents = ["Ann = ü".encode(), b"text of a file", b"\x00\xff", b"text of a file"]
    assert parts[1:-1] == [
        f"\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in zip(heads, contents, strict=True)
    ]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["POST"],
        ["GET", "URL", "more"],
        ["URL", "-d", "a", "--json", "1"],
        ["URL", "-d", "@secret.txt"],
        ["URL", "--json", "{a: 1}"],
        ["URL", "--data-file", "/nowhere/at/all"],
        ["URL", "-F", "name"],
        ["URL", "-F", "a=@/nowhere/at/all"],
        ["URL", "-H", "nocolon"],
        ["URL", "-H", "Cookie: a=1"],
        ["URL", "-H", "bad name: 1"],
        ["URL", "-I", "-d", "a"],
        ["URL", "-C", "-"],
        ["URL", "-o", "FILE", "-C", "5"],
        ["URL", "-o", "/nowhere/at/all"],
        ["ftp://127.0.0.1/"],
        ["http://user:pass@127.0.0.1/"],
        ["G@T", "URL"],
        ["--from-curl", "COPIED", "URL"],
        ["--from-curl", "/nowhere/at/all"],
        ["--from-curl", "WRONG"],
    ],
)
def test_what_can_not_work_is_named_before_anything_is_sent(site: EchoSite, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "WRONG").write_text("wget s3cret", "utf-8")
    (tmp_path / "COPIED").write_text(f"curl '{site.origin}/echo'", "utf-8")
    places = {"URL": f"{site.origin}/echo", **{name: str(tmp_path / name) for name in ("FILE", "COPIED", "WRONG")}}
    answer = request(*(places.get(word, word) for word in words))
    assert answer.returncode == 2, answer.stderr
    assert "Error: " in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "s3cret" not in answer.stderr
    assert (answer.stdout, site.server.seen) == ("", [])


def test_head_and_headers(site: EchoSite) -> None:
    answer = request("-I", f"{site.origin}/file")
    assert answer.stdout.startswith("HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(CONTENT)}\r\n" in answer.stdout
    assert site.server.seen[-1].method == "HEAD"
    answer = request("-i", f"{site.origin}/status/404")
    assert answer.stdout.startswith("HTTP/1.1 404 Not Found\r\n")
    assert answer.stdout.endswith("\r\n\r\nso it is")
    assert answer.returncode == 0


@pytest.mark.parametrize(("status", "code"), [(404, 1), (429, 75), (503, 75), (500, 1)])
def test_fail_prints_nothing_of_an_error(site: EchoSite, status: int, code: int, tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_text("before")
    answer = request("--fail", f"{site.origin}/status/{status}", "-o", str(file))
    assert (answer.returncode, answer.stdout, file.read_text()) == (code, "", "before")
    assert str(status) in answer.stderr or "limit" in answer.stderr
    assert request(f"{site.origin}/status/{status}").returncode == 0


def test_a_refused_session_ends_with_77(site: EchoSite, state_home: Path) -> None:
    shutil.rmtree(state_home)
    answer = request(f"{site.origin}/echo")
    assert (answer.returncode, answer.stdout) == (77, "")
    assert "aura-browser harvest" in answer.stderr
    cache_session(state_home, site.origin, "other")
    answer = request(f"{site.origin}/echo")
    assert answer.returncode == 77


def test_redirects_are_followed_within_the_site_only(site: EchoSite) -> None:
    assert request(f"{site.origin}/old").stdout == "moved"
    assert ask("-L", f"{site.origin}/old")[1] == "/echo?moved=1"
    answer = request("-L", f"{site.origin}/away")
    assert (answer.returncode, answer.stdout) == (0, "moved")
    assert "http://elsewhere.invalid/, which is not the site's own" in answer.stderr


def test_answers_may_be_compressed_on_their_way(site: EchoSite) -> None:
    assert request(f"{site.origin}/gzip").stdout == "compressed"
    assert request("--no-compressed", f"{site.origin}/gzip").stdout == "plain"


def test_a_file_is_private_and_whole(site: EchoSite, tmp_path: Path) -> None:
    file = tmp_path / "one.bin"
    answer = request(f"{site.origin}/file", "-o", str(file))
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert file.read_bytes() == CONTENT
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_bytes(CONTENT * 2)
    assert request(f"{site.origin}/file", "-o", str(file)).returncode == 0
    assert file.read_bytes() == CONTENT


def test_a_download_is_continued(site: EchoSite, tmp_path: Path) -> None:
    file = tmp_path / "one.bin"
    cut = request(f"{site.origin}/cut", "-o", str(file))
    assert cut.returncode == 75
    (had,) = re.findall(r"one\.bin holds the first (\d+) bytes\. To get the rest, add: -C -", cut.stderr)
    assert file.read_bytes() == CONTENT[: int(had)] != b""
    assert request(f"{site.origin}/file", "-o", str(file), "-C", "-").returncode == 0
    assert file.read_bytes() == CONTENT
    assert site.server.seen[-1].headers["Range"] == f"bytes={had}-"
    assert request(f"{site.origin}/file", "-o", str(file), "-C", "-").returncode == 0  # it is complete
    assert request(f"{site.origin}/file", "-o", str(file), "-C", "500000").returncode == 0
    assert file.read_bytes() == CONTENT


@pytest.mark.parametrize(("path", "reason"), [("/whole", "can't continue"), ("/status/404", "404")])
def test_what_does_not_continue_a_file_leaves_it(site: EchoSite, tmp_path: Path, path: str, reason: str) -> None:
    file = tmp_path / "one.bin"
    file.write_bytes(CONTENT[:1000])
    answer = request(f"{site.origin}{path}", "-o", str(file), "-C", "-")
    assert answer.returncode == 1
    assert reason in answer.stderr
    assert file.read_bytes() == CONTENT[:1000]


def test_a_file_longer_than_the_sites_is_another_one(site: EchoSite, tmp_path: Path) -> None:
    file = tmp_path / "one.bin"
    file.write_bytes(CONTENT + b"!")
    answer = request(f"{site.origin}/file", "-o", str(file), "-C", "-")
    assert (answer.returncode, file.read_bytes()) == (1, CONTENT + b"!")
    assert "another one" in answer.stderr


def test_a_slow_reader_makes_the_site_wait_and_memory_stays(site: EchoSite) -> None:
    words = [*PROGRAM, "request", "--refresh", "never", f"{site.origin}/big?mib=200"]
    with Started(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert len(process.stdout.read(1)) == 1
        status = Path(f"/proc/{process.pid}/status")
        until(lambda: re.search(r"^State:\tS", status.read_text("utf-8"), re.MULTILINE), "it waits for its reader")
        rest = 0
        while chunk := process.stdout.read(2**20):
            rest += len(chunk)
            peak = max(int(line) for line in re.findall(r"VmHWM:\s+(\d+)", status.read_text("utf-8")) or ["0"])
            assert peak < 150_000  # of 200 MiB
    assert (process.wait(), rest) == (0, 200 * 2**20 - 1)


def test_an_answer_goes_to_a_socket_and_to_the_end_of_a_file(site: EchoSite, tmp_path: Path) -> None:
    words = [*choose_program(), "request", "--refresh", "never", f"{site.origin}/file"]
    ours, theirs = socket.socketpair()
    with ours, Started(words, stdout=theirs.fileno()) as process:
        theirs.close()
        received = b"".join(iter(lambda: ours.recv(2**16), b""))
        assert (process.wait(), received) == (0, CONTENT)
    file = tmp_path / "kept"
    file.write_bytes(b"before")
    with file.open("ab") as output:
        subprocess.run(words, stdout=output, timeout=60, check=True)
    assert file.read_bytes() == b"before" + CONTENT


def test_a_reader_that_goes_ends_it(site: EchoSite) -> None:
    words = shlex.join([*PROGRAM, "request", "--refresh", "never", f"{site.origin}/big?mib=50"])
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {words} | head -c 10 | wc -c"],  # noqa: S607 - the one on the path
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (1, "10", "")


def test_a_terminal_gets_text_only(site: EchoSite) -> None:
    with Terminal("request", "--refresh", "never", f"{site.origin}/echo") as terminal:
        assert '"method": "GET"' in terminal.read_until(r"\}")
    with Terminal("request", "--refresh", "never", f"{site.origin}/file") as terminal:
        terminal.read_until("the answer is application/octet-stream, not text; write it to a file with -o FILE")


def test_nothing_in_an_answer_steers_the_terminal(state_home: Path) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="a\x1b]0;owned\x07b end", content_type="text/plain")

    with serving_in_thread(handle) as (_, origin):
        cache_session(state_home, origin)
        with Terminal("request", "--refresh", "never", f"{origin}/") as terminal:
            assert "\x1b]" not in terminal.read_until("end")


def test_a_download_shows_its_progress_on_a_terminal(site: EchoSite, tmp_path: Path) -> None:
    file = tmp_path / "two.bin"
    with Terminal("request", "--refresh", "never", f"{site.origin}/big?mib=20", "-o", str(file)) as terminal:
        terminal.read_until(r"two\.bin.*MB")
        assert terminal.process.wait(30) == 0
    assert file.stat().st_size == 20 * 2**20


@pytest.mark.parametrize("form", FORMS)
def test_a_copied_request_is_sent_with_the_session_instead_of_its_cookies(
    site: EchoSite, form: str, tmp_path: Path
) -> None:
    copied = CopiedRequest(
        "PUT",
        f"{site.origin}/echo?q=[1]",
        tuple({"x-csrf-token": "it's !", "user-agent": "Old/1", "sec-ch-ua": "old", "content-type": "a/json"}.items()),
        (CopiedCookie("sid", "old!", "127.0.0.1"),),
        '{"a": "ü"}'.encode(),
    )
    file = tmp_path / "copied.txt"
    file.write_text(FORMS[form](copied), "utf-8")
    answer = request("--from-curl", str(file))
    method, path, headers, body = read_told(answer.stdout)
    assert (method, path, body) == ("PUT", "/echo?q=[1]", copied.body)
    assert (headers["cookie"], headers["user-agent"]) == (f"sid={GOOD}", "Chrome/1 test")
    assert (headers["x-csrf-token"], headers["sec-ch-ua"]) == ("it's !", '"Chromium";v="1"')
    assert headers["content-type"] == "a/json"
    assert "Not used: its 1 cookie" in answer.stderr
    assert "old!" not in answer.stderr
    assert read_told(request("--from-curl", "-", text=file.read_text("utf-8")).stdout)[0] == "PUT"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"curl 'http://127.0.0.1/\xff'", "the text is not UTF-8; copy the request again"),
        (b"curl 'http://127.0.0.1/a' ;\ncurl 'http://127.0.0.1/b'", "the text holds 2 requests; copy one"),
    ],
)
def test_a_copied_text_that_is_no_one_request_is_refused(
    site: EchoSite, data: bytes, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "copied.txt"
    file.write_bytes(data)
    answer = request("--from-curl", str(file))
    assert (answer.returncode, answer.stdout, site.server.seen) == (2, "", [])
    assert said in answer.stderr


@pytest.mark.parametrize(
    "name",
    [
        *("Host", "Connection", "Content-Length", "Accept-Encoding", "Transfer-Encoding", "Cookie"),
        *(":authority", "User-Agent", "Accept-Language", "Sec-CH-UA-Model"),
    ],
)
def test_what_belongs_to_the_browsers_connection_or_session_is_not_sent_again(name: str) -> None:
    headers = (("X-Mine", "1"), (name, "old"), (name.lower(), "old"), ("X-Mine", "2"))
    assert keep_headers(CopiedRequest("GET", "http://127.0.0.1/", headers)) == {"X-Mine": "1, 2"}


@pytest.mark.parametrize(("size", "is_kept"), [(0, True), (2**20, True), (2**20 + 1, False), (None, False)])
def test_only_a_short_body_is_sent_in_one_piece_and_again(size: int | None, *, is_kept: bool) -> None:
    assert Upload((b"",), "text/plain", size).is_kept is is_kept


def test_a_curl_command_that_can_not_be_written_leaves_nothing(site: EchoSite, state_home: Path) -> None:
    folder = state_home / "aura-browser" / "curl"
    folder.write_text("")
    answer = request("--as-curl", f"{site.origin}/echo")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert f"{folder} can't be used: File exists" in answer.stderr


def curl() -> str:
    return shutil.which("curl") or missing("curl is missing; bring it with: make test-parts")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--json", '{"a": "ü\\"\\\\"}'],
        ["PUT", "-d", "a=1&b=s3cret-body", "-H", 'X-Quote: "a" \\ b'],
        ["-I"],
    ],
)
def test_the_curl_command_does_the_same_and_holds_no_secret(site: EchoSite, state_home: Path, words: list[str]) -> None:
    url = f"{site.origin}/echo?a={{1}}[2]"
    method = [words[0]] if words and words[0].isalpha() else []
    options = words[len(method) :]
    curl()
    printed = request(*method, url, *options, "--as-curl")
    assert printed.returncode == 0, printed.stderr
    assert site.server.seen == []
    assert "s3cret" not in printed.stdout
    assert GOOD not in printed.stdout
    for path in (state_home / "aura-browser" / "curl").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "s3cret" not in path.name
    answer = subprocess.run(["bash", "-c", f"{printed.stdout.strip()} -s"], capture_output=True, timeout=60, check=True)  # noqa: S607 - the one on the path
    by_curl, curl_body = site.server.seen[-1], site.server.bodies[-1]
    assert request(*method, url, *options).returncode == 0
    by_us, our_body = site.server.seen[-1], site.server.bodies[-1]
    assert (by_curl.method, by_curl.raw_path, curl_body) == (by_us.method, by_us.raw_path, our_body)
    ignored = {"Accept-Encoding", "Accept"}
    assert {(n, v) for n, v in by_curl.headers.items() if n not in ignored} == {
        (n, v) for n, v in by_us.headers.items() if n not in ignored
    }
    assert answer.stdout or by_us.method == "HEAD"


@pytest.mark.parametrize(
    ("words", "copied"),
    [(["{}/echo#part"], ""), (["DELETE", "{}/echo#part"], ""), (["--from-curl", "-"], "curl -X delete '{}/echo'")],
)
def test_whatever_address_and_method_it_has_a_request_as_curl_is_not_sent(
    site: EchoSite, words: list[str], copied: str
) -> None:
    printed = request(*(word.format(site.origin) for word in words), "--as-curl", text=copied.format(site.origin))
    assert site.server.seen == []
    assert printed.stdout.startswith("curl "), printed.stderr


def define_site(tmp_path: Path, *lines: str) -> None:
    folder = tmp_path / "config" / "aura-browser"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sites.toml").write_text("\n".join(["[mine]", *lines]), "utf-8")


def test_the_curl_command_carries_what_the_site_makes_of_a_session(site: EchoSite, tmp_path: Path) -> None:
    define_site(
        tmp_path,
        f'url = "{site.origin}/"',
        'auth = { value = "Bearer {local_storage.theme}" }',
        'csrf = { header = "X-Csrf", cookie = "sid" }',
        'headers = { X-Stated = "yes" }',
    )
    printed = request("POST", "mine/echo", "-d", "a=1", "--as-curl")
    assert "s3cret" not in printed.stdout
    subprocess.run(["bash", "-c", f"{printed.stdout.strip()} -s"], capture_output=True, timeout=60, check=True)  # noqa: S607 - the one on the path
    by_curl = dict(site.server.seen[-1].headers)
    assert (by_curl["Authorization"], by_curl["X-Csrf"], by_curl["X-Stated"]) == ("Bearer s3cret-dark", GOOD, "yes")
    _, _, by_us, _ = ask("POST", "mine/echo", "-d", "a=1")
    ignored = {"accept", "accept-encoding"}
    assert {n.lower(): v for n, v in by_curl.items() if n.lower() not in ignored} == {
        n: v for n, v in by_us.items() if n not in ignored
    }


def test_the_curl_command_carries_a_token_that_the_site_gives_out(site: EchoSite, tmp_path: Path) -> None:
    define_site(tmp_path, f'url = "{site.origin}/"', 'csrf = { field = "token", get = "/echo", json = "path" }')
    printed = request("POST", "mine/echo", "-d", "a=1", "--as-curl")
    answer = subprocess.run(["bash", "-c", f"{printed.stdout.strip()} -s"], capture_output=True, timeout=60, check=True)  # noqa: S607 - the one on the path
    assert read_told(answer.stdout)[3] == ask("POST", "mine/echo", "-d", "a=1")[3] == b"a=1&token=%2Fecho"


def test_curl_takes_no_cookie_to_another_host(site: EchoSite) -> None:
    curl()

    async def other(seen: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(dict(seen.headers))

    with serving_in_thread(other) as (_, origin):
        site.away = origin.replace("127.0.0.1", "localhost")
        printed = request("-L", f"{site.origin}/away", "--as-curl").stdout.strip()
        answer = subprocess.run(["bash", "-c", f"{printed} -s"], capture_output=True, timeout=60, check=True).stdout  # noqa: S607 - the one on the path
    headers = json.loads(answer)
    assert headers["Host"].startswith("localhost")
    assert "Cookie" not in headers


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('auth = { header = "X-Auth-Token", value = "{local_storage.theme}" }', "X-Auth-Token"),
        ('headers = { X-Key = "s3cret-key" }', "X-Key"),
        ('headers = { Authorization = "s3cret-key", User-Agent = "mine" }', ""),
    ],
)
def test_curl_takes_no_token_to_where_a_redirect_leads(site: EchoSite, tmp_path: Path, line: str, named: str) -> None:
    define_site(tmp_path, f'url = "{site.origin}/"', line)
    printed = request("-L", "mine/echo", "-H", "X-Mine: 1", "--as-curl")
    assert (printed.returncode, printed.stdout == "") == ((2, True) if named else (0, False))
    assert (f"curl would send {named} to any host that a redirect leads to" in printed.stderr) == bool(named)
    assert request("mine/echo", "--as-curl").returncode == 0


def test_a_query_that_looks_secret_stays_out_of_the_curl_command(site: EchoSite) -> None:
    curl()
    printed = request(f"{site.origin}/echo?token=s3cret", "--as-curl").stdout.strip()
    assert "s3cret" not in printed
    answer = subprocess.run(["bash", "-c", f"{printed} -s"], capture_output=True, timeout=60, check=True).stdout  # noqa: S607 - the one on the path
    assert read_told(answer)[1] == "/echo?token=s3cret"


def test_old_curl_files_are_cleaned_away(site: EchoSite, state_home: Path) -> None:
    assert request(f"{site.origin}/echo", "-d", "a=1", "--as-curl").returncode == 0
    files = sorted((state_home / "aura-browser" / "curl").iterdir())
    assert len(files) == 2
    assert run_here("sessions", "clean").stdout == ""
    day_ago = time.time() - 90_000
    for file in files:
        os.utime(file, (day_ago, day_ago))
    assert run_here("sessions", "clean", "--dry-run").stdout.split() == [file.name for file in files]
    assert all(file.exists() for file in files)
    assert run_here("sessions", "clean").stdout.split() == [file.name for file in files]
    assert not any(file.exists() for file in files)


def test_help_and_debug_show_no_secret(site: EchoSite) -> None:
    answer = request("--debug", f"{site.origin}/echo", "-H", "X-Key: s3cret-key")
    assert GOOD not in answer.stderr
    assert "s3cret" not in answer.stderr
    assert sys.executable not in run("request", "--help").stdout


def test_a_name_of_sites_toml_stands_for_its_address(site: EchoSite, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "aura-browser"
    folder.mkdir(parents=True)
    (folder / "sites.toml").write_text(f'[mine]\nurl = "{site.origin}/start?x=1"\n', "utf-8")
    assert ask("mine/echo/a?b=c")[1] == "/echo/a?b=c"
    assert ask("PUT", "mine", "-d", "a=1")[:2] == ("PUT", "/start?x=1")
    assert ask(f"{site.origin}/echo")[1] == "/echo"
    assert request("yours/echo").returncode == 2
    (folder / "sites.toml").write_text("[mine]\nurl = 5\n", "utf-8")
    assert request("mine/echo").returncode == 78
