"""The lake is queryable in place: partitions by projection, bounded workgroups, results that stay in their layer."""

import runpy
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from genesys_firehose_cdk import (
    GenesysFirehosePipeline,
    InvalidPropertyError,
    LakeCatalogProps,
    LakeProps,
)
from genesys_firehose_cdk.lake.lake_catalog import saved_queries
from tests.library.synthesis import ROOT, Template, as_list, flat, new_stack, synthesize, template_of


def _table(template: Template, name: str) -> dict[str, Any]:
    [table] = [
        resource["Properties"]["TableInput"]
        for resource in template.resources("AWS::Glue::Table").values()
        if resource["Properties"]["TableInput"]["Name"] == name
    ]
    return dict(table)


def _workgroups(template: Template) -> dict[str, dict[str, Any]]:
    """The workgroups' configurations by layer."""
    return {
        resource["Properties"]["Name"].rsplit("-", 1)[1]: resource["Properties"]["WorkGroupConfiguration"]
        for resource in template.resources("AWS::Athena::WorkGroup").values()
    }


def test_clean_has_a_partition_for_every_event_type_that_the_functions_know_and_for_names(default: Template) -> None:
    functions = runpy.run_path(str(ROOT / "lambda_src/shared/envelope.py"))
    known = runpy.run_path(str(ROOT / "lambda_src/shared/event.py"))["EVENT_TYPES"] | {
        functions["NAMES"],
        functions["BACKFILL"],
    }
    parameters = _table(default, "clean")["Parameters"]
    assert parameters["projection.event_type.type"] == "enum"
    assert set(parameters["projection.event_type.values"].split(",")) == known


def test_no_query_of_masked_events_reads_the_partition_of_marked_ones(default: Template) -> None:
    marked = runpy.run_path(str(ROOT / "lambda_src/shared/envelope.py"))["VERIFICATION"]
    assert marked not in _table(default, "clean")["Parameters"]["projection.event_type.values"].split(",")


def test_tables_lie_where_firehose_delivers(default: Template) -> None:
    stream = default.properties("AWS::KinesisFirehose::DeliveryStream")["ExtendedS3DestinationConfiguration"]
    clean = flat(_table(default, "clean")["Parameters"]["storage.location.template"])
    raw = flat(_table(default, "raw")["Parameters"]["storage.location.template"])
    assert clean.endswith("/" + stream["Prefix"].replace("!{partitionKeyFromLambda:", "${"))
    assert raw.endswith(
        "/" + stream["S3BackupConfiguration"]["Prefix"].replace("!{timestamp:yyyy/MM/dd/HH}", "${hour}")
    )
    assert _table(default, "raw")["Parameters"]["projection.hour.format"] == "yyyy/MM/dd/HH"


@pytest.mark.parametrize("name", ["clean", "raw"])
def test_every_partition_column_is_projected(default: Template, name: str) -> None:
    table = _table(default, name)
    assert table["Parameters"]["projection.enabled"] == "true"
    for column in table["PartitionKeys"]:
        assert f"projection.{column['Name']}.type" in table["Parameters"]
        assert f"${{{column['Name']}}}" in flat(table["Parameters"]["storage.location.template"])


def test_a_row_is_a_line(default: Template) -> None:
    for name in ("clean", "raw"):
        storage = _table(default, name)["StorageDescriptor"]
        assert storage["Columns"] == [{"Name": "line", "Type": "string"}]
        assert storage["SerdeInfo"]["SerializationLibrary"].endswith("LazySimpleSerDe")


def test_workgroups_enforce_their_settings_and_bound_what_a_query_reads(default: Template) -> None:
    limits = {
        layer: configuration["BytesScannedCutoffPerQuery"] for layer, configuration in _workgroups(default).items()
    }
    assert limits == {"clean": 100 * 1024**3, "raw": 100 * 1024**3, "tables": 1024**4}
    assert all(
        configuration["EnforceWorkGroupConfiguration"] is True for configuration in _workgroups(default).values()
    )


def test_the_pipeline_says_what_a_query_may_read() -> None:
    template = synthesize(lake=LakeProps(catalog=LakeCatalogProps(bytes_scanned_limit=cdk.Size.gibibytes(5))))
    limits = {_workgroups(template)[layer]["BytesScannedCutoffPerQuery"] for layer in ("clean", "raw")}
    assert limits == {5 * 1024**3}


def test_results_of_each_layer_are_apart_and_under_the_key_of_their_layer(default: Template) -> None:
    for layer, key in {"clean": "CleanKey", "raw": "RawKey"}.items():
        results = _workgroups(default)[layer]["ResultConfiguration"]
        assert flat(results["OutputLocation"]).endswith(f">/{layer}/")
        assert results["EncryptionConfiguration"]["EncryptionOption"] == "SSE_KMS"
        assert key in flat(results["EncryptionConfiguration"]["KmsKey"])


