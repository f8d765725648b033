"""What the receiver counts, for Prometheus; in a registry of the app's own."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from prefect_kie.callbacks.receiver.refusals import Refusal

RANG, REPEATED = "rang", "repeated"


class Metrics:
    """The counters of one app. Their labels are all ours, so no request makes new ones.

    Args:
        remembered: How many rings are remembered.
        waiting: How many rings wait to be told to Prefect.
    """

    def __init__(self, remembered: Callable[[], float], waiting: Callable[[], float]) -> None:
        self._registry = CollectorRegistry()
        self._callbacks = Counter(
            "kie_callbacks",
            "Callbacks by what became of them: rang, repeated, or the reason of their refusal",
            ["outcome"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "kie_callback_answer_seconds",
            "From a request's head to its answer; most of it is the sender's own time to send the body",
            buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 1, 5),
            registry=self._registry,
        )
        for outcome in (RANG, REPEATED, *(refusal.label for refusal in Refusal)):
            self._callbacks.labels(outcome)
        for name, what, read in (
            ("kie_callbacks_remembered", "Rings remembered, so that none rings twice", remembered),
            ("kie_rings_waiting", "Rings that wait to be told to the Prefect server", waiting),
        ):
            Gauge(name, what, registry=self._registry).set_function(read)

    def count(self, outcome: str, seconds: float | None = None) -> None:
        """Count one request.

        Args:
            outcome: What became of it.
            seconds: How long it took.
        """
        self._callbacks.labels(outcome).inc()
        if seconds is not None:
            self._seconds.observe(seconds)

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return generate_latest(self._registry)
