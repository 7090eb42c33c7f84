"""Keep one session alive. Harvest and proof are passed in; nothing here depends on a browser or HTTP.

``manager`` decides when to renew (``lifetime`` computes when that is due), ``single_flight`` renews once for all
callers, ``renewal`` does it within a ``budget``, ``live_session`` holds the session in use and saves its changes.
"""
