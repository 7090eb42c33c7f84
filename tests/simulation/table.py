"""Figures as text."""

from tests.simulation.outcome import Figures
from tests.simulation.promises import Promise


def describe(figures: Figures, promises: list[Promise]) -> str:
    """Return the figures and promises of one simulation, as lines to print."""
    rows = [
        ("simulated", _describe_size(figures)),
        ("harvests", _describe_harvests(figures)),
        ("Grid nodes", _describe_nodes(figures)),
        ("Redis", _describe_redis(figures)),
        ("worst wait", f"{figures.worst_wait_s:.1f} s, of a caller"),
        ("failures", _list_counts(figures.failures) or "none"),
        ("renewals", _describe_renewals(figures)),
        *(("holds" if promise.holds else "BROKEN", promise.text) for promise in promises),
    ]
    return "\n".join([f"{figures.name}: {figures.what}", *(f"  {name:<11}{text}" for name, text in rows)])


def _describe_size(figures: Figures) -> str:
    hours = f"{figures.seconds / 3600:g} h"
    if figures.is_scaled:
        share = figures.simulated / figures.sessions
        return (
            f"{figures.simulated:,} sessions ({share:.2%} of the fleet), {hours}; figures are scaled to "
            f"{figures.sessions:,}, peaks by laying such samples over each other at random times"
        )
    if figures.simulated < figures.sessions:
        return f"{figures.simulated:,} sessions at that site, {hours}; figures are of that site, not scaled"
    return f"all {figures.simulated:,} sessions, {hours}"


def _describe_harvests(figures: Figures) -> str:
    return (
        f"{figures.harvests:,}: {figures.harvests_per_s:.3f}/s in the mean, at most {figures.peak_1s:,} in 1 s and "
        f"{figures.peak_60s:,} in 60 s ({figures.peak_60s / 60:.2f}/s)"
    )


def _describe_nodes(figures: Figures) -> str:
    return (
        f"{figures.nodes_by_law:.0f} by Little's law ({figures.harvest_s:.1f} s times {figures.peak_60s / 60:.2f}/s); "
        f"{figures.nodes_seen:,} harvests at once were seen"
    )


def _describe_redis(figures: Figures) -> str:
    kinds = ", ".join(f"{kind} {rate:.2f}" for kind, rate in figures.redis_per_s.items())
    peak = "" if figures.redis_peak_1s is None else f", at most {figures.redis_peak_1s:,} in 1 s"
    return f"{sum(figures.redis_per_s.values()):.2f} operations/s{peak}: {kinds}"


def _describe_renewals(figures: Figures) -> str:
    adopted = f"; {figures.adopted:,} sessions of other machines were taken instead" if figures.adopted else ""
    return (_list_counts(figures.renewals) or "none") + adopted


def _list_counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{kind} {count:,}" for kind, count in counts.items())
