"""The webhook's Application Load Balancer."""

import json
from collections.abc import Iterator, Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from genesys_firehose_cdk.common.access_logs import access_log_bucket
from genesys_firehose_cdk.common.acknowledgements import AWS_SOLUTIONS, HIPAA, NIST, PCI, acknowledge
from genesys_firehose_cdk.common.context import PERIOD, PipelineContext
from genesys_firehose_cdk.common.validation import check_arn
from genesys_firehose_cdk.ingress.front_door import LEAST_REQUESTS, SHARE_PERIOD
from genesys_firehose_cdk.ingress.load_balancer import LoadBalancerProps, public_subnets
from genesys_firehose_cdk.ingress.public_network import PublicNetwork
from genesys_firehose_cdk.ingress.rate_limit import RateLimit
from genesys_firehose_cdk.ingress.webhook import HEALTH_PATH, WebhookProps
from genesys_firehose_cdk.ingress.webhook_domain import WebhookDomainProps

_HTTPS = 443
# TLS 1.2 and 1.3 with key exchange that a quantum computer does not break (Elastic Load Balancing User Guide for
# Application Load Balancers, "Security policies"). Without a policy a listener takes TLS 1.0.
_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
_LOG_PREFIX = "load-balancer"
_LOG_DAYS = 365


class WebhookLoadBalancer(Construct):
    """A public Application Load Balancer with `POST /ingest/genesys-events` and `GET /health` at one host.

    Everything else is answered 404 and reaches no function. A body of over 1 MiB is answered 413 by the load balancer
    itself. It hands over JSON as text and everything else in base64, so the function verifies the very bytes.

    Attributes:
        vpc: The VPC that it stands in.
        load_balancer: The load balancer.
        listener: Takes HTTPS alone.
        security_group: Who may call.
        events_target_group: Where posts go.
        health_target_group: Where health checks go.
        access_log_bucket: A line per request, the caller's address among it; kept for a year.
        certificate: The certificate of the domain.
        ingest_url: Where the sender posts to.
        health_url: The health check.
        rate_limit: The web ACL that limits what one address may ask; None without.
        web_acl_association: Puts the web ACL before the load balancer; None without.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        function: lambda_.IFunction,
        front_door: LoadBalancerProps,
        domain: WebhookDomainProps,
        props: WebhookProps,
        web_acl_arn: str | None = None,
        auto_delete_objects: bool = False,
    ) -> None:
        """Create the load balancer.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            function: Answers posts and health checks.
            front_door: Network and allow-list.
            domain: The host that it answers at, with its certificate.
            props: Path, networks, and what else belongs to a webhook.
            web_acl_arn: The web ACL of this app in front of it. Default: the one of `props`.
            auto_delete_objects: Empty the bucket of the access logs when the stack goes. Default: False.

        Raises:
            InvalidPropertyError: Certificate or web ACL are of another region or kind.
        """
        super().__init__(scope, id)
        network = PublicNetwork(self, "Network") if front_door.vpc is None else None
        self.vpc: ec2.IVpc = network.vpc if network is not None else front_door.vpc  # type: ignore[assignment]
        self.certificate: acm.ICertificate = self._certificate(domain)
        self.security_group = self._create_security_group(front_door, props)
        self.access_log_bucket = self._create_access_log_bucket(context, auto_delete_objects)
        self.load_balancer = self._create_load_balancer(context)
        # Its way to the internet must be there before it.
        if network is not None:
            self.load_balancer.node.add_dependency(network.way_out)
        permission = lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=function.function_arn,
            principal="elasticloadbalancing.amazonaws.com",
            # The target group's own ARN can't be named: it has its target, which needs the permission, from the start.
            source_account=Stack.of(self).account,
        )
        self.events_target_group = self._create_target_group("Events", function, permission)
        self.health_target_group = self._create_target_group("Health", function, permission)
        self.listener = self._create_listener()
        self._lead("Post", 1, domain.domain_name, props.path, "POST", self.events_target_group)
        self._lead("Check", 2, domain.domain_name, HEALTH_PATH, "GET", self.health_target_group)
        self.ingest_url = f"https://{domain.domain_name}/{props.path}"
        self.health_url = f"https://{domain.domain_name}/{HEALTH_PATH}"
        self._add_record(domain)
        self.rate_limit = None if props.rate_limit is None else RateLimit(self, "RateLimit", props=props.rate_limit)
        own = None if self.rate_limit is None else self.rate_limit.web_acl.attr_arn
        self.web_acl_association = self._associate_web_acl(web_acl_arn or props.web_acl_arn or own)
        self._acknowledge()

    def _certificate(self, domain: WebhookDomainProps) -> acm.ICertificate:
        if domain.certificate is not None:
            arn = domain.certificate.certificate_arn
            check_arn("webhook.domain.certificate", arn, "acm", "certificate/", "an ACM certificate", self)
        return domain.certificate or acm.Certificate(
            self,
            "Certificate",
            domain_name=domain.domain_name,
            validation=acm.CertificateValidation.from_dns(domain.hosted_zone),
        )

    def _create_security_group(self, front_door: LoadBalancerProps, props: WebhookProps) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=self.vpc,
            description="Who may call the webhook",
            # The function is no part of the network.
            allow_all_outbound=False,
        )
        for peer in _peers(front_door.prefix_list, props.allowed_cidrs):
            group.add_ingress_rule(peer, ec2.Port.tcp(_HTTPS), "HTTPS")
        if front_door.prefix_list is None and props.allowed_cidrs is None:
            reason = (
                "A webhook is public unless a list of networks is given; HTTPS alone is open, and posts are signed."
            )
            acknowledge(group, "EC23", AWS_SOLUTIONS, reason=reason)
        return group

    def _create_access_log_bucket(self, context: PipelineContext, auto_delete_objects: bool) -> s3.Bucket:
        bucket = access_log_bucket(
            self,
            "AccessLogs",
            of="load balancer",
            days=_LOG_DAYS,
            # Elastic Load Balancing User Guide for Application Load Balancers, "Access logs".
            encryption="A load balancer writes its logs to no bucket with another encryption than S3's own.",
            removal_policy=context.removal_policy,
            auto_delete_objects=auto_delete_objects,
        )
        stack = Stack.of(self)
        # The L2's way asks for the account of the region's load balancers, and so for a region.
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LoadBalancerLogs",
                principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects(f"{_LOG_PREFIX}/AWSLogs/{stack.account}/*")],
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            )
        )
        return bucket

    def _create_load_balancer(self, context: PipelineContext) -> elbv2.CfnLoadBalancer:
        is_protected = context.removal_policy is not RemovalPolicy.DESTROY
        attributes = {
            "access_logs.s3.enabled": "true",
            "access_logs.s3.bucket": self.access_log_bucket.bucket_name,
            "access_logs.s3.prefix": _LOG_PREFIX,
            "deletion_protection.enabled": "true" if is_protected else "false",
            "routing.http.desync_mitigation_mode": "strictest",
            "routing.http.drop_invalid_header_fields.enabled": "true",
        }
        balancer = elbv2.CfnLoadBalancer(
            self,
            "LoadBalancer",
            type="application",
            scheme="internet-facing",
            ip_address_type="ipv4",
            subnets=[subnet.subnet_id for subnet in public_subnets(self.vpc)],
            security_groups=[self.security_group.security_group_id],
            load_balancer_attributes=[
                elbv2.CfnLoadBalancer.LoadBalancerAttributeProperty(key=key, value=value)
                for key, value in attributes.items()
            ],
        )
        if not is_protected:
            reason = "The stack is made to be thrown away: removal_policy is DESTROY."
            acknowledge(balancer, "ELBDeletionProtectionEnabled", HIPAA, NIST, reason=reason)
        # It writes a first object when it is made.
        policy = self.access_log_bucket.policy
        if policy is not None:
            balancer.node.add_dependency(policy)
        return balancer

    def _create_target_group(
        self, id: str, function: lambda_.IFunction, permission: lambda_.CfnPermission
    ) -> elbv2.CfnTargetGroup:
        group = elbv2.CfnTargetGroup(
            self,
            id,
            target_type="lambda",
            targets=[elbv2.CfnTargetGroup.TargetDescriptionProperty(id=function.function_arn)],
            # Each would be an invocation.
            health_check_enabled=False,
            target_group_attributes=[
                # Without it the last of two signatures would count, and nobody could tell that there were two.
                elbv2.CfnTargetGroup.TargetGroupAttributeProperty(
                    key="lambda.multi_value_headers.enabled", value="true"
                )
            ],
        )
        group.node.add_dependency(permission)
        return group

    def _create_listener(self) -> elbv2.CfnListener:
        return elbv2.CfnListener(
            self,
            "Listener",
            load_balancer_arn=self.load_balancer.ref,
            port=_HTTPS,
            protocol="HTTPS",
            ssl_policy=_TLS_POLICY,
            certificates=[elbv2.CfnListener.CertificateProperty(certificate_arn=self.certificate.certificate_arn)],
            listener_attributes=[
                elbv2.CfnListener.ListenerAttributeProperty(key="routing.http.response.server.enabled", value="false")
            ],
            default_actions=[
                elbv2.CfnListener.ActionProperty(
                    type="fixed-response",
                    fixed_response_config=elbv2.CfnListener.FixedResponseConfigProperty(
                        status_code="404",
                        content_type="application/json",
                        message_body=json.dumps({"type": "about:blank", "title": "Not Found"}),
                    ),
                )
            ],
        )

    def _lead(
        self, id: str, priority: int, host: str, path: str, method: str, group: elbv2.CfnTargetGroup
    ) -> elbv2.CfnListenerRule:
        condition = elbv2.CfnListenerRule.RuleConditionProperty
        return elbv2.CfnListenerRule(
            self,
            id,
            listener_arn=self.listener.ref,
            priority=priority,
            conditions=[
                condition(
                    field="host-header",
                    host_header_config=elbv2.CfnListenerRule.HostHeaderConfigProperty(values=[host]),
                ),
                condition(
                    field="path-pattern",
                    path_pattern_config=elbv2.CfnListenerRule.PathPatternConfigProperty(values=[f"/{path}"]),
                ),
                condition(
                    field="http-request-method",
                    http_request_method_config=elbv2.CfnListenerRule.HttpRequestMethodConfigProperty(values=[method]),
                ),
            ],
            actions=[elbv2.CfnListenerRule.ActionProperty(type="forward", target_group_arn=group.ref)],
        )

    def _add_record(self, domain: WebhookDomainProps) -> None:
        if domain.hosted_zone is None:
            return
        balancer = elbv2.ApplicationLoadBalancer.from_application_load_balancer_attributes(
            self,
            "Alias",
            load_balancer_arn=self.load_balancer.ref,
            security_group_id=self.security_group.security_group_id,
            load_balancer_dns_name=self.load_balancer.attr_dns_name,
            load_balancer_canonical_hosted_zone_id=self.load_balancer.attr_canonical_hosted_zone_id,
        )
        route53.ARecord(
            self,
            "AliasRecord",
            zone=domain.hosted_zone,
            # With the final dot the CDK takes the name as it is and appends no zone.
            record_name=f"{domain.domain_name}.",
            target=route53.RecordTarget.from_alias(targets.LoadBalancerTarget(balancer)),
        )

    def _associate_web_acl(self, web_acl_arn: str | None) -> wafv2.CfnWebACLAssociation | None:
        if web_acl_arn is None:
            return None
        check_arn("webhook.web_acl_arn", web_acl_arn, "wafv2", "regional/webacl/", "a regional web ACL", self)
        return wafv2.CfnWebACLAssociation(self, "WebAcl", resource_arn=self.load_balancer.ref, web_acl_arn=web_acl_arn)

    def metric_accepted(self) -> cloudwatch.MathExpression:
        """Posts that were answered with success: their events are in Firehose or in the queue."""
        return cloudwatch.MathExpression(
            expression="accepted",
            using_metrics={"accepted": self._of_posts("HTTPCode_Target_2XX_Count")},
            period=PERIOD,
            label="Accepted by the webhook (requests)",
        )

    def metric_refused(self) -> cloudwatch.MathExpression:
        """Requests that were answered with 4xx, by the function or by the load balancer.

        Of either, none at all is no value, which is 0 beside the other's (Amazon CloudWatch User Guide, "Using math
        expressions with CloudWatch metrics").
        """
        return cloudwatch.MathExpression(
            expression="byFunction + byBalancer",
            using_metrics={
                "byFunction": self._of_posts("HTTPCode_Target_4XX_Count"),
                "byBalancer": self._of_all("HTTPCode_ELB_4XX_Count"),
            },
            period=PERIOD,
            label="Refused requests",
        )

    def metric_refused_share(self) -> cloudwatch.MathExpression:
        """The share of posts that were answered with 4xx, 0 where there are fewer than LEAST_REQUESTS."""
        return cloudwatch.MathExpression(
            expression=f"IF(requests >= {LEAST_REQUESTS}, refused / requests, 0)",
            using_metrics={
                "refused": self._of_posts("HTTPCode_Target_4XX_Count", SHARE_PERIOD),
                "requests": self._of_posts("RequestCount", SHARE_PERIOD),
            },
            period=SHARE_PERIOD,
            label="Share of refused requests",
        )

    def metric_failed(self, undecided: cloudwatch.Metric) -> cloudwatch.MathExpression:
        """Requests that were answered with 5xx, but for `undecided` ones.

        A function that fails is answered 502 by the load balancer itself.
        """
        return cloudwatch.MathExpression(
            expression="byBalancer + byFunction - FILL(undecided, 0)",
            using_metrics={
                "byBalancer": self._of_all("HTTPCode_ELB_5XX_Count"),
                "byFunction": self._of_posts("HTTPCode_Target_5XX_Count"),
                "undecided": undecided,
            },
            period=PERIOD,
            label="Server errors",
        )

    def metric_latency(self) -> cloudwatch.Metric:
        """How long an answer to a post took, in seconds, of which 99 % were faster."""
        return self._of_posts("TargetResponseTime").with_(statistic="p99")

    def metric_requests(self) -> cloudwatch.Metric:
        """All requests, for what they cost."""
        return self._of_all("RequestCount").with_(label="Load balancer")

    def _of_posts(self, name: str, period: Duration = PERIOD) -> cloudwatch.Metric:
        group = {"TargetGroup": self.events_target_group.attr_target_group_full_name}
        return self._metric(name, period, group)

    def _of_all(self, name: str) -> cloudwatch.Metric:
        return self._metric(name, PERIOD, {})

    def _metric(self, name: str, period: Duration, further: dict[str, str]) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/ApplicationELB",
            metric_name=name,
            dimensions_map={"LoadBalancer": self.load_balancer.attr_load_balancer_full_name, **further},
            statistic="Sum",
            period=period,
        )

    def _acknowledge(self) -> None:
        acknowledge(
            self.access_log_bucket,
            "S1",
            AWS_SOLUTIONS,
            reason="It holds access logs itself; logging the access to them would never end.",
        )
        acknowledge(
            self.access_log_bucket,
            "S3BucketLoggingEnabled",
            HIPAA,
            NIST,
            PCI,
            reason="It holds access logs itself; logging the access to them would never end.",
        )
        if self.web_acl_association is None:
            no_web_acl = (
                "A web ACL is the owner's, often of the whole account: give it as web_acl_arn. Without one, the "
                "security group's list of networks, if there is one, and the signature stand before the lake."
            )
            acknowledge(self.load_balancer, "ALBWAFEnabled", NIST, PCI, reason=no_web_acl)


def _peers(prefix_list: ec2.IPrefixList | None, cidrs: Sequence[str] | None) -> Iterator[ec2.IPeer]:
    """Yield who may call: everybody, unless there is a list."""
    if prefix_list is not None:
        yield ec2.Peer.prefix_list(prefix_list.prefix_list_id)
    elif cidrs is not None:
        yield from (ec2.Peer.ipv4(cidr) for cidr in cidrs)
    else:
        yield ec2.Peer.any_ipv4()
