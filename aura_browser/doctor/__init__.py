"""Tells whether the main job can run on this machine, and which command mends what is in its way."""

from aura_browser.doctor.examination import examine
from aura_browser.doctor.finding import Finding, Verdict

__all__ = ["Finding", "Verdict", "examine"]
