"""The parts of a synthesized template that have a cost or a quota."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.deployed_pipeline import choose_pipeline, pipelines_of

_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
# The description of the rule that settles days.
_SETTLES = "Puts the details records of a day's conversations into the lake"
_STREAM = "AWS::KinesisFirehose::DeliveryStream"


class TemplateError(ToolError):
    """A template can't be read, or holds no pipeline or more than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """How long Firehose collects: seconds and MiB, whichever is reached first."""

    seconds: float
    mebibytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The parts of a pipeline that have a cost or a quota.

    Attributes:
        streams: Delivery streams.
        partitioned: Whether they partition `clean/` dynamically.
        clean: The buffer in front of an object of `clean/`.
        raw: The buffer in front of an object of `raw/`.
        processor: The buffer in front of the transform function.
        ingest_memory: MB of the ingest function.
        transform_memory: MB of the transform function.
        api_methods: Methods of the REST API; none with a load balancer, or without a webhook.
        api_rate: Requests a second that the API lets through; None without one.
        access_log: Whether the API logs every request.
        measured_methods: Methods of the REST API that have metrics of their own.
        traced_share: The share of the REST API's requests that AWS X-Ray traces.
        ingest_traced: Whether Lambda traces the ingest function.
        transform_traced: Whether it traces the transform function.
        load_balancer_zones: In how many zones a load balancer is the webhook's front door; 0 for none.
        event_bus: Whether there is an event bus.
        names: Whether names are taken from Genesys Cloud.
        backfills: Whether conversations' details can be taken from Genesys Cloud.
        settles: Whether those of every day are.
        reconciled: Whether days are held against Genesys Cloud.
        queue_batch: Messages that the ingest function takes from the queue at once.
        queue_concurrency: Batches that it takes at the same time.
        key_ttl_days: How long the deduplication table remembers a key.
        recovery: Whether the table has point-in-time recovery.
        keys: KMS keys.
        bucket_keys: Whether the lake's bucket uses S3 Bucket Keys.
        secrets: Secrets.
        alarm_metrics: Metrics that alarms watch.
        composite_alarms: Alarms over other alarms.
        dashboards: Dashboards.
        raw_archive_days: When objects of `raw/` move to S3 Glacier Instant Retrieval; None for never.
        raw_expiration_days: When they expire; None for never.
        clean_expiration_days: When objects of `clean/` expire; None for never.
        log_retention_days: How long logs are kept.
        web_acls: Web ACLs that it makes.
        web_acl_rules: Their rules.
        web_acl_used: Whether requests pass a web ACL, its own or another.
        tables_seconds: After how long the tables are brought up to date again; None without tables.
        firehose_calls: Calls of AWS in a request beside those for each event.
        calls_per_event: Calls of AWS for each event of a request.
        writes_per_event: Writes of the deduplication table for each event.
        ingest_function: Whether there is a function in front of Firehose.
        probed: Whether a function looks at the webhook's domain from outside.
        manifests: Whether each closed day gets a signed manifest.
    """

    streams: int
    partitioned: bool
    clean: Buffer
    raw: Buffer
    processor: Buffer
    ingest_memory: int
    transform_memory: int
    api_methods: int
    api_rate: float | None
    access_log: bool
    measured_methods: int
    traced_share: float
    ingest_traced: bool
    transform_traced: bool
    load_balancer_zones: int = 0
    event_bus: bool
    names: bool = False
    backfills: bool = False
    settles: bool = False
    reconciled: bool = False
    queue_batch: int
    queue_concurrency: int
    key_ttl_days: int
    recovery: bool
    keys: int
    bucket_keys: bool
    secrets: int
    alarm_metrics: int
    composite_alarms: int
    dashboards: int
    raw_archive_days: int | None
    raw_expiration_days: int | None
    clean_expiration_days: int | None
    log_retention_days: int
    web_acls: int
    web_acl_rules: int
    web_acl_used: bool
    tables_seconds: float | None
    firehose_calls: int = 1
    calls_per_event: int = 0
    writes_per_event: int = 1
    ingest_function: bool = True
    probed: bool = False
    manifests: bool = False

    @property
    def has_webhook(self) -> bool:
        """Whether there is a webhook, whatever its front door is."""
        return self.api_methods > 0 or self.load_balancer_zones > 0


DEFAULT_DESIGN = Design(
    streams=1,
    partitioned=True,
    clean=Buffer(seconds=60, mebibytes=64),
    raw=Buffer(seconds=60, mebibytes=1),
    processor=Buffer(seconds=20, mebibytes=1),
    ingest_memory=512,
    transform_memory=1024,
    api_methods=2,
    api_rate=500,
    access_log=True,
    measured_methods=1,
    traced_share=0.002,
    ingest_traced=True,
    transform_traced=False,
    event_bus=False,
    queue_batch=10,
    queue_concurrency=10,
    key_ttl_days=7,
    recovery=True,
    keys=5,
    bucket_keys=True,
    secrets=2,
    alarm_metrics=44,
    composite_alarms=1,
    dashboards=1,
    raw_archive_days=90,
    raw_expiration_days=None,
    clean_expiration_days=None,
    log_retention_days=365,
    web_acls=0,
    web_acl_rules=0,
    web_acl_used=False,
    tables_seconds=3600,
)
"""A pipeline with no further property."""


def read_design(path: Path, pipeline: str | None = None) -> Design:
    """Read what a template deploys for a pipeline.

    Args:
        path: A template file, or a directory of templates such as `cdk.out`.
        pipeline: The pipeline's construct path, or the end of it. Default: the only pipeline.

    Raises:
        TemplateError: There is no template with a pipeline, or there are several.
        PipelineError: The template holds several pipelines and none is named, or not the one that is named.
    """
    found = {file: template for file in _files(path) if _holds_a_stream(template := _read(file))}
    if not found:
        raise TemplateError(f"{path} holds no template of a pipeline; run `cdk synth` first.")
    if len(found) > 1:
        files = ", ".join(map(str, sorted(found)))
        raise TemplateError(f"{path} holds {len(found)} templates with pipelines; name one with --template: {files}.")
    [(file, template)] = found.items()
    return design_of(template, pipeline, str(file))


def design_of(template: Mapping[str, Any], pipeline: str | None, place: str) -> Design:
    """Return what a template deploys for a pipeline; `place` says in errors where the template is.

    Raises:
        TemplateError: It is no template of a whole pipeline.
        PipelineError: It holds several pipelines and none is named, or not the one that is named.
    """
    return _Reader(_resources_of(template, pipeline, place)).design()


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.template.json")) if path.is_dir() else [path]


def _read(file: Path) -> Mapping[str, Any]:
    try:
        template: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if all(isinstance(resource["Type"], str) for resource in template["Resources"].values()):
            return template
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise TemplateError(f"{file} is no CloudFormation template in JSON.")


def _holds_a_stream(template: Mapping[str, Any]) -> bool:
    return any(resource["Type"] == _STREAM for resource in template["Resources"].values())


def _resources_of(template: Mapping[str, Any], pipeline: str | None, place: str) -> Mapping[str, Any]:
    """Return a pipeline's resources: all of the template unless it holds several pipelines."""
    resources: Mapping[str, Any] = template["Resources"]
    paths = list(pipelines_of(template))
    if pipeline is not None or len(paths) > 1:
        chosen = choose_pipeline(paths, pipeline, place)
        if len(paths) > 1:
            return {
                name: resource
                for name, resource in resources.items()
                if resource.get("Metadata", {}).get("aws:cdk:path", "").startswith(f"{chosen}/")
            }
    return resources


