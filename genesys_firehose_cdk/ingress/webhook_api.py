"""The webhook's REST API."""

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration, Names, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_wafv2 as wafv2
from aws_cdk import aws_xray as xray
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import AWS_SOLUTIONS, HIPAA, NIST, PCI, acknowledge
from genesys_firehose_cdk.common.context import PERIOD, PipelineContext
from genesys_firehose_cdk.common.validation import check_arn
from genesys_firehose_cdk.ingress.front_door import LEAST_REQUESTS, SHARE_PERIOD
from genesys_firehose_cdk.ingress.rate_limit import RateLimit
from genesys_firehose_cdk.ingress.webhook import HEALTH_PATH, WebhookProps
from genesys_firehose_cdk.ingress.webhook_domain import WebhookDomainProps

STAGE_NAME = "v1"

# Above the function's timeout of 9 s, below the sender's of 10 s.
_INTEGRATION_TIMEOUT = Duration.millis(9_500)

# Short, because there is a line of each request. No source address, no header, no query string, no body: nothing that
# could be personal or secret.
_ACCESS_LOG_FIELDS = {
    "id": "$context.requestId",
    "method": "$context.httpMethod",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "function": "$context.integrationStatus",
    "ms": "$context.responseLatency",
}
# Before the rules of an owner who has one for everything; AWS's own is the last.
_SAMPLING_PRIORITY = 100


