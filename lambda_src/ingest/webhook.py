"""The webhook: a request of the front door in, an answer out. Neither answer nor log repeats anything of a request."""

import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from ingest.deadline import KEYS_READ_SECONDS, QUEUE_RESERVE_SECONDS, Deadline
from ingest.intake import FITTING_EVENT_BYTES, Intake
from ingest.queues import fits_as_message
from ingest.settings import IngestSettings
from ingest.signature import signer
from ingest.signing_keys import KeysUnavailableError, SigningKeys
from ingest.source_network import source_network
from shared.json_text import InvalidJsonError, TooManyEventsError, split_events
from shared.telemetry import Metrics, log, log_exception


class Refusal(Exception):  # noqa: N818 - an answer, not an error of ours
    """A request that is answered with a problem (RFC 9457), and the metric that counts it."""

    def __init__(self, status: HTTPStatus, detail: str, metric: str = "RequestsRejected") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.metric = metric


def _unavailable(detail: str) -> Refusal:
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, "RequestsUnavailable")


class Webhook:
    """Verifies, splits and takes in what a sender posts.

    Args:
        settings: the function's settings.
        keys: the keys a signature may be made with.
        intake: takes the events in.
        now: the time, UTC; for the timestamp header.

    Attributes:
        requests_forged: how many requests had a missing or wrong signature since the environment started.
    """

    def __init__(
        self,
        settings: IngestSettings,
        keys: SigningKeys,
        intake: Intake,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._signature_headers = {settings.signature.header.lower(), settings.signature.timestamp_header.lower()}
        self._keys = keys
        self._intake = intake
        self._now = now
        self.requests_forged = 0

    def answer(self, request: dict[str, Any], deadline: Deadline, metrics: Metrics) -> dict[str, Any]:
        """Answer a POST: 200 when all its events are durable, else a problem."""
        try:
            body = self._body(request)
            self._check_signature(request, body, deadline, metrics)
            try:
                events: Iterable[tuple[dict[str, Any], bytes]] = split_events(body, self._settings.max_events)
                if not fits_as_message(body, FITTING_EVENT_BYTES):
                    # One may be oversize: its original must not be stored when a later one can't be read.
                    events = list(events)
                receipt = self._intake.take(events, deadline, metrics)
            except InvalidJsonError as error:
                raise Refusal(HTTPStatus.BAD_REQUEST, f"The request can't be read: {error}.") from None
            except TooManyEventsError:
                detail = f"The request holds more than {self._settings.max_events:,} events."
                raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail) from None
            except RecursionError:
                raise Refusal(HTTPStatus.BAD_REQUEST, "The request can't be read: nested too deeply.") from None
            if receipt.refused:
                raise _unavailable("Not all events could be stored; send them again.")
        except Refusal as refusal:
            metrics.count(refusal.metric)
            forged = refusal.status is HTTPStatus.UNAUTHORIZED
            source = {"network": source_network(request)} if forged else {}
            log("WARN", "request refused", status=int(refusal.status), reason=refusal.detail, **source)
            return problem(refusal.status, refusal.detail)
        return _answer(HTTPStatus.OK, f'{{"accepted":{receipt.accepted},"duplicates":{receipt.duplicates}}}')

    def _body(self, request: dict[str, Any]) -> bytes:
        text = request.get("body") or ""
        most = self._settings.max_body_bytes
        if request.get("isBase64Encoded"):
            if len(text) > (most + 2) // 3 * 4:
                raise _too_large(most)
            try:
                body = binascii.a2b_base64(text, strict_mode=True)
            except (ValueError, binascii.Error):
                raise Refusal(HTTPStatus.BAD_REQUEST, "The body can't be read.") from None
        else:
            if len(text) > most:
                raise _too_large(most)
            # API Gateway passes no surrogates. If it did, the signature would fail, not the function.
            body = text.encode("utf-8", "surrogatepass")
        if len(body) > most:
            raise _too_large(most)
        return body

    def _check_signature(self, request: dict[str, Any], body: bytes, deadline: Deadline, metrics: Metrics) -> None:
        scheme = self._settings.signature
        headers: dict[str, list[str]] = {}
        for name, values in (request.get("multiValueHeaders") or {}).items():
            if (lower_name := name.lower()) in self._signature_headers:
                headers.setdefault(lower_name, []).extend(values)
        try:
            keys: Sequence[bytes] = self._keys.get()
            signed_by = signer(scheme, headers, body, keys, self._now())
            if signed_by is None:
                keys = self._fresh_keys(deadline)
                signed_by = signer(scheme, headers, body, keys, self._now())
                if signed_by is None:
                    if self._keys.are_settling:
                        detail = "The signing key has just changed; send again."
                        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, "RequestsUndecided")
                    self.requests_forged += 1
                    metrics.count("RequestsForged")
                    raise Refusal(HTTPStatus.UNAUTHORIZED, "The signature is missing or wrong.")
        except KeysUnavailableError as error:
            log_exception("the signing secret can't be read", error.__cause__ or error)
            raise _unavailable("Signatures can't be verified now; send again.") from None
        if len(keys) > 1:  # which is not normal: a rotation ends by what is counted here
            metrics.count("RequestsSignedWithOldKey" if signed_by else "RequestsSignedWithNewKey")

    def _fresh_keys(self, deadline: Deadline) -> Sequence[bytes]:
        """Read the keys again; none when they are fresh enough to say that none of them signed.

        Raises:
            KeysUnavailableError: they can't be read, or not in time: the last read took too long for another one.
        """
        if not deadline.leaves(KEYS_READ_SECONDS + QUEUE_RESERVE_SECONDS):
            raise KeysUnavailableError
        return self._keys.get_again() or ()


def _too_large(most_bytes: int) -> Refusal:
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is over {most_bytes} bytes.")


def problem(status: HTTPStatus, detail: str) -> dict[str, Any]:
    """Make a problem answer (RFC 9457)."""
    content = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    return _answer(status, json.dumps(content), "application/problem+json")


def _answer(status: HTTPStatus, body: str, content_type: str = "application/json") -> dict[str, Any]:
    return {
        "statusCode": int(status),
        "headers": {"Content-Type": content_type, "Cache-Control": "no-store"},
        "body": body,
        "isBase64Encoded": False,
    }


def health_answer(reason: str | None) -> dict[str, Any]:
    """Answer a health check: 200, or 503 with the reason's code."""
    if reason is None:
        return _answer(HTTPStatus.OK, json.dumps({"status": "ok"}))
    content = {"status": "unavailable", "reason": reason}
    return _answer(HTTPStatus.SERVICE_UNAVAILABLE, json.dumps(content))
