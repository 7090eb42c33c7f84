"""Checks whether the main job can run on this machine, and names the command that fixes each problem."""

from aura_browser.doctor.examination import examine
from aura_browser.doctor.finding import Finding, Verdict

__all__ = ["Finding", "Verdict", "examine"]
