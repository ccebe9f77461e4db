"""What a month would cost with another property, and with another design."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from genesys_firehose_tools.operations.cost import (
    METRICS_OF_THE_TABLES,
    Traffic,
    estimate,
)
from genesys_firehose_tools.operations.deployed_design import Design
from genesys_firehose_tools.operations.prices import Price

_LONGEST_INTERVAL_SECONDS = 900.0  # Amazon Data Firehose API Reference, "BufferingHints"
_METRICS_OF_A_SHARD = 13
_ZONES = 2
# One in place of the API's alarm on 4xx and one in place of that on 5xx, both of function and load balancer.
_METRICS_OF_THE_BALANCER = 2
# Of the certificate, of what the probe reports, and of the function and the rule that it is.
_METRICS_OF_A_DOMAIN = 11


@dataclass(frozen=True, slots=True)
class Alternative:
    """The same events at another price.

    Attributes:
        name: What is different.
        kind: "property" when a property of the pipeline does it, "design" when it is another design.
        consequence: What else changes.
        dollars: US dollars a month.
        difference: How much more that is than the pipeline as it is.
    """

    name: str
    kind: Literal["property", "design"]
    consequence: str
    dollars: float
    difference: float


class _Case(NamedTuple):
    name: str
    consequence: str
    design: Design
    traffic: Traffic


def alternatives(design: Design, traffic: Traffic, prices: Mapping[str, Price]) -> list[Alternative]:
    """Estimate what other properties and other designs would cost by the same prices."""
    now = estimate(design, traffic, prices).dollars
    cases: dict[Literal["property", "design"], Iterator[_Case]] = {
        "property": _other_properties(design, traffic),
        "design": _other_designs(design, traffic),
    }
    return [
        Alternative(case.name, kind, case.consequence, dollars, dollars - now)
        for kind, group in cases.items()
        for case in group
        for dollars in (estimate(case.design, case.traffic, prices).dollars,)
    ]


def _other_properties(design: Design, traffic: Traffic) -> Iterator[_Case]:
    seconds = min(_LONGEST_INTERVAL_SECONDS, design.clean.seconds * 5)
    slow = replace(design, clean=replace(design.clean, seconds=seconds), raw=replace(design.raw, seconds=seconds))
    yield _Case(f"delivery.buffering.interval {seconds:.0f} s", "events land that much later", slow, traffic)
    sharded = replace(design, streams=design.streams + 1, alarm_metrics=design.alarm_metrics + _METRICS_OF_A_SHARD)
    consequence = f"smaller objects; alarms on {_METRICS_OF_A_SHARD} more metrics"
    yield _Case(f"delivery.shards {sharded.streams}", consequence, sharded, traffic)
    without_tables = design
    if design.tables_seconds is not None:
        alarm_metrics = design.alarm_metrics - METRICS_OF_THE_TABLES
        without_tables = replace(design, tables_seconds=None, alarm_metrics=alarm_metrics)
        yield _Case("lake.tables None", "queries read the lines of clean/", without_tables, traffic)
    if design.partitioned:
        flat = replace(without_tables, partitioned=False, alarm_metrics=without_tables.alarm_metrics - 1)
        yield _Case("delivery.dynamic_partitioning False", "no tables; a query reads all objects", flat, traffic)
    if traffic.ingress == "webhook" and design.load_balancer_zones == 0:
        consequence = "a domain of its own; bodies up to 1 MiB; no throttling, no traces"
        yield _Case("webhook.front_door LoadBalancerProps()", consequence, _balanced(design), traffic)
    if traffic.ingress == "webhook":
        bus = replace(_on_the_bus(design), secrets=max(0, design.secrets - 1))
        consequence = "no public endpoint; four days of retries"
        yield _Case("partner_bus instead of the webhook", consequence, bus, replace(traffic, ingress="eventbridge"))


def _other_designs(design: Design, traffic: Traffic) -> Iterator[_Case]:
    webhook = replace(traffic, ingress="webhook")
    yield _Case(
        "PutRecord per event, idempotency utility",
        "an event is doubled when its function dies after the put; what Firehose refuses is lost",
        replace(design, firehose_calls=0, calls_per_event=3, writes_per_event=2, recovery=False),
        webhook,
    )
    yield _Case(
        "webhook function to Firehose",
        "every retry is a duplicate; what Firehose refuses is lost",
        replace(design, firehose_calls=0, calls_per_event=1, writes_per_event=0),
        webhook,
    )
    yield _Case(
        "EventBridge rule to Firehose",
        "every copy is a duplicate; no webhook",
        replace(_on_the_bus(design), ingest_function=False, writes_per_event=0, secrets=min(1, design.secrets)),
        replace(traffic, ingress="eventbridge"),
    )


def _balanced(design: Design) -> Design:
    """The same with a load balancer in a network of its own, and the domain that it needs, which is probed."""
    of_domain = 0 if design.probed else _METRICS_OF_A_DOMAIN
    return replace(
        design,
        api_methods=0,
        measured_methods=0,
        api_rate=None,
        access_log=False,
        ingest_traced=False,
        load_balancer_zones=_ZONES,
        alarm_metrics=design.alarm_metrics + _METRICS_OF_THE_BALANCER + of_domain,
        probed=True,
    )


def _on_the_bus(design: Design) -> Design:
    return replace(
        design,
        event_bus=True,
        api_methods=0,
        load_balancer_zones=0,
        ingest_traced=False,
        access_log=False,
        web_acls=0,
        web_acl_rules=0,
        web_acl_used=False,
    )
