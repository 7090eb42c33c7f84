"""A site: a web app, and all that is particular to it.

``site`` holds the values, ``openchat`` the app behind openchat.team, ``catalogue`` says which site is at an address.
"""

from aura_browser.site.addresses import page_url
from aura_browser.site.catalogue import site_at
from aura_browser.site.condition import Condition
from aura_browser.site.openchat import OPENCHAT, openchat_site
from aura_browser.site.site import Probe, Site, page_site

__all__ = ["OPENCHAT", "Condition", "Probe", "Site", "openchat_site", "page_site", "page_url", "site_at"]
