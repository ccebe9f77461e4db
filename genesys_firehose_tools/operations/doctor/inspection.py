"""The pipeline that is looked at, and how its checks ask AWS."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from genesys_firehose_tools.operations.clients import Clients, SharedClients
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline
from genesys_firehose_tools.operations.deployed_resources import DeployedResources, Resource

_NEWEST = 3
# Amazon CloudWatch API Reference, "GetMetricData": 500 queries at once.
_QUERIES = 500
_DEFAULT_NAMESPACE = "GenesysFirehose"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of the lake.

    Attributes:
        key: Its key.
        written: When it was written.
    """

    key: str
    written: datetime


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of CloudWatch.

    Attributes:
        namespace: Its namespace.
        name: Its name.
        dimensions: Its dimensions.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


class Inspection:
    """A deployed pipeline, and AWS's answers about it.

    Args:
        clients: What makes the AWS clients.
        pipeline: The pipeline's outputs.
        resources: What its template declares.
        is_local: Whether it is in an embedded AWS.
        now: The time, UTC. Default: now.
    """

    def __init__(
        self,
        clients: Clients,
        pipeline: DeployedPipeline,
        resources: DeployedResources,
        *,
        is_local: bool,
        now: datetime | None = None,
    ) -> None:
        self.client = SharedClients(clients).client
        self.pipeline = pipeline
        self.resources = resources
        self.is_local = is_local
        self.now = now or datetime.now(UTC)

    @property
    def bucket(self) -> str:
        """The lake's bucket."""
        return self.pipeline.output("BucketName")

    @property
    def streams(self) -> list[str]:
        """The names of the delivery streams."""
        return self.pipeline.output("StreamNames").split(",")

    def described_stream(self, stream: str) -> dict[str, Any]:
        """Ask for a stream."""
        described = self.client("firehose").describe_delivery_stream(DeliveryStreamName=stream)
        found: dict[str, Any] = described["DeliveryStreamDescription"]
        return found

    def declared_stream(self, stream: str) -> Resource:
        """Return what the template declares of a stream."""
        streams = self.resources.of_type("AWS::KinesisFirehose::DeliveryStream")
        return next(each for each in streams if each.physical_id == stream)

    def function_settings(self, package: str) -> dict[str, str]:
        """Return the environment of a function as the template declares it; empty where there is no such function."""
        function = self.resources.function(package)
        if function is None:
            return {}
        variables: dict[str, str] = function.properties.get("Environment", {}).get("Variables", {})
        return variables

    def own_metric(self, name: str) -> Metric:
        """Return a metric that the pipeline's functions write."""
        namespace = self.function_settings("ingest").get("METRICS_NAMESPACE", _DEFAULT_NAMESPACE)
        return Metric(namespace, name, (("Pipeline", self.pipeline.path),))

    def newest_objects(self, layer: str) -> list[StoredObject]:
        """Return the newest objects of a layer, such as ``raw/``, the newest first."""
        found: list[StoredObject] = []
        for prefix in self._newest_prefixes(layer):
            found += self.objects(prefix)
        return sorted(found, key=lambda each: each.written, reverse=True)[:_NEWEST]

    def _newest_prefixes(self, layer: str) -> Iterator[str]:
        """Yield where the newest objects are: by date in every partition, without reading all names of the layer."""
        for prefix in self._folders(layer):
            folder = prefix.removeprefix(layer)
            if folder.startswith("event_type=") and (dates := self._folders(prefix)):
                yield max(dates)
        years = [prefix for prefix in self._folders(layer) if re.fullmatch(r"\d{4}/", prefix.removeprefix(layer))]
        if years:
            newest = max(years)
            while deeper := self._folders(newest):
                newest = max(deeper)
            yield newest

    def _folders(self, prefix: str) -> list[str]:
        pages = self.client("s3").get_paginator("list_objects_v2")
        return [
            each["Prefix"]
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/")
            for each in page.get("CommonPrefixes", [])
        ]

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects under a prefix."""
        pages = self.client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield StoredObject(entry["Key"], entry["LastModified"])

    def metric_values(self, metrics: Sequence[Metric], statistic: str, within: timedelta) -> list[list[float]]:
        """Return the values of metrics in periods of five minutes, of each the newest first; empty without data."""
        values: dict[str, list[float]] = {f"m{number}": [] for number in range(len(metrics))}
        queries = [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": metric.namespace,
                        "MetricName": metric.name,
                        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
                    },
                    "Period": 300,
                    "Stat": statistic,
                },
            }
            for number, metric in enumerate(metrics)
        ]
        for start in range(0, len(queries), _QUERIES):
            pages = self.client("cloudwatch").get_paginator("get_metric_data")
            for page in pages.paginate(
                MetricDataQueries=queries[start : start + _QUERIES],
                StartTime=self.now - within,
                EndTime=self.now + timedelta(minutes=1),
                ScanBy="TimestampDescending",
            ):
                for result in page["MetricDataResults"]:
                    values[result["Id"]] += result["Values"]
        return list(values.values())

    def total(self, metric: Metric, within: timedelta) -> float | None:
        """Return the sum of a metric, or None where it has no data."""
        [values] = self.metric_values([metric], "Sum", within)
        return sum(values) if values else None
