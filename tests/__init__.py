"""The tests of aura_browser, one file for each module."""
