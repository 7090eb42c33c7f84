"""Cookies as Chrome keeps them: a generated table, run against a real Chrome and against this package.

``make cookies-vs-chrome`` runs it. A recorded copy of Chrome's side is in ``record.json``, for the fast tests.
"""
