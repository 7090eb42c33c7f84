"""Connect to Redis: check the URL, create the connection pool, explain errors. redis-py is imported when needed."""

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from aura_browser.errors import InvalidInput, raise_alone
from aura_browser.extras import install_command
from aura_browser.text import clean_text, redact_url

if TYPE_CHECKING:
    from redis.asyncio import BlockingConnectionPool

_QUOTED: Final = re.compile(r"b?(['\"])(?:(?!\1).){1,10000}\1")
_MAX_CONNECTIONS: Final = 16
_SOCKET_TIMEOUT_S: Final = 2.0

_PLAIN_OPTIONS: Final = frozenset({"db", "username", "password", "client_name"})
_TLS_OPTIONS: Final = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname", "ssl_cert_reqs"})

# By class name, because redis-py is imported only when it is used. The lookup follows the class's MRO.
_PROBLEMS: Final = {
    "AuthenticationError": "it refused the user or the password. Check both in the store's URL.",
    "AuthenticationWrongNumberOfArgsError": "it refused the user or the password. Check both in the store's URL.",
    "NoPermissionError": "its access rules forbid a command. Allow the user to read, write and run scripts (EVALSHA).",
    "BusyLoadingError": "it is still loading its data. Try again in a moment.",
    "ReadOnlyError": "it is a read-only replica. Wait for the failover, or use the primary's URL.",
    "OutOfMemoryError": "it is out of memory. Raise its maxmemory, or delete data.",
    "TimeoutError": "no answer in time. Check that it runs, is not overloaded, and is reachable from here.",
}


def check_address(url: str) -> str:
    """Check a Redis URL and return it without user, password and options.

    Raises:
        InvalidInput: if *url* is malformed or has an unknown option; never quotes it.
    """
    try:
        url.encode()
        parts = urlsplit(url)
        options = {name for name, _ in parse_qsl(parts.query, strict_parsing=True)} if parts.query else set()
        well_formed = _is_well_formed(parts)
    except ValueError:
        well_formed, options = False, set()
    if not well_formed:
        forms = "redis://host:6379/0, rediss://host:6379/0 or unix:///path/to/socket"
        raise InvalidInput("store", f"the Redis URL is malformed. Write {forms}; in a password, %XX for / ? # @ %.")
    allowed = _PLAIN_OPTIONS | (_TLS_OPTIONS if parts.scheme == "rediss" else frozenset())
    if not options <= allowed:
        raise InvalidInput("store", f"the Redis URL has an unknown option. Known: {', '.join(sorted(allowed))}.")
    return redact_url(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")


def _is_well_formed(parts: SplitResult) -> bool:
    """Return whether redis-py reads each part as intended; raise ValueError for an invalid port."""
    if parts.fragment:
        return False
    if parts.scheme == "unix":
        return not parts.hostname and parts.port is None and len(parts.path) > 1
    is_port = parts.port is None or parts.port > 0
    return parts.scheme in {"redis", "rediss"} and bool(parts.hostname) and is_port and _is_database(parts.path)


def _is_database(path: str) -> bool:
    return re.fullmatch(r"(/[0-9]*)?", path) is not None


def create_pool(url: str) -> "BlockingConnectionPool":
    """Return a pool that is not connected yet. It waits for a free connection; redis-py's default pool fails instead.

    Raises:
        InvalidInput: if redis-py is not installed, or an option of *url* has an invalid value.
    """
    try:
        from redis.asyncio import BlockingConnectionPool
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as ConnectionDropped
        from redis.exceptions import ReadOnlyError
    except ImportError as error:
        raise InvalidInput("store", f"needs redis-py: {install_command('redis')}") from error
    try:
        return BlockingConnectionPool.from_url(
            url,
            max_connections=_MAX_CONNECTIONS,
            timeout=None,  # RedisStore limits the time of every operation
            socket_timeout=_SOCKET_TIMEOUT_S,
            socket_connect_timeout=_SOCKET_TIMEOUT_S,
            # A retry opens a new connection, which after a failover reaches the new primary.
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionDropped, ReadOnlyError)),
            # Every server supports the older protocol, and nothing here needs the newer one.
            protocol=2,
            # By default each new connection reads redis-py's version from disk, which blocks the event loop.
            driver_info=None,
        )
    except (ValueError, TypeError):
        # Alone, because the message may quote an option.
        raise_alone(InvalidInput("store", "the Redis URL has an option with an invalid value. Correct or remove it."))


def describe_error(error: Exception) -> str:
    """Return in one line what failed and what to do, without arguments of the command."""
    for kind in type(error).__mro__:
        if kind.__name__ in _PROBLEMS:
            return _PROBLEMS[kind.__name__]
    message = clean_text(_QUOTED.sub("…", str(error).partition(", with args")[0])).rstrip(".")
    return f"{message}. Check that Redis runs there."
