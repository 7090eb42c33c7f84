"""The same cold harvest by other tools, and the same answers by their gateways: ``make bench-peers``.

Each gets a virtual environment of its own in a temporary folder, so nothing of theirs comes near the project's. One
that can't be installed or run is a row that says why. ``scripts`` and ``gateway_scripts`` run inside those
environments.
"""
