"""A connection of our own to Chrome: the DevTools protocol over a pipe, without ChromeDriver and without a port.

``pipe`` moves messages, ``messages`` checks them, ``connection`` matches answers to calls, ``tabs`` knows the tabs that
are attached to, and ``driver`` is what a harvest uses of it. ``holder`` is a process of its own, which holds the
WebSocket to a Chrome that runs already.
"""
