"""A connection of our own to Chrome: the DevTools protocol over a pipe, without ChromeDriver and without a port.

``pipe`` moves messages, ``messages`` checks them, ``connection`` matches answers to calls, and ``driver`` is what a
harvest uses of it.
"""
