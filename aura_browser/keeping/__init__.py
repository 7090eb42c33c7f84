"""Keeps one session alive. How to harvest and prove one is handed in; nothing here knows a browser or HTTP.

``manager`` decides when to renew (``lifetime`` says how long a session lasts), ``single_flight`` has it done once for
all who wait, ``renewal`` does it within a ``budget``, ``live_session`` holds what is in use and writes it down.
"""
