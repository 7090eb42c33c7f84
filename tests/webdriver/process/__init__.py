"""Tests of the processes of a harvest."""
