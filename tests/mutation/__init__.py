"""Mutants: small faults put into a copy of the package, one at a time. The tests that run the line have to notice."""
