"""``Aura``: the provider class that programs of the original project know, signature for signature."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar, Final

from aura_browser.assembly import ClientOptions
from aura_browser.chat.client import AuraClient
from aura_browser.chat.messages import Prompt
from aura_browser.engine import OwnDriver
from aura_browser.site import OPENCHAT

if TYPE_CHECKING:
    from selenium.webdriver.chromium.webdriver import ChromiumDriver as WebDriver

_log = logging.getLogger(__name__)

_OPTIONS: Final = frozenset(ClientOptions.__annotations__) - {"proxy", "harvest"}


class Aura:
    """Asks openchat.team, or the site that a subclass names in ``url``.

    Sessions are cached between calls, so only the first one ever opens a browser. A program that asks often does
    better with :class:`AuraClient`, which keeps its connections too.

    Attributes:
        url: the site.
        working: whether a reply has been streamed in this process.
    """

    url: ClassVar[str] = OPENCHAT.origin
    working: ClassVar[bool] = False

    @classmethod
    async def create_async_generator(  # noqa: PLR0917 - the signature is the original's
        cls,
        model: str,
        messages: Prompt,
        proxy: str | None = None,
        temperature: float = 0.5,
        max_tokens: int = 8192,
        webdriver: "WebDriver | None" = None,
        **kwargs: Any,  # noqa: ANN401 - the signature is the original's
    ) -> AsyncGenerator[str, None]:
        """Ask, and yield the answer's text as it comes.

        Args:
            model: the model's id; empty for ``openchat_3.6``.
            messages: dicts with ``role`` and ``content``, oldest first.
            proxy: as in :class:`AuraClient`.
            temperature: 0 is the steadiest.
            max_tokens: the context window in tokens.
            webdriver: a Selenium WebDriver to harvest with, when a session is needed. It is not closed.
            kwargs: ``session``, ``store``, ``refresh``, ``encryption``, ``engine`` and ``read_timeout`` as in
                :class:`AuraClient`. What else the original's callers pass (``stream``, ``timeout``, …) is ignored.

        Raises:
            AuraError: as :meth:`AuraClient.stream`.
        """
        settings = {name: value for name, value in kwargs.items() if name in _OPTIONS}
        if unused := sorted(kwargs.keys() - _OPTIONS):
            _log.debug("Left aside: %s", ", ".join(unused))
        if webdriver is not None:
            settings["engine"] = OwnDriver(webdriver)
        client = AuraClient(
            cls.url, model=model, temperature=temperature, max_tokens=max_tokens, proxy=proxy, **settings
        )
        async with client, aclosing(client.stream(messages)) as stream:
            async for text in stream:
                yield text
        Aura.working = cls.working = True
