"""The proof that a harvest leaves nothing behind: every engine, brought to every end, at every moment.

``make lifecycle`` runs all cells, ``tests/test_lifecycle.py`` some. ``matrix`` names them and what each has to say;
``run`` makes one true with real browsers: ``stands`` sets the engine up, ``gate`` holds a program before it starts,
``site`` holds a page; ``leftovers`` looks for what stayed in a cell's ``place``. ``harvester`` is the process that
harvests; signals are sent to the real command instead.
"""