class _Reader:
    def __init__(self, resources: Mapping[str, Any]) -> None:
        self._resources = resources

    def _all(self, type_name: str) -> Iterator[Mapping[str, Any]]:
        for resource in self._resources.values():
            if resource["Type"] == type_name:
                yield resource.get("Properties", {})

    def _count(self, type_name: str) -> int:
        return sum(1 for _ in self._all(type_name))

    def _function(self, package: str) -> Mapping[str, Any]:
        functions = self._functions(package)
        if len(functions) != 1:
            raise TemplateError(
                f"The template has {len(functions)} functions {_handler(package)}; one pipeline has one."
            )
        return functions[0]

    def _functions(self, package: str) -> list[Mapping[str, Any]]:
        return [each for each in self._all("AWS::Lambda::Function") if each.get("Handler") == _handler(package)]

    def design(self) -> Design:
        ingest, transform = self._function("ingest"), self._function("transform")
        destination = next(self._all(_STREAM))["ExtendedS3DestinationConfiguration"]
        [processor] = destination["ProcessingConfiguration"]["Processors"]
        parameters = {each["ParameterName"]: each["ParameterValue"] for each in processor["Parameters"]}
        [table] = self._all("AWS::DynamoDB::Table")
        [mapping] = self._all("AWS::Lambda::EventSourceMapping")
        stage: Mapping[str, Any] = next(self._all("AWS::ApiGateway::Stage"), {})
        acls = list(self._all("AWS::WAFv2::WebACL"))
        lake = self._lake_bucket()
        return Design(
            streams=self._count(_STREAM),
            partitioned="DynamicPartitioningConfiguration" in destination,
            clean=_buffer(destination["BufferingHints"]),
            raw=_buffer(destination["S3BackupConfiguration"]["BufferingHints"]),
            processor=Buffer(
                seconds=float(parameters["BufferIntervalInSeconds"]), mebibytes=float(parameters["BufferSizeInMBs"])
            ),
            ingest_memory=ingest["MemorySize"],
            transform_memory=transform["MemorySize"],
            api_methods=self._count("AWS::ApiGateway::Method"),
            api_rate=stage["MethodSettings"][0]["ThrottlingRateLimit"] if stage else None,
            access_log="AccessLogSetting" in stage,
            measured_methods=sum(bool(each.get("MetricsEnabled")) for each in stage.get("MethodSettings", [])),
            traced_share=sum(rule["SamplingRule"]["FixedRate"] for rule in self._all("AWS::XRay::SamplingRule")),
            ingest_traced=_is_traced(ingest),
            transform_traced=_is_traced(transform),
            load_balancer_zones=sum(
                len(each["Subnets"]) for each in self._all("AWS::ElasticLoadBalancingV2::LoadBalancer")
            ),
            event_bus=bool(self._count("AWS::Events::EventBus")),
            names=bool(self._functions("genesys_names")),
            backfills=bool(self._functions("genesys_backfill")),
            settles=any(each.get("Description") == _SETTLES for each in self._all("AWS::Events::Rule")),
            reconciled=bool(self._functions("genesys_reconciliation")),
            queue_batch=mapping["BatchSize"],
            queue_concurrency=mapping["ScalingConfig"]["MaximumConcurrency"],
            key_ttl_days=int(transform["Environment"]["Variables"]["DEDUPLICATION_TTL_DAYS"]),
            recovery=table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled", False),
            keys=self._count("AWS::KMS::Key"),
            bucket_keys=_uses_bucket_keys(lake),
            secrets=self._count("AWS::SecretsManager::Secret"),
            alarm_metrics=sum(_metrics(alarm) for alarm in self._all("AWS::CloudWatch::Alarm")),
            composite_alarms=self._count("AWS::CloudWatch::CompositeAlarm"),
            dashboards=self._count("AWS::CloudWatch::Dashboard"),
            raw_archive_days=_rule(lake, "raw", "Transitions"),
            raw_expiration_days=_rule(lake, "raw", "ExpirationInDays"),
            clean_expiration_days=_rule(lake, "clean", "ExpirationInDays"),
            log_retention_days=max(group["RetentionInDays"] for group in self._all("AWS::Logs::LogGroup")),
            web_acls=len(acls),
            web_acl_rules=sum(len(acl.get("Rules", [])) for acl in acls),
            web_acl_used=bool(self._count("AWS::WAFv2::WebACLAssociation")),
            probed=bool(self._functions("certificate_probe")),
            manifests=bool(self._functions("manifest")),
            tables_seconds=self._tables_seconds(),
        )

    def _tables_seconds(self) -> float | None:
        """Return the interval of the schedule whose run of the tables' state machine gives way to others."""
        for rule in self._all("AWS::Events::Rule"):
            if any('"yield":true' in str(target.get("Input")) for target in rule.get("Targets", [])):
                _, number, unit = re.split(r"[( )]", rule["ScheduleExpression"])[:3]
                return float(number) * _SECONDS[unit.rstrip("s")]
        return None

    def _lake_bucket(self) -> Mapping[str, Any]:
        """Return the bucket that is locked; an existing one, which is in no template, has no rules to read."""
        return next((bucket for bucket in self._all("AWS::S3::Bucket") if bucket.get("ObjectLockEnabled")), {})


def _handler(package: str) -> str:
    return f"{package}.handler.handle"


def _is_traced(function: Mapping[str, Any]) -> bool:
    return bool(function.get("TracingConfig", {}).get("Mode") == "Active")


def _buffer(hints: Mapping[str, Any]) -> Buffer:
    return Buffer(seconds=hints["IntervalInSeconds"], mebibytes=hints["SizeInMBs"])


def _uses_bucket_keys(bucket: Mapping[str, Any]) -> bool:
    rules = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    return any(rule.get("BucketKeyEnabled", False) for rule in rules)


def _metrics(alarm: Mapping[str, Any]) -> int:
    """Count the metrics of an alarm; one that calculates watches several."""
    return sum("MetricStat" in metric for metric in alarm["Metrics"]) if "Metrics" in alarm else 1


def _rule(bucket: Mapping[str, Any], name: str, action: str) -> int | None:
    """Return after how many days a lifecycle rule acts on a prefix."""
    for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", []):
        if rule.get("Prefix") == f"{name}/" and action in rule:
            days: int = rule[action][0]["TransitionInDays"] if action == "Transitions" else rule[action]
            return days
    return None