def test_results_are_private_and_expire_and_are_not_in_the_locked_bucket(default: Template) -> None:
    bucket = default.properties("AWS::S3::Bucket", "Catalog/Results")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert [rule["ExpirationInDays"] for rule in bucket["LifecycleConfiguration"]["Rules"]] == [30]
    assert "ObjectLockEnabled" not in bucket
    policy = default.properties("AWS::S3::BucketPolicy", "Catalog/Results/Policy")["PolicyDocument"]
    assert any(
        statement["Effect"] == "Deny"
        and statement["Action"] == "s3:*"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in policy["Statement"]
    )


def test_every_query_is_saved_in_the_workgroup_of_masked_events(default: Template) -> None:
    queries = [resource["Properties"] for resource in default.resources("AWS::Athena::NamedQuery").values()]
    assert {query["QueryString"] for query in queries} == set(saved_queries(has_tables=True).values())
    assert all("RawWorkgroup" not in flat(query["WorkGroup"]) for query in queries)


def test_without_tables_the_queries_read_the_lines() -> None:
    template = synthesize(lake=LakeProps(tables=None))
    queries = template.resources("AWS::Athena::NamedQuery").values()
    assert {query["Properties"]["QueryString"] for query in queries} == set(saved_queries().values())


def test_an_unpartitioned_stream_has_no_catalog_and_no_rebuild(unpartitioned: Template) -> None:
    assert not unpartitioned.resources("AWS::Glue::Table")
    assert not unpartitioned.resources("AWS::StepFunctions::StateMachine")


def test_two_pipelines_of_a_stack_have_names_of_their_own() -> None:
    stack = new_stack()
    for name in ("First", "Second"):
        GenesysFirehosePipeline(stack, name)
    template = template_of(stack)
    for type_name, property_name in {"AWS::Glue::Database": "DatabaseName", "AWS::Athena::WorkGroup": "Name"}.items():
        names = [resource["Properties"][property_name] for resource in template.resources(type_name).values()]
        assert len(names) == len(set(names))


def _granted(method: str) -> list[dict[str, Any]]:
    stack = new_stack()
    pipeline = GenesysFirehosePipeline(stack, "Pipeline")
    role = iam.Role(stack, "Analyst", assumed_by=iam.AccountRootPrincipal())
    assert pipeline.catalog is not None
    getattr(pipeline.catalog, method)(role)
    policy = template_of(stack).properties("AWS::IAM::Policy", "Analyst/DefaultPolicy")
    statements: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return statements


@pytest.mark.parametrize(
    ("method", "own", "other", "read", "used_keys"),
    [
        ("grant_query", "clean", "raw", {"clean"}, {"CleanKey"}),
        # Who may read raw/ may read errors/, of which a part is under the clean key.
        ("grant_query_raw", "raw", "clean", {"raw", "errors"}, {"RawKey", "CleanKey"}),
    ],
)
def test_who_may_query_one_layer_reaches_nothing_of_the_other(
    method: str, own: str, other: str, read: set[str], used_keys: set[str]
) -> None:
    statements = _granted(method)
    resources = {flat(resource) for statement in statements for resource in as_list(statement["Resource"])}
    tables = {resource.rpartition(">")[2] for resource in resources if "TablesBucket" in resource}
    assert tables == ({"", "/*"} if own == "clean" else set())
    objects = {
        resource.rpartition(">")[2]
        for resource in resources
        if ("Bucket" in resource or "Results" in resource) and "TablesBucket" not in resource
    }
    assert objects == {"", *(f"/{prefix}/*" for prefix in read)}
    assert any(resource.endswith(f"/{own}") for resource in resources)
    assert not any(resource.endswith(f"/{other}") for resource in resources)
    keys = {resource for resource in resources if "Key" in resource}
    assert len(keys) == len(used_keys)
    assert {name for name in ("RawKey", "CleanKey") if any(name in key for key in keys)} == used_keys


def test_who_may_query_may_not_write_to_the_lake_nor_delete_anything() -> None:
    for statement in _granted("grant_query"):
        actions = set(as_list(statement["Action"]))
        assert not {action for action in actions if "Delete" in action}
        if "s3:PutObject" in actions:
            assert all("Results" in flat(resource) for resource in as_list(statement["Resource"]))


def test_listing_is_bound_to_the_layer() -> None:
    for statement in _granted("grant_query"):
        is_of_tables = all("TablesBucket" in flat(resource) for resource in as_list(statement["Resource"]))
        if "s3:ListBucket" in as_list(statement["Action"]) and not is_of_tables:
            assert as_list(statement["Condition"]["StringLike"]["s3:prefix"]) == ["clean/*"]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"bytes_scanned_limit": cdk.Size.mebibytes(9)}, "bytes_scanned_limit is 9 MiB: 10 to 104,857,600 MiB"),
        ({"results_expiration_days": 0}, "results_expiration_days is 0 days: 1 to 365 days"),
    ],
)
def test_what_athena_would_refuse_is_refused_at_synthesis(properties: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidPropertyError, match=message):
        LakeCatalogProps(**properties)
