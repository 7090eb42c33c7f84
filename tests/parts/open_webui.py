"""A stand-in for Open WebUI, which is over a gigabyte: its addresses, and a page that keeps its token as it does."""

from typing import Any, Final

from aiohttp import web

_SIGN_IN: Final = """<!doctype html><title>Open WebUI</title><script>
(async () => {
  if (localStorage.token) return;
  const answer = await fetch('/api/v1/auths/signin', {method: 'POST', body: '{}'});
  localStorage.token = (await answer.json()).token;
})();
</script><main>Welcome</main>"""


class OpenWebUI:
    """Answers under ``/api`` to a bearer token alone, which its page gets and keeps in the local storage.

    Attributes:
        number: how many logins there were; the last one's token is good.
    """

    def __init__(self) -> None:
        self.number = 0

    @property
    def token(self) -> str:
        """The good token."""
        return f"s3cret-jwt-{self.number}"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        match request.path:
            case "/":
                return web.Response(text=_SIGN_IN, content_type="text/html")
            case "/api/v1/auths/signin":
                self.number += 1
                return web.json_response({"token": self.token, "token_type": "Bearer", "id": "ann"})
        if not self.number or request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"detail": "Not authenticated"}, status=401)
        return await self._answer_member(request)

    async def _answer_member(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.path:
            case "/api/v1/auths/":
                return web.json_response({"id": "ann", "name": "Ann", "role": "user", "token": self.token})
            case "/api/models":
                model = {"id": "m", "object": "model", "created": 1, "owned_by": "openai"}
                return web.json_response({"object": "list", "data": [model]})
            case "/api/chat/completions":
                return web.json_response(_answer((await request.json())["messages"][-1]["content"]))
        return web.json_response({"detail": "Not Found"}, status=404)


def _answer(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
