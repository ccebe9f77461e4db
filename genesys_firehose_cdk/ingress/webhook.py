"""What a user says of the webhook."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_cidr, check_range
from genesys_firehose_cdk.ingress.rate_limit import RateLimitProps
from genesys_firehose_cdk.ingress.signature import SignatureProps
from genesys_firehose_cdk.ingress.webhook_domain import WebhookDomainProps

DEFAULT_PATH = "ingest/genesys-events"
HEALTH_PATH = "health"
# API Gateway hands the body over in base64, and Lambda takes a request of 6 MB at most (AWS Lambda
# Developer Guide, "Lambda quotas"): 4 MiB become 5.6 MB.
MAX_BODY_BYTES = 4 * 1024 * 1024

_PATH = re.compile(r"[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True, kw_only=True)
class WebhookProps(Props, at="webhook"):
    """The public endpoint that takes signed events over HTTPS.

    Attributes:
        signature: How requests are signed, and with which key. Default: `X-Genesys-Signature`, hexadecimal, a
            generated key; for Open Messaging `SignatureProps.open_messaging()`.
        path: The path that events are posted to; not `health` nor below it. Default: ingest/genesys-events.
        domain: An own domain. Default: the API's execute-api domain.
        allowed_cidrs: The networks that may call the API, 1 to 100. Default: all.
        throttling_rate_limit: Requests per second, over all callers; 1 to 10,000 (Amazon API Gateway Developer Guide,
            "Amazon API Gateway quotas"). Excess requests get HTTP 429. Default: 500.
        throttling_burst_limit: Requests at once; 1 to 5,000 (the same). Default: 1,000.
        rate_limit: How often one address may call, in a web ACL of its own; not with `allowed_cidrs`, which lets nobody
            else call, nor with another web ACL. Default: none.
        web_acl_arn: The ARN of the regional AWS WAF web ACL in front of the API. Default: none.
        cloud_watch_role: Set the role with which API Gateway writes logs, once for account and region. Where nobody
            ever set one, a stage with logs can't be deployed ("CloudWatch Logs role ARN must be set in account
            settings to enable logging"; Amazon API Gateway Developer Guide, "Set up CloudWatch logging for REST APIs").
            It takes the place of a role that another stack set, and both the setting and the role stay when the stack
            goes. False leaves the account alone. Default: True.
        traced_share: The share of requests that AWS X-Ray traces, 0 to 1. It is the rate of a sampling rule, which can
            be raised for a while without a deployment. Default: 0.01.
        max_body_bytes: A longer body gets HTTP 413; 1,024 to 4,194,304 bytes. Default: 4,194,304.

    Raises:
        InvalidPropertyError: A value that cannot work; the message says why.
    """

    signature: SignatureProps = SignatureProps()
    path: str = DEFAULT_PATH
    domain: WebhookDomainProps | None = None
    allowed_cidrs: Sequence[str] | None = None
    throttling_rate_limit: int = 500
    throttling_burst_limit: int = 1000
    rate_limit: RateLimitProps | None = None
    web_acl_arn: str | None = None
    cloud_watch_role: bool = True
    traced_share: float = 0.01
    max_body_bytes: int = MAX_BODY_BYTES

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
        name = self.name_of("max_body_bytes")
        check_range(name, self.max_body_bytes, 1024, MAX_BODY_BYTES, "bytes", "to fit a Lambda request")
        if self.rate_limit is not None:
            fields = ["allowed_cidrs", "web_acl_arn"]
            self.refuse_given(fields, "is given with webhook.rate_limit", "one of the two is allowed")
        if self.allowed_cidrs is not None:
            name = self.name_of("allowed_cidrs")
            reason = "to fit the API's resource policy of 8,192 bytes"
            check_range(name, len(self.allowed_cidrs), 1, 100, "networks", reason)
            for cidr in self.allowed_cidrs:
                check_cidr(name, cidr)
