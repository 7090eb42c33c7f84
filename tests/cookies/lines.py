"""The generated table: ``Set-Cookie`` lines, the hosts that set them, and stories of several lines.

In a line ``{host}`` is the host that sets it, ``{parent}`` what follows its first dot, ``{mon}``, ``{yyyy}`` and
``{yy}`` month and year in about 200 days (no later than Chrome keeps a cookie), ``{year}`` that year's number.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final

_AHEAD_S: Final = 200 * 86400

HOSTS: Final = ("192.0.2.7", "onelabel", "co.uk", "app.example.test")
"""One of each kind: an address, one label, a public suffix, an ordinary host."""

FURTHER_HOSTS: Final = (
    *("127.0.0.1", "localhost", "app.localhost", "[2001:db8::1]", "[::1]", "kawasaki.jp", "a.b.kawasaki.jp"),
    *("a.co.uk", "b.github.io", "deep.app.example.test", "xn--bcher-kva.example", "example.test"),
)
"""More kinds, for the lines about domains and about what needs a trusted connection."""

_DAY: Final = ("09", "9", "28", "31", "00", "32", "1st", "009", "2x", "x2")
_TIMES: Final = (
    *("10:18:14", "1:2:3", "24:00:00", "23:59:59", "23:60:00", "23:59:60", "10:18", "10:18:14.5", "10:18:14x"),
    *("010:18:14", "10:018:14", "10:18:014", "10 18 14", "10:18:14:15", "1:1:1 2:2:2", "x10:18:14", ":10:18:14"),
)
_YEARS: Final = (
    *("{yyyy}", "{yy}", "70", "69", "99", "00", "1", "1970", "1969", "1601", "1600", "100", "101", "9999", "10000"),
    *("99999", "100000", "0{yyyy}", "{yyyy}x", "{yy}x", "0070", "00070", "3000"),
)
_MONTHS: Final = ("{mon}", "{MON}", "{mon}uary", "{mon}x", "Foo", "6", "", "x{mon}", "J", "Ju", "May Jan")
_ZONES: Final = ("GMT", "UTC", "PST", "+0200", "-0800", "", "GMT+0200 (Central European Summer Time)", "Z", "EST5EDT")

_DATES: Final = (
    *(f"Wed, {day} {{mon}} {{yyyy}} 10:18:14 GMT" for day in _DAY),
    *(f"Wed, 09 {{mon}} {{yyyy}} {time} GMT" for time in _TIMES),
    *(f"Wed, 09 {{mon}} {year} 10:18:14 GMT" for year in _YEARS),
    *(f"Wed, 09-{{mon}}-{year} 10:18:14 GMT" for year in _YEARS[:8]),
    *(f"Wed, 09 {month} {{yyyy}} 10:18:14 GMT" for month in _MONTHS),
    *(f"Wed, 09 {{mon}} {{yyyy}} 10:18:14 {zone}" for zone in _ZONES),
    # Forms that programs write.
    "Thu, 01-Jan-70 00:00:01 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Thu, 01-Jan-1970 00:00:10 GMT",
    "Tue, 19 Jan 2038 03:14:07 GMT",
    "Fri, 31-Dec-9999 23:59:59 GMT",
    "Wednesday, 09-{mon}-{yy} 10:18:14 GMT",
    "Wed {mon} 09 10:18:14 {yyyy}",
    "Wed {mon}  9 10:18:14 {yyyy}",
    "Wed {mon} 09 {yyyy} 10:18:14 GMT+0200 (CEST)",
    "{mon} 9, {yyyy}, 10:18:14 AM",
    "9 {mon} {yyyy} 10:18:14",
    "09 {mon} {yyyy} 10:18:14",
    "{yyyy}-06-09T10:18:14Z",
    "{yyyy}-{mon}-09 10:18:14",
    "{yyyy} {mon} 09 10:18:14",
    "10:18:14 09 {mon} {yyyy}",
    "10:18:14 {yyyy} 09 {mon}",
    "{mon} {yyyy} 09 10:18:14",
    "{yy} {mon} {yyyy} 10:18:14",
    "09{mon}{yyyy} 10:18:14",
    "09 {mon} {yyyy}10:18:14",
    "Wed,09 {mon} {yyyy} 10:18:14GMT",
    "Wed,\t09\t{mon}\t{yyyy}\t10:18:14\tGMT",
    '"Wed, 09 {mon} {yyyy} 10:18:14 GMT"',
    "'Wed, 09 {mon} {yyyy} 10:18:14 GMT'",
    "Wed, 09 {mon} {yyyy} 10:18:14 GMT, Thu, 10 {mon} {yyyy} 10:18:14 GMT",
    "Sat, 30 Feb {yyyy} 10:18:14 GMT",
    "Sat, 31 Apr {yyyy} 10:18:14 GMT",
    "Sat, 29 Feb 2028 10:18:14 GMT",
    "Sun 09 {mon} {yyyy} 10:18:14 GMT",
    "Foo 09 {mon} {yyyy} 10:18:14 GMT",
    "2x 09 {mon} {yyyy} 10:18:14",
    "09 {mon} 2x {yyyy} 10:18:14",
    "32 09 {mon} {yyyy} 10:18:14",
    "09 {mon} 2027x {yyyy} 10:18:14",
    "09 {mon} 100000 {yyyy} 10:18:14",
    "09 {mon} {yyyy} 10:18:14x 10:18:14",
    "09 {mon} {yyyy} 25:00:00 10:18:14",
    "09 {mon} {yyyy} 9999999999:18:14 10:18:14",
    "09 {mon} {yyyy} 10::14 10:18:14",
    "09 {mon} {yyyy} 10:18: 10:18:14",
    "09 {mon} {yyyy} 0000000000010:18:14",
    "09 {mon} {yyyy} ٠٩:18:14",
    "٠٩ {mon} {yyyy} 10:18:14",
    "Mär 09 {mon} {yyyy} 10:18:14 GMT",
    "09 {mon} {yyyy}é 10:18:14",
    "09é {mon} {yyyy} 10:18:14",
    "1 {mon} {yyyy} 10:18:14 2 3",
    "+09 {mon} +{yyyy} 10:18:14",
    "09/{mon}/{yyyy} 10:18:14",
    "09.{mon}.{yyyy} 10:18:14",
    "09_{mon}_{yyyy} 10:18:14",
    "09:{mon}:{yyyy} 10:18:14",
    *("", "0", "1", "-1", "now", "never", "session", "1700000000", "{yyyy}", "10:18:14"),
)

_MAX_AGES: Final = (
    *("60", "0", "-1", "-60", "+5", "+0", "-0", "1", "060", "00000000000000000000005", "34560000", "34560001"),
    *("99999999999", "9223372036854775807", "9223372036854775808", "99999999999999999999", "99999999999999999999x"),
    *("-9223372036854775808", "-99999999999999999999", "-99999999999999999999x", "+99999999999999999999"),
    *("60.5", "60s", "6e1", "0x3c", "abc", "", " 60 ", '"60"', "'60'", "6 0", "--5", "++5", "+-5", "+", "-", "٦"),
)

_DOMAINS: Final = (
    *(
        "deep.app.example.test",
        "app.exämple.test",
        "bücher.example:80",
        ".bücher.example",
        "BÜCHER.example",
        "b%C3%BCcher.example",
    ),
    *("{host}", ".{host}", "..{host}", "{host}.", ".{host}.", "{host}:80", "{HOST}", ".{HOST}", " {host} ", "{host}/"),
    *("{parent}", ".{parent}", "{parent}.", "x.{host}", "x{host}", "{host}x", "http://{host}", '"{host}"', "*.{host}"),
    *("", ".", "..", "test", "uk", "co.uk", ".co.uk", "io", "github.io", "localhost", ".localhost", "com", "a.com"),
    *("example.test", ".example.test", "EXAMPLE.Test", "other.example.test", "elsewhere.org", "127.0.0.1", "0.2.7"),
    *("2.7", "example.test%", "%65xample.test", "exämple.test", "example .test", "b.github.io", "[::1]", "::1"),
    *(
        "bücher.example",
        "xn--bcher-kva.example",
        "onelabel",
        "kawasaki.jp",
        "example..test",
        "-example.test",
        "ex_ample.test",
    ),
)

_PATHS: Final = (
    *("/", "/a", "/a/", "/a/b", "/x", "a", "", ".", "/a b", "/a=b", "//", "/ä", "/%C3%A4", "/%", '"/a"', '/a"b'),
    *("/a\tb", "/a?b", "/a#b", "/A", "/a/../b", "*", "http://{host}/a", f"/{'p' * 1023}", f"/{'p' * 1024}", "/a\x01b"),
)

_PREFIXES: Final = tuple(
    f"{prefix}a=1{rest}"
    for prefix in ("__Host-", "__Secure-", "__Http-", "__Host-Http-", "__host-", "__SECURE-", "__hTTp-", "__Hostx-")
    for rest in (
        *("", "; Secure", "; Path=/", "; Secure; Path=/", "; Secure; Path=/a", "; Secure; HttpOnly"),
        *("; Secure; HttpOnly; Path=/", "; Secure; Path=/; Domain={host}", "; Secure; HttpOnly; Path=/; Domain={host}"),
    )
)

_ATTRIBUTES: Final = (
    *("Secure", "secure", "SECURE", "Secure=", "Secure=false", "Secure=0", "Secure ", " Secure", "Secured", "Secure;"),
    *("HttpOnly", "httponly", "HttpOnly=false", "Http-Only", "HttpOnly; HttpOnly"),
    *(f"SameSite={value}" for value in ("Lax", "Strict", "None", "lax", "NONE", "strict", "", "foo", '"Lax"', "Lax x")),
    *(f"Secure; SameSite={value}" for value in ("None", "none", "Lax", "Strict", "foo", "")),
    *("SameSite", "SameSite=Lax; SameSite=foo", "SameSite=None; SameSite=Lax", "SameSite=Lax; SameSite=None"),
    *("Partitioned", "Secure; Partitioned", "partitioned; secure", "Partitioned=false; Secure", "Partitioned; Path=/"),
    *("Secure; Partitioned; SameSite=None", "Secure; Partitioned; Domain={host}", "Secure; Partitioned; Path=/"),
    *(f"Priority={value}" for value in ("Low", "Medium", "High", "low", "HIGH", "", "foo", "Low; Priority=High")),
    *("Version=1", "Comment=x", "Port", "Unknown=é", "=x", "=", ";;;", "x=\x01", "\x01=x", "x=\ty", "x\ty=1"),
    *("Path=/; Path=/x", "Path=/; Path=x", "Path=/; Path=", "Domain={host}; Domain=", "Domain=; Domain={host}"),
    *("Max-Age=60; Max-Age=120", "Max-Age=60; Max-Age=", "Max-Age=60; Max-Age=x", "Max-Age=60; Expires=0"),
    *("Max-Age=x; Expires=Wed, 09 {mon} {yyyy} 10:18:14 GMT", "Max-Age=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
    *("Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "Max-Age=0; Expires=Wed, 09 {mon} {yyyy} 10:18:14 GMT"),
    *("Expires=Wed, 09 {mon} {yyyy} 10:18:14 GMT; Expires=", "Expires = Wed, 09 {mon} {yyyy} 10:18:14 GMT "),
    *(f"Comment={'c' * 1024}", f"Comment={'c' * 1025}", f"Path=/{'p' * 1024}", f"Path=/x; Path=/{'p' * 1024}"),
    *(
        f"Domain={'d' * 1025}",
        f"Domain={{host}}; Domain={'d' * 1025}",
        f"Max-Age={'0' * 1024}60",
        f"Secure={'s' * 1025}",
    ),
    *(f"HttpOnly={'s' * 1025}", f"SameSite={'s' * 1025}", f"Comment={'é' * 512}", f"Comment={'é' * 513}"),
    f"Expires=Wed, 09 {{mon}} {{yyyy}} 10:18:14 GMT{' x' * 600}",
)

_PAIRS: Final = (
    *("a=1", "a=", "=1", "=", "", " ", "a", " a = 1 ", "a=b=c", "==", "=a=b", "a==", ";", "; Secure", "a=1;", ";a=1"),
    *(
        'a="1"',
        'a="1; 2"',
        'a="1 2, 3"',
        "a=1,b=2",
        "a=1 2",
        "a b=1",
        "a=1\t2",
        "a\tb=1",
        "\ta=1\t",
        "a=1\x01",
        "\x7f=1",
    ),
    *(
        "a=1\x1f",
        "a\x1f=1",
        "a=é",
        "é=1",
        "a=\udce9",
        "\udce9=1",
        "a=1; Path=/\udce9",
        "a=1; x=\udce9",
        "a=😀",
        "a=\u200b",
    ),
    *(
        "a=\u00a01",
        "a=1\u00a0",
        "a=\u2028",
        "$a=1",
        "a[]=1",
        "a/b=1",
        "a@b=1",
        "a:b=1",
        "(a)=1",
        "a=<>",
        "a=\\",
        "a={x}",
    ),
    *(
        f"a={'v' * 4095}",
        f"a={'v' * 4096}",
        f"{'n' * 4096}=",
        f"{'n' * 4095}=v",
        f"{'n' * 4096}=v",
        "v" * 4096,
        "v" * 4097,
    ),
    *(f"a={'é' * 2047}v", f"a={'é' * 2048}", "=__Host-a", "=__Secure-a", "=__Http-a", "=__Host-Http-a", "__Host-a"),
    *("= __Host-a", "=__Hosta", "=__host-a=1; Secure; Path=/", "__Secure-a; Secure", "a=__Host-b", " __Host-a=1"),
    *(
        "__Host-=1; Secure; Path=/",
        "__Secure-=1; Secure",
        "Expires=1",
        "Path=/x",
        "Domain=x; Path=/",
        "Secure",
        "Max-Age=0",
    ),
)

_LINES: Final = (
    *_PAIRS,
    *(f"a=1; Expires={date}" for date in _DATES),
    *(f"a=1; Max-Age={age}" for age in _MAX_AGES),
    *(f"a=1; Path={path}" for path in _PATHS),
    *_PREFIXES,
    *(f"a=1; {attributes}" for attributes in _ATTRIBUTES),
    *(f"a=1; Domain={domain}" for domain in _DOMAINS),
)
# What depends on the host: its domain, its prefixes, what is trusted there.
_LINES_OF_HOSTS: Final = (
    *(f"a=1; Domain={domain}" for domain in _DOMAINS),
    *_PREFIXES,
    *(
        "a=1",
        "a=1; Secure",
        "a=1; Secure; HttpOnly",
        "a=1; Secure; SameSite=None",
        "a=1; Secure; Partitioned",
        "a=1; SameSite=None",
    ),
)


@dataclass(frozen=True)
class Case:
    """One line that one host sets.

    Attributes:
        origin: such as ``http://onelabel``.
        line: what it sets, as text in which surrogates stand for bytes that are not UTF-8.
    """

    origin: str
    line: str


def cases(now: float) -> Iterator[Case]:
    """Yield the whole table for a run at *now*, always in the same order."""
    for hosts, lines in ((HOSTS, _LINES), (FURTHER_HOSTS, _LINES_OF_HOSTS)):
        for host in hosts:
            for scheme in ("http", "https"):
                for line in dict.fromkeys(lines):
                    yield Case(f"{scheme}://{host}", fill_in(line, host, now))


def fill_in(line: str, host: str, now: float) -> str:
    """Return a line of the table for *host*."""
    ahead = time.gmtime(now + _AHEAD_S)
    parts = {
        "host": host,
        "HOST": host.upper(),
        "parent": host.partition(".")[2],
        "mon": time.strftime("%b", ahead),
        "MON": time.strftime("%b", ahead).upper(),
        "yyyy": str(ahead.tm_year),
        "yy": str(ahead.tm_year)[2:],
    }
    for name, text in parts.items():
        line = line.replace(f"{{{name}}}", text)
    return line


@dataclass(frozen=True)
class Step:
    """One answer in a story.

    Attributes:
        url: the address that answers.
        lines: what it sets; ``{in:60}`` is a date 60 seconds after the server's clock.
        skew: how many seconds the server's clock, which ``Date`` shows, is ahead; None without ``Date``.
    """

    url: str
    lines: tuple[str, ...] = ()
    skew: float | None = None

    def lines_at(self, now: float) -> list[str]:
        """Return the lines with their dates."""
        clock = now + (self.skew or 0)
        return [re.sub(r"\{in:([0-9]+)\}", lambda m: formatdate(clock + int(m[1]), usegmt=True), x) for x in self.lines]

    def date_at(self, now: float) -> float | None:
        """Return the server's clock, in epoch seconds, if it shows it."""
        return None if self.skew is None else now + self.skew


