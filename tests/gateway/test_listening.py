"""Where a gateway listens: addresses and ports that are taken, missing or given."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import aiohttp
import pytest
from rich.pretty import pretty_repr

from aura_browser.gateway.server import Gateway, Settings, make_origin
from aura_browser.listening import find_free_port
from aura_browser.playground import Playground
from tests.parts.bursts import count_connected
from tests.parts.gateways import gateway_to
from tests.parts.ports import free_port, port_taken_at_ipv6


@pytest.fixture
def taken() -> Iterator[int]:
    """Take a port at ``::1``, and at no other address; return it."""
    with port_taken_at_ipv6() as port:
        yield port


async def serves(gateway: Gateway, host: str) -> bool:
    try:
        async with aiohttp.ClientSession() as http, http.get(f"http://{host}:{gateway.port}/healthz") as response:
            return response.status == 200
    except aiohttp.ClientConnectorError:
        return False


async def test_a_port_that_another_program_has_at_one_address_is_not_shared_with_it(taken: int) -> None:
    """Programs look at ``::1`` first, so they would ask the other program, and show it the token."""
    async with Playground() as site:
        with pytest.raises(OSError, match="already in use"):
            async with gateway_to(site, port=taken):
                pytest.fail("it listens")
    with socket.create_server(("127.0.0.1", taken)):  # nothing of it is left at the first address
        pass


async def test_a_free_port_is_free_at_both_addresses(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    """The first port that the system offers is taken at ``::1``."""
    offered, create = [taken, taken], socket.create_server

    def offer(address: tuple[str, int], **options: object) -> socket.socket:
        host, port = address
        return create((host, offered.pop() if port == 0 and offered else port), **options)  # type: ignore[arg-type]

    monkeypatch.setattr("aura_browser.listening.socket.create_server", offer)
    async with Playground() as site, gateway_to(site) as gateway:
        assert gateway.port != taken
        assert await serves(gateway, "127.0.0.1")
        assert await serves(gateway, "[::1]")
    assert offered == []


async def test_no_port_that_is_free_at_both_addresses_is_an_error(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    create = socket.create_server

    def offer(address: tuple[str, int], **options: object) -> socket.socket:
        return create((address[0], address[1] or taken), **options)  # type: ignore[arg-type]

    async with Playground() as site:
        monkeypatch.setattr("aura_browser.listening.socket.create_server", offer)
        with pytest.raises(OSError, match="no port is free at both addresses"):
            async with gateway_to(site):
                pytest.fail("it listens")


async def test_a_machine_without_ipv6_is_served_at_the_first_address(monkeypatch: pytest.MonkeyPatch) -> None:
    create = socket.create_server

    def refuse_second(address: tuple[str, int], **options: object) -> socket.socket:
        if options.get("family") == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        return create(address, **options)  # type: ignore[arg-type]

    async with Playground() as site:
        monkeypatch.setattr("aura_browser.listening.socket.create_server", refuse_second)
        async with gateway_to(site) as gateway:
            assert await serves(gateway, "127.0.0.1")
            assert not await serves(gateway, "[::1]")


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.2", "127.0.0.2"), ("::1", "[::1]")])
async def test_at_an_address_that_is_given_it_listens_alone(host: str, shown: str) -> None:
    async with Playground() as site, gateway_to(site, host=host) as gateway:
        assert gateway.base_url == f"http://{shown}:{gateway.port}/v1"
        assert await serves(gateway, shown)
        assert not await serves(gateway, "127.0.0.1")


def test_the_next_free_port_is_proposed_and_any_where_ten_are_taken() -> None:
    first = free_port()
    with ExitStack() as exits:
        for port in range(first, first + 11):
            try:
                exits.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:  # another program's, which is as good
                continue
        found = find_free_port(first)
        assert found not in range(first, first + 11)
    assert first < find_free_port(first) <= first + 10


def test_a_port_that_is_taken_at_the_other_address_is_not_proposed(taken: int) -> None:
    assert find_free_port(taken - 1) != taken


def test_a_token_is_in_no_form_of_the_settings() -> None:
    settings = Settings(host="127.0.0.1", token="s3cret-token-of-24-chars")
    assert "s3cret" not in repr(settings) + pretty_repr(settings)
    assert "8787" in pretty_repr(settings)
    everywhere = ("", "0.0.0.0", "::")  # noqa: S104 - compared only
    assert {make_origin(host, 8787) for host in everywhere} == {"http://127.0.0.1:8787"}


async def test_five_hundred_connections_at_once_are_taken() -> None:
    async with Playground() as site, gateway_to(site) as gateway:
        ports = [int(origin.rpartition(":")[2]) for origin in (gateway.origin, site.origin)]
        assert [count_connected(port, 500) for port in ports] == [500, 500]
