"""``Aura``: a provider class with the same signatures as the original project's."""

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
    """Sends questions to openchat.team, or to the site that a subclass names in ``url``.

    Sessions are cached between calls, so only the first call opens a browser. For many calls use
    :class:`AuraClient`, which also keeps its connections.

    Attributes:
        url: the site.
        working: whether a reply has been streamed in this process.
    """

    url: ClassVar[str] = OPENCHAT.origin
    working: ClassVar[bool] = False

    @classmethod
    async def create_async_generator(  # noqa: PLR0917 - the original's signature
        cls,
        model: str,
        messages: Prompt,
        proxy: str | None = None,
        temperature: float = 0.5,
        max_tokens: int = 8192,
        webdriver: "WebDriver | None" = None,
        **kwargs: Any,  # noqa: ANN401 - the original's signature
    ) -> AsyncGenerator[str, None]:
        """Send a question and yield the answer's text as it arrives.

        Args:
            model: the model's id; empty for ``openchat_3.6``.
            messages: dicts with ``role`` and ``content``, oldest first.
            proxy: as in :class:`AuraClient`.
            temperature: 0 varies least.
            max_tokens: the context window in tokens.
            webdriver: a Selenium WebDriver for the harvest, if a session is needed. It is not closed.
            kwargs: ``session``, ``store``, ``refresh``, ``encryption``, ``engine`` and ``read_timeout`` as in
                :class:`AuraClient`. Other arguments of the original (``stream``, ``timeout``, …) are ignored.

        Raises:
            AuraError: as :meth:`AuraClient.stream`.
        """
        settings = {name: value for name, value in kwargs.items() if name in _OPTIONS}
        if unused := sorted(kwargs.keys() - _OPTIONS):
            _log.debug("Ignored arguments: %s", ", ".join(unused))
        if webdriver is not None:
            settings["engine"] = OwnDriver(webdriver)
        client = AuraClient(
            cls.url, model=model, temperature=temperature, max_tokens=max_tokens, proxy=proxy, **settings
        )
        async with client, aclosing(client.stream(messages)) as stream:
            async for text in stream:
                yield text
        Aura.working = cls.working = True
