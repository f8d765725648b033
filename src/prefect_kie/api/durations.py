"""How long a model's jobs usually take: learned from those that have ended, robustly and from few."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

UNKNOWN_SPREAD = 0.7
"""How much jobs may differ from a guess: most take from half of it to twice."""
USUAL_SPREAD = 0.3
"""How much jobs of one model differ from each other as far as nobody knows; counts as one job."""
PRIOR_JOBS = 0.3
"""So many jobs the guess counts for."""


@dataclass(frozen=True)
class Duration:
    """A log-normal distribution of durations.

    Attributes:
        seconds: Its median.
        spread: The standard deviation of the logarithms.
    """

    seconds: float
    spread: float


def learned(seconds: Sequence[float], guess: float) -> Duration:
    """How long the next job takes, by those that have ended.

    Args:
        seconds: How long they took; medians are used, so that a few odd ones do not matter.
        guess: What is expected where nothing is known, seconds.
    """
    logs = [math.log(one) for one in seconds if one > 0]
    if not logs:
        return Duration(guess, UNKNOWN_SPREAD)
    count, middle = len(logs), median(logs)
    deviation = 1.4826 * median(abs(one - middle) for one in logs)  # of a normal distribution
    variance = (count * deviation**2 + USUAL_SPREAD**2) / (count + 1)
    variance *= 1 + math.pi / 2 / count  # nor is the median exactly known
    center = (count * middle + PRIOR_JOBS * math.log(guess)) / (count + PRIOR_JOBS)
    return Duration(math.exp(center), min(2.0, max(0.05, math.sqrt(variance))))