def _numbered(first: int, last: int, more: str = "") -> tuple[str, ...]:
    return tuple(f"c{number}=1{more}" for number in range(first, last))


_H: Final = "http://app.example.test"
_S: Final = "https://app.example.test"
_AHEAD: Final = "Expires={in:1800}"

STORIES: Final[dict[str, tuple[Step, ...]]] = {
    "the same value keeps its place": (Step(f"{_S}/", ("a=1", "b=1")), Step(f"{_S}/", ("a=1; HttpOnly",))),
    "a new value moves to the end": (Step(f"{_S}/", ("a=1", "b=1")), Step(f"{_S}/", ("a=2",))),
    "longer paths go first": (Step(f"{_S}/a/b", ("a=1; Path=/", "b=1; Path=/a", "c=1; Path=/", "d=1; Path=/a/b")),),
    "a deletion": (Step(f"{_S}/", ("a=1", "b=1")), Step(f"{_S}/", ("a=; Max-Age=0",))),
    "a deletion on another path": (Step(f"{_S}/a/b", ("a=1; Path=/",)), Step(f"{_S}/a/b", ("a=; Max-Age=0",))),
    "a deletion and a new one": (Step(f"{_S}/", ("a=1", "b=1")), Step(f"{_S}/", ("a=; Max-Age=0", "a=1"))),
    "host-only and domain are two": (Step(f"{_S}/", ("a=1", "a=2; Domain=app.example.test", "a=3")),),
    "one of the parent's": (Step(f"{_S}/", ("a=1; Domain=example.test",)), Step("https://example.test/", ("a=2",))),
    "Secure is left alone": (Step(f"{_S}/", ("a=1; Secure",)), Step(f"{_H}/", ("a=2",))),
    "Secure is not deleted": (Step(f"{_S}/", ("a=1; Secure",)), Step(f"{_H}/", ("a=; Max-Age=0",))),
    "Secure of the parent": (
        Step(f"{_S}/", ("a=1; Secure; Domain=example.test",)),
        Step(f"{_H}/", ("a=2",)),
    ),
    "Secure of a child": (
        Step(f"{_S}/", ("a=1; Secure",)),
        Step("http://example.test/", ("a=2; Domain=example.test",)),
    ),
    "Secure of a sibling": (
        Step(f"{_S}/", ("a=1; Secure",)),
        Step("http://other.example.test/", ("a=2; Domain=other.example.test",)),
    ),
    "Secure on a deeper path": (Step(f"{_S}/a/b", ("a=1; Secure; Path=/a/b",)), Step(f"{_H}/a/b", ("a=2; Path=/",))),
    "Secure on a higher path": (Step(f"{_S}/a/b", ("a=1; Secure; Path=/a",)), Step(f"{_H}/a/b", ("a=2; Path=/a/b",))),
    "Secure and partitioned": (
        Step(f"{_S}/", ("a=1; Secure; Partitioned",)),
        Step(f"{_H}/", ("a=2",)),
    ),
    "plain replaced over TLS": (Step(f"{_H}/", ("a=1",)), Step(f"{_S}/", ("a=2; Secure",))),
    "one of TLS replaced over HTTP": (Step(f"{_S}/", ("a=1",)), Step(f"{_H}/", ("a=2",))),
    "Secure on loopback": (
        Step("https://localhost/", ("a=1; Secure",)),
        Step("http://localhost/", ("a=2",)),
    ),
    "partitioned and not are two": (Step(f"{_S}/", ("a=1; Secure", "a=2; Secure; Partitioned")),),
    "a partitioned one replaced": (
        Step(f"{_S}/", ("a=1; Secure; Partitioned", "b=1")),
        Step(f"{_S}/", ("a=2; Secure; Partitioned",)),
    ),
    "a server an hour behind": (Step(f"{_S}/", (f"a=1; {_AHEAD}",), skew=-3600),),
    "a server a day ahead": (Step(f"{_S}/", (f"a=1; {_AHEAD}", "b=1; Expires={in:90000}"), skew=86400),),
    "Max-Age is not shifted": (Step(f"{_S}/", ("a=1; Max-Age=1800",), skew=-3600),),
    "the cap after the shift": (Step(f"{_S}/", ("a=1; Expires={in:40000000}",), skew=-3600),),
    "a default path with a semicolon": (Step(f"{_S}/app;v=1/x", ("a=1",)),),
    "a default path with an escape": (Step(f"{_S}/%C3%A4/x%3By/z", ("a=1",)),),
    "180 stay": (Step(f"{_S}/", _numbered(0, 180)),),
    "181 become 150": (Step(f"{_S}/", _numbered(0, 181)),),
    "a flood": (Step(f"{_S}/", _numbered(0, 181)), Step(f"{_S}/", _numbered(181, 260))),
    "a flood, Secure ones first": (Step(f"{_S}/", (*_numbered(0, 100, "; Secure"), *_numbered(100, 181))),),
    "a flood of Secure ones": (Step(f"{_S}/", _numbered(0, 181, "; Secure")),),
    "a flood with priorities": (
        Step(
            f"{_S}/",
            (
                *_numbered(0, 60, "; Priority=High"),
                *_numbered(60, 120, "; Priority=Low"),
                *_numbered(120, 181),
            ),
        ),
    ),
    "a flood of high priority": (Step(f"{_S}/", (*_numbered(0, 20), *_numbered(20, 181, "; Priority=High"))),),
    "a flood of two hosts": (
        Step(f"{_S}/", _numbered(0, 100)),
        Step("https://other.example.test/", _numbered(100, 190)),
    ),
    "a partition's flood": (Step(f"{_S}/", _numbered(0, 190, "; Secure; Partitioned")),),
    "a partition's bytes": (Step(f"{_S}/", tuple(f"p{n}={'v' * 3000}; Secure; Partitioned" for n in range(5))),),
    "a flood that renews its oldest": (
        Step(f"{_S}/", _numbered(0, 180)),
        Step(f"{_S}/", ("c0=1; Max-Age=3600",)),
        Step(f"{_S}/", ("new=1",)),
    ),
    "a flood beside a login that each answer prolongs": (
        Step(f"{_S}/", _numbered(0, 180)),
        Step(f"{_S}/", ("c0=1; Max-Age=3600", "new=1")),
    ),
    "a deletion in a full jar": (Step(f"{_S}/", _numbered(0, 180)), Step(f"{_S}/", ("c9=; Max-Age=0", "new=1"))),
}
"""What several lines do together; the cookies that are left are compared, in the order in which they are sent."""
