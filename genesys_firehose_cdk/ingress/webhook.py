"""What a user says of the webhook."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_cidr, check_range
from genesys_firehose_cdk.ingress.load_balancer import MOST_RULES, LoadBalancerProps
from genesys_firehose_cdk.ingress.rate_limit import RateLimitProps
from genesys_firehose_cdk.ingress.signature import SignatureProps
from genesys_firehose_cdk.ingress.webhook_domain import WebhookDomainProps

DEFAULT_PATH = "ingest/genesys-events"
HEALTH_PATH = "health"
# API Gateway hands the body over in base64, and Lambda takes a request of 6 MB at most (AWS Lambda
# Developer Guide, "Lambda quotas"): 4 MiB become 5.6 MB.
MAX_BODY_BYTES = 4 * 1024 * 1024
# Elastic Load Balancing User Guide for Application Load Balancers, "Use Lambda functions as targets of an Application
# Load Balancer".
MAX_BODY_BYTES_BEHIND_LOAD_BALANCER = 1024 * 1024

_PATH = re.compile(r"[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True, kw_only=True)
class WebhookProps(Props, at="webhook"):
    """The public endpoint that takes signed events over HTTPS.

    Attributes:
        signature: How requests are signed, and with which key. Default: `X-Genesys-Signature`, hexadecimal, a
            generated key; for Open Messaging `SignatureProps.open_messaging()`.
        path: The path that events are posted to; not `health` nor below it. Default: ingest/genesys-events.
        front_door: A load balancer, for many events. What is of the REST API alone says so below. Default: none, a
            REST API.
        domain: An own domain. Needed with a load balancer. Default: the REST API's execute-api domain.
        allowed_cidrs: The networks that may call, 1 to 100, and 1 to 60 of IPv4 with a load balancer. Default: all.
        throttling_rate_limit: Requests per second, over all callers; 1 to 10,000 (Amazon API Gateway Developer Guide,
            "Amazon API Gateway quotas"). Excess requests get HTTP 429. Of the REST API. Default: 500.
        throttling_burst_limit: Requests at once; 1 to 5,000 (the same). Of the REST API. Default: 1,000.
        rate_limit: How often one address may call, in a web ACL of its own; not with `allowed_cidrs`, which lets nobody
            else call, nor with another web ACL. Default: none.
        web_acl_arn: The ARN of the regional AWS WAF web ACL in front of the API. Default: none.
        cloud_watch_role: Set the role with which API Gateway writes logs, once for account and region. Where nobody
            ever set one, a stage with logs can't be deployed ("CloudWatch Logs role ARN must be set in account
            settings to enable logging"; Amazon API Gateway Developer Guide, "Set up CloudWatch logging for REST APIs").
            It takes the place of a role that another stack set, and both the setting and the role stay when the stack
            goes. False leaves the account alone. Of the REST API. Default: True.
        traced_share: The share of requests that AWS X-Ray traces, 0 to 1. It is the rate of a sampling rule, which can
            be raised for a while without a deployment. Of the REST API. Default: 0.002.
        max_body_bytes: A longer body gets HTTP 413; 1,024 to 4,194,304 bytes, and to 1,048,576 with a load balancer
            (Elastic Load Balancing User Guide for Application Load Balancers, "Use Lambda functions as targets of an
            Application Load Balancer"). Default: as many as are allowed.

    Raises:
        InvalidPropertyError: A value that cannot work; the message says why.
    """

    signature: SignatureProps = SignatureProps()
    path: str = DEFAULT_PATH
    front_door: LoadBalancerProps | None = None
    domain: WebhookDomainProps | None = None
    allowed_cidrs: Sequence[str] | None = None
    throttling_rate_limit: int = 500
    throttling_burst_limit: int = 1000
    rate_limit: RateLimitProps | None = None
    web_acl_arn: str | None = None
    cloud_watch_role: bool = True
    traced_share: float = 0.002
    max_body_bytes: int | None = None

    def validate(self) -> None:
        """Check path, networks and limits."""
        path = self.path.strip("/")
        if not _PATH.fullmatch(path) or path.split("/")[0] == HEALTH_PATH:
            raise InvalidPropertyError(
                self.name_of("path"),
                f"is {self.path!r}",
                f"letters, digits and ._~- between slashes are allowed, not beginning with {HEALTH_PATH}",
            )
        object.__setattr__(self, "path", path)
        for field, high, unit in (
            ("throttling_rate_limit", 10_000, "requests/s"),
            ("throttling_burst_limit", 5_000, "requests"),
        ):
            check_range(self.name_of(field), getattr(self, field), 1, high, unit, "API Gateway's quota")
        check_range(self.name_of("traced_share"), self.traced_share, 0, 1, "of the requests", "a share")
        if self.front_door is not None:
            self._check_front_door(self.front_door)
        if self.max_body_bytes is not None:
            most, reason = _most_body_bytes(self.front_door)
            check_range(self.name_of("max_body_bytes"), self.max_body_bytes, 1024, most, "bytes", reason)
        if self.rate_limit is not None:
            fields = ["allowed_cidrs", "web_acl_arn"]
            self.refuse_given(fields, "is given with webhook.rate_limit", "one of the two is allowed")
        if self.allowed_cidrs is not None:
            name = self.name_of("allowed_cidrs")
            reason = "to fit the API's resource policy of 8,192 bytes"
            check_range(name, len(self.allowed_cidrs), 1, 100, "networks", reason)
            for cidr in self.allowed_cidrs:
                check_cidr(name, cidr)

    @property
    def body_limit(self) -> int:
        """How long a body may be, in bytes."""
        return self.max_body_bytes or _most_body_bytes(self.front_door)[0]

    def _check_front_door(self, front_door: LoadBalancerProps) -> None:
        """Refuse what a load balancer does not have, or has in another way."""
        of_the_api = ["throttling_rate_limit", "throttling_burst_limit", "cloud_watch_role", "traced_share"]
        problem = "is given with webhook.front_door"
        self.refuse_given(of_the_api, problem, "it is allowed with the REST API alone, which has no front_door")
        if self.domain is None:
            raise InvalidPropertyError(
                self.name_of("domain"),
                "is None with webhook.front_door",
                "a domain with a certificate or a hosted zone is needed, because a load balancer answers HTTPS alone",
            )
        if front_door.prefix_list is not None:
            problem = "is given with webhook.front_door.prefix_list"
            self.refuse_given(["allowed_cidrs", "rate_limit"], problem, "one of the two is allowed")
        if self.allowed_cidrs is None:
            return
        name = self.name_of("allowed_cidrs")
        reason = "the inbound rules of a security group"
        check_range(name, len(self.allowed_cidrs), 1, MOST_RULES, "networks", reason)
        for cidr in self.allowed_cidrs:
            if ":" in cidr:
                allowed = "IPv4 networks are allowed, because the load balancer has no other address"
                raise InvalidPropertyError(name, f"holds {cidr!r} with webhook.front_door", allowed)


def _most_body_bytes(front_door: LoadBalancerProps | None) -> tuple[int, str]:
    """Return how long a body can be at most, and who says so."""
    if front_door is None:
        return MAX_BODY_BYTES, "to fit a Lambda request"
    return MAX_BODY_BYTES_BEHIND_LOAD_BALANCER, "what a load balancer hands over to a function"
