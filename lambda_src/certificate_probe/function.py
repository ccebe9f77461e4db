"""The function put together: one look at the webhook's public name, each answer a metric.

``ProbeHealthy`` is there after each run. The others are there where the handshake came far enough to show them.
"""

import http.client
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from certificate_probe.handshake import SECURE, Handshake, shake_hands
from certificate_probe.settings import ProbeSettings
from shared.telemetry import Metrics, log

_ANSWER_WITHIN_SECONDS = 10.0


class Probe:
    """Looks at the webhook as a sender does.

    Args:
        settings: what the construct told the function.
        make_context: makes the TLS settings, with whom to trust.
    """

    def __init__(
        self, settings: ProbeSettings, make_context: Callable[[], ssl.SSLContext] = ssl.create_default_context
    ) -> None:
        self._settings = settings
        self._make_context = make_context

    def look(self) -> None:
        """Connect, ask for the health, and write what was seen."""
        metrics = Metrics()
        seen = shake_hands(self._settings.host, self._settings.port, datetime.now(UTC), self._make_context())
        problem = seen.problem or self._problem_of_health()
        if problem is not None:
            log("ERROR", "the webhook can't be used from outside", problem=problem)
        metrics.count("ProbeHealthy", int(problem is None))
        _count_certificate(seen, metrics)
        metrics.flush()

    def _problem_of_health(self) -> str | None:
        if not self._settings.health_path:
            return None
        connection = http.client.HTTPSConnection(
            self._settings.host, self._settings.port, timeout=_ANSWER_WITHIN_SECONDS, context=self._make_context()
        )
        try:
            connection.request("GET", self._settings.health_path)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"the health check gave no answer ({type(error).__name__})"
        finally:
            connection.close()
        return None if status == HTTPStatus.OK else f"the health check answered {status}"


def _count_certificate(seen: Handshake, metrics: Metrics) -> None:
    if seen.is_trusted is not None:
        metrics.count("ProbeChainTrusted", int(seen.is_trusted))
    if seen.is_named is not None:
        metrics.count("ProbeNameRight", int(seen.is_named))
    if seen.protocol:
        metrics.count("ProbeProtocolSecure", int(seen.protocol in SECURE))
    if seen.days_left is not None:
        metrics.count("ProbeDaysLeft", seen.days_left)
