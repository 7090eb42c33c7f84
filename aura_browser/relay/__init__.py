"""A reverse proxy on this machine that is a site with its session, for programs that can't be given cookies.

``guard`` decides who may ask, ``headers`` what passes in both directions, ``bodies`` how a request's body is read,
``sockets`` how WebSockets are passed on, and ``server`` listens.
"""

from aura_browser.relay.server import Relay

__all__ = ["Relay"]
