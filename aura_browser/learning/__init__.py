"""Learns a site from one login: ``proposal`` puts together what ``tokens`` and ``probes`` find out.

Nothing but GET and HEAD is sent, to the site's own origins, and nothing that its page did not ask for itself.
"""
