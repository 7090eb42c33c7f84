"""Many parts at once: fleets, proxies, soaks, and the programs in tests/bench and tests/lifecycle."""
