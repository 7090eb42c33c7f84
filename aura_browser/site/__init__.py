"""A site: a web app and its particulars.

``site`` holds the values, ``openchat`` the app behind openchat.team, ``definition`` and ``sites_file`` what a person's
``sites.toml`` says, ``catalogue`` finds the site of a name or at a URL.
"""

from aura_browser.site.addresses import page_url
from aura_browser.site.catalogue import site_at, site_named
from aura_browser.site.condition import Condition
from aura_browser.site.openchat import OPENCHAT, openchat_site
from aura_browser.site.site import Probe, Refresh, Site, TransportName, page_site

__all__ = [
    "OPENCHAT",
    "Condition",
    "Probe",
    "Refresh",
    "Site",
    "TransportName",
    "openchat_site",
    "page_site",
    "page_url",
    "site_at",
    "site_named",
]
