"""What every front door of the webhook has, whatever it is made of."""

from typing import Protocol

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch

LEAST_REQUESTS = 10
"""Refused requests are a share of at least so many, within SHARE_PERIOD."""
SHARE_PERIOD = Duration.minutes(15)


class FrontDoor(Protocol):
    """Where the sender posts to, with what AWS itself counts there.

    All metrics are those that AWS writes of the door. Each is of requests.

    Attributes:
        ingest_url: Where the sender posts to.
        health_url: The health check.
    """

    ingest_url: str
    health_url: str

    @property
    def certificate(self) -> acm.ICertificate | None:
        """The certificate of the own domain; None without."""
        ...

    def metric_accepted(self) -> cloudwatch.MathExpression:
        """Posts that were answered with success: their events are in Firehose or in the queue."""
        ...

    def metric_refused(self) -> cloudwatch.Metric | cloudwatch.MathExpression:
        """Requests that were answered with 4xx."""
        ...

    def metric_refused_share(self) -> cloudwatch.MathExpression:
        """The share of posts that were answered with 4xx, 0 where there are fewer than LEAST_REQUESTS."""
        ...

    def metric_failed(self, undecided: cloudwatch.Metric) -> cloudwatch.MathExpression:
        """Requests that were answered with 5xx, but for `undecided` ones."""
        ...

    def metric_latency(self) -> cloudwatch.Metric:
        """How long an answer to a post took, in milliseconds, of which 99 % were faster."""
        ...

    def metric_requests(self) -> cloudwatch.Metric:
        """All requests, for what they cost."""
        ...
