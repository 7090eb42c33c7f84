"""The gateway that most tests ask."""

from collections.abc import AsyncIterator

import pytest

from aura_browser.gateway.server import Gateway
from aura_browser.playground import Playground
from tests.parts.gateways import gateway_to


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Serve the playground through a gateway."""
    async with Playground() as site, gateway_to(site) as running:
        yield running
