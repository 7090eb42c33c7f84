"""Tests of the connection to Chrome."""
