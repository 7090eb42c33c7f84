"""The wires that clients speak, without I/O: a request's bytes to a checked question, pieces of text to events.

``question`` has the values, ``fields`` reads JSON, ``content`` reads messages; each other file is one wire.
"""
