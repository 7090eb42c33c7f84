"""Chat: ``messages`` are what is asked, ``dialects`` how a site is asked, ``client`` asks and streams the answer."""
