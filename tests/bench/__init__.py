"""Benchmarks: what the package costs beside the least that could do the same.

``make bench``, or ``make bench ONLY="startup streaming"``. Every figure is the median of paired runs that take turns
(ours, theirs, theirs, ours, …), so that a machine that slows down slows both; what counts is the ratio of each pair.
Nothing here fails because of a time: figures are shown beside their goals.

A way through the folder: ``measure`` pairs and takes medians, ``results`` holds what a benchmark gives, ``table``
prints it, ``processes`` and ``reaper`` tell what a tree of processes cost, ``server`` is the cheap site that answers.
Each benchmark is one file with a ``run``; what ends in ``_client`` is its part that runs in a process of its own.
``peers`` is a program beside these: the same harvest by other tools (``make bench-peers``).
"""