class WebhookApi(Construct):
    """A regional REST API with `POST /ingest/genesys-events` and `GET /health`.

    The function gets every body byte for byte, because the signature is over the bytes. With an own
    domain the API answers there alone, with TLS 1.2 at least.

    Attributes:
        api: The REST API.
        ingest_method: The method that takes events.
        domain: The own domain; None without.
        certificate: Its certificate; None without.
        access_log_group: One line per request, without personal data.
        execution_log_group: Errors of API Gateway itself.
        ingest_url: Where the sender posts to.
        health_url: The health check.
        execute_api_url: The URL of the stage; answers only without an own domain.
        rate_limit: The web ACL that limits what one address may ask; None without.
        web_acl_association: Puts the web ACL before the stage; None without.
        sampling_rule: How many requests AWS X-Ray traces.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        function: lambda_.IFunction,
        props: WebhookProps | None = None,
        web_acl_arn: str | None = None,
    ) -> None:
        """Create the API.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            function: Answers both methods.
            props: Default: WebhookProps().
            web_acl_arn: The web ACL of this app in front of the API. Default: the one of `props`.

        Raises:
            InvalidPropertyError: Certificate or web ACL are of another region or kind.
        """
        super().__init__(scope, id)
        props = props or WebhookProps()
        self.access_log_group = context.log_group(self, "AccessLogs")
        self.api = self._create_api(props)
        # The L2's own output names the execute-api URL, which is switched off behind an own domain.
        self.api.node.try_remove_child("Endpoint")
        # API Gateway would create this group itself, unencrypted and kept for ever.
        self.execution_log_group = context.log_group(
            self, "ExecutionLogs", name=f"API-Gateway-Execution-Logs_{self.api.rest_api_id}/{STAGE_NAME}"
        )
        self.api.deployment_stage.node.add_dependency(self.execution_log_group)
        self.sampling_rule = self._sample(props.traced_share)
        integration = apigateway.LambdaIntegration(function, timeout=_INTEGRATION_TIMEOUT, allow_test_invoke=False)
        self.ingest_method = self.api.root.resource_for_path(props.path).add_method("POST", integration)
        health = self.api.root.add_resource(HEALTH_PATH).add_method("GET", integration)
        self._answer_problems()
        self.domain: apigateway.DomainName | None = None
        self.certificate: acm.ICertificate | None = None
        stack = Stack.of(self)
        host = f"{self.api.rest_api_id}.execute-api.{stack.region}.{stack.url_suffix}"
        self.execute_api_url = base_url = f"https://{host}/{STAGE_NAME}/"
        if props.domain is not None:
            self._add_domain(props.domain)
            base_url = f"https://{props.domain.domain_name}/"
        self.ingest_url = f"{base_url}{props.path}"
        self.health_url = f"{base_url}{HEALTH_PATH}"
        self.rate_limit = None if props.rate_limit is None else RateLimit(self, "RateLimit", props=props.rate_limit)
        own = None if self.rate_limit is None else self.rate_limit.web_acl.attr_arn
        self.web_acl_association = self._associate_web_acl(web_acl_arn or props.web_acl_arn or own)
        self._acknowledge_methods(self.ingest_method, health)
        self._acknowledge_stage()

    def _create_api(self, props: WebhookProps) -> apigateway.RestApi:
        settings: dict[str, Any] = {
            "throttling_rate_limit": props.throttling_rate_limit,
            "throttling_burst_limit": props.throttling_burst_limit,
            # Errors of API Gateway itself; a data trace would write headers and bodies.
            "logging_level": apigateway.MethodLoggingLevel.ERROR,
            "data_trace_enabled": False,
        }
        return apigateway.RestApi(
            self,
            "Api",
            # Instead of the construct's id, which every pipeline of the account would share.
            rest_api_name=self.node.path.replace("/", "-"),
            description="Takes signed Genesys Cloud events",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=["*/*"],
            cloud_watch_role=props.cloud_watch_role,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
            if props.cloud_watch_role
            else None,
            disable_execute_api_endpoint=props.domain is not None,
            policy=None if props.allowed_cidrs is None else _allow_list(props.allowed_cidrs),
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE_NAME,
                tracing_enabled=True,
                **settings,
                # What API Gateway counts for nothing is of all methods together. Health checks are no events, so the
                # method that takes events has metrics of its own. It inherits nothing.
                method_options={
                    f"/{props.path}/POST": apigateway.MethodDeploymentOptions(metrics_enabled=True, **settings)
                },
                access_log_destination=apigateway.LogGroupLogDestination(self.access_log_group),
                access_log_format=apigateway.AccessLogFormat.custom(
                    json.dumps(_ACCESS_LOG_FIELDS, separators=(",", ":"))
                ),
            ),
        )

    def _sample(self, share: float) -> xray.CfnSamplingRule:
        """Trace a share of the requests; the rule's rate can be changed without a deployment."""
        return xray.CfnSamplingRule(
            self,
            "SamplingRule",
            sampling_rule=xray.CfnSamplingRule.SamplingRuleProperty(
                # AWS X-Ray API Reference, "SamplingRule": 32 characters, one of a name in an account and region.
                rule_name=Names.unique_resource_name(self, max_length=32, separator="-"),
                priority=_SAMPLING_PRIORITY,
                reservoir_size=0,
                fixed_rate=share,
                # A stage is known by its name, which may be longer than X-Ray takes, or by its ARN (Amazon API Gateway
                # Developer Guide, "Configure AWS X-Ray sampling rules for API Gateway APIs").
                resource_arn=self.api.deployment_stage.stage_arn,
                service_name="*",
                service_type="AWS::ApiGateway::Stage",
                host="*",
                http_method="*",
                url_path="*",
                version=1,
            ),
        )

    def metric_accepted(self) -> cloudwatch.MathExpression:
        """Posts that were answered with success: their events are in Firehose or in the queue."""
        method, stage = self.ingest_method, self.api.deployment_stage
        return cloudwatch.MathExpression(
            expression="posts - refused - failed",
            using_metrics={
                "posts": method.metric_count(stage, period=PERIOD),
                "refused": method.metric_client_error(stage, period=PERIOD),
                "failed": method.metric_server_error(stage, period=PERIOD),
            },
            period=PERIOD,
            label="Accepted by the webhook (requests)",
        )

    def metric_refused(self) -> cloudwatch.Metric:
        """Requests that were answered with 4xx."""
        return self.api.metric_client_error(period=PERIOD)

    def metric_refused_share(self) -> cloudwatch.MathExpression:
        """The share of posts that were answered with 4xx, 0 where there are fewer than LEAST_REQUESTS."""
        refused = self.ingest_method.metric_client_error(self.api.deployment_stage, period=SHARE_PERIOD)
        return cloudwatch.MathExpression(
            # The metric is 1 for a refused request and 0 for another: its average is the share (Amazon API Gateway
            # Developer Guide, "Amazon API Gateway dimensions and metrics").
            expression=f"IF(requests >= {LEAST_REQUESTS}, share, 0)",
            using_metrics={
                "share": refused.with_(statistic="Average"),
                "requests": refused.with_(statistic="SampleCount"),
            },
            period=SHARE_PERIOD,
            label="Share of refused requests",
        )

    def metric_failed(self, undecided: cloudwatch.Metric) -> cloudwatch.MathExpression:
        """Requests that were answered with 5xx, but for `undecided` ones."""
        return cloudwatch.MathExpression(
            expression="errors - FILL(undecided, 0)",
            using_metrics={"errors": self.api.metric_server_error(period=PERIOD), "undecided": undecided},
            period=PERIOD,
            label="Server errors",
        )

    def metric_latency(self) -> cloudwatch.Metric:
        """How long an answer to a post took, in milliseconds, of which 99 % were faster."""
        return self.ingest_method.metric_latency(self.api.deployment_stage, period=PERIOD).with_(statistic="p99")

    def metric_requests(self) -> cloudwatch.Metric:
        """All requests, for what they cost."""
        return self.api.metric_count(period=PERIOD).with_(statistic="Sum", label="API Gateway")

    def _associate_web_acl(self, web_acl_arn: str | None) -> wafv2.CfnWebACLAssociation | None:
        if web_acl_arn is None:
            return None
        check_arn("webhook.web_acl_arn", web_acl_arn, "wafv2", "regional/webacl/", "a regional web ACL", self)
        return wafv2.CfnWebACLAssociation(
            self, "WebAcl", resource_arn=self.api.deployment_stage.stage_arn, web_acl_arn=web_acl_arn
        )

    def _add_domain(self, domain: WebhookDomainProps) -> None:
        if domain.certificate is not None:
            arn = domain.certificate.certificate_arn
            check_arn("webhook.domain.certificate", arn, "acm", "certificate/", "an ACM certificate", self)
        self.certificate = domain.certificate or acm.Certificate(
            self,
            "Certificate",
            domain_name=domain.domain_name,
            validation=acm.CertificateValidation.from_dns(domain.hosted_zone),
        )
        self.domain = self.api.add_domain_name(
            "Domain",
            domain_name=domain.domain_name,
            certificate=self.certificate,
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
        )
        if domain.hosted_zone is not None:
            route53.ARecord(
                self,
                "AliasRecord",
                zone=domain.hosted_zone,
                # With the final dot the CDK takes the name as it is and appends no zone.
                record_name=f"{domain.domain_name}.",
                target=route53.RecordTarget.from_alias(targets.ApiGatewayDomain(self.domain)),
            )

    def _answer_problems(self) -> None:
        """Make API Gateway's own refusals short problem documents that repeat nothing of the request."""
        for name, response_type, title in (
            ("TooLarge", apigateway.ResponseType.REQUEST_TOO_LARGE, "Content Too Large"),
            ("ClientError", apigateway.ResponseType.DEFAULT_4_XX, "Request refused"),
            ("ServerError", apigateway.ResponseType.DEFAULT_5_XX, "Service unavailable"),
        ):
            self.api.add_gateway_response(
                name,
                type=response_type,
                response_headers={"Content-Type": "'application/problem+json'"},
                templates={"application/json": json.dumps({"type": "about:blank", "title": title})},
            )

    def _acknowledge_methods(self, ingest: apigateway.Method, health: apigateway.Method) -> None:
        for rule in ("APIG4", "COG4"):
            acknowledge(
                ingest,
                rule,
                AWS_SOLUTIONS,
                reason="The sender has no AWS or Cognito identity; it signs each request, and the function "
                "verifies the HMAC over the whole body before it does anything else.",
            )
            acknowledge(
                health,
                rule,
                AWS_SOLUTIONS,
                reason="A health check answers before anyone has credentials; it tells up or down and a "
                "reason code, and takes no input.",
            )
        acknowledge(
            self.api,
            "APIG2",
            AWS_SOLUTIONS,
            reason="The signature covers the body's bytes, so API Gateway must not interpret them; the "
            "function checks signature, size and shape.",
        )

    def _acknowledge_stage(self) -> None:
        stage = self.api.deployment_stage
        acknowledge(
            stage,
            "APIGWCacheEnabledAndEncrypted",
            HIPAA,
            NIST,
            PCI,
            reason="There is nothing to cache: events are posted, and a cached health check tells nothing.",
        )
        acknowledge(
            stage,
            "APIGWSSLEnabled",
            HIPAA,
            NIST,
            PCI,
            reason="A client certificate proves API Gateway to an HTTP backend; here IAM lets API Gateway "
            "alone invoke the function.",
        )
        if (role := self.api.node.try_find_child("CloudWatchRole")) is not None:
            policy = "arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
            acknowledge(
                role,
                f"IAM4[Policy::{policy}]",
                AWS_SOLUTIONS,
                reason="API Gateway's role for account and region; AWS made this policy for exactly it, and other "
                "APIs of the account log with it as well.",
            )
        if self.web_acl_association is None:
            no_web_acl = (
                "A web ACL is the owner's, often of the whole account: give it as web_acl_arn. Without one, "
                "throttling, an optional allow-list of networks and the signature stand before the function."
            )
            acknowledge(stage, "APIG3", AWS_SOLUTIONS, reason=no_web_acl)
            acknowledge(stage, "APIGWAssociatedWithWAF", NIST, PCI, reason=no_web_acl)


def _allow_list(cidrs: Sequence[str]) -> iam.PolicyDocument:
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=["execute-api:Invoke"],
                resources=["execute-api:/*"],
                conditions={"IpAddress": {"aws:SourceIp": list(cidrs)}},
            )
        ]
    )
