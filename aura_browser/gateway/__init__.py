"""The gateway: a local server that speaks OpenAI's and Anthropic's wires in front of a chat site.

``wires`` reads requests and writes answers without I/O; ``core`` asks the site, within ``limits``; ``trouble`` says
what a client gets when that fails; ``guard`` refuses who must not ask. ``handling`` finds what is asked for,
``answering`` answers it, ``carrying`` passes on requests to a site that speaks OpenAI's wire itself, ``watching`` ends
what takes too long; ``sending`` writes, and ``server`` listens.
"""
