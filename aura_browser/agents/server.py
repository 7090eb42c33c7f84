"""The tools as a server of the Model Context Protocol, over standard input and output."""

import asyncio
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from aura_browser.agents.tools import REQUIRED, SCHEMAS, SiteTools
from aura_browser.errors import InvalidInput
from aura_browser.extras import install_command

if TYPE_CHECKING:
    from mcp.types import CallToolRequestParams, CallToolResult, ListToolsResult, Tool

NAME: Final = "aura-browser"


def check_extra() -> None:
    """Check that the library is installed.

    Raises:
        InvalidInput: with the command that installs it.
    """
    try:
        import_module("mcp.server.lowlevel")
    except ImportError:
        raise InvalidInput("mcp", f"needs a library that is not installed. Run: {install_command('mcp')}") from None


async def serve(tools: SiteTools) -> None:
    """Serve *tools* until standard input ends. Standard output belongs to the protocol alone.

    Args:
        tools: what is served; they are closed at the end.
    """
    from mcp.server.lowlevel import Server
    from mcp.server.stdio import stdio_server
    from mcp.types import CallToolResult, ListToolsResult, TextContent

    async def list_tools(_context: Any, _params: Any) -> "ListToolsResult":  # noqa: ANN401 - the library's own
        return ListToolsResult(tools=[_build_tool(name) for name in SCHEMAS])

    async def call_tool(_context: Any, params: "CallToolRequestParams") -> "CallToolResult":  # noqa: ANN401 - as above
        answer = await tools.call(params.name, params.arguments or {})
        return CallToolResult(content=[TextContent(type="text", text=answer.text)], is_error=answer.is_error)

    own = await asyncio.to_thread(version, "aura-browser-session")
    server: Server[Any] = Server(NAME, version=own, on_list_tools=list_tools, on_call_tool=call_tool)
    try:
        async with stdio_server() as (reader, writer):
            await server.run(reader, writer, server.create_initialization_options())
    finally:
        await tools.aclose()


def _build_tool(name: str) -> "Tool":
    from mcp.types import Tool, ToolAnnotations

    description, properties = SCHEMAS[name]
    schema = {
        "type": "object",
        "properties": dict(properties),
        "required": list(REQUIRED[name]),
        "additionalProperties": False,
    }
    annotations = ToolAnnotations(read_only_hint=name != "request", open_world_hint=name == "request")
    return Tool(name=name, description=description, input_schema=schema, annotations=annotations)
