"""Sessions in other programs: ``exec`` runs one with a session, ``open`` puts a session back into a browser."""
