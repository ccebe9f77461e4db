"""An analyst writes over the results of another one's query, to have wrong figures believed."""

from typing import Any

import pytest
from aws_cdk import aws_iam as iam

from genesys_firehose_cdk import GenesysFirehosePipeline, LakeCatalog
from tests.library.synthesis import as_list, flat, new_stack, template_of


@pytest.fixture(scope="module")
def granted() -> dict[str, list[dict[str, Any]]]:
    """What analysts of two catalogs over one bucket are allowed."""
    stack = new_stack()
    pipeline = GenesysFirehosePipeline(stack, "Pipeline")
    assert pipeline.catalog is not None
    catalogs = {"First": pipeline.catalog, "Second": LakeCatalog(stack, "SecondCatalog", bucket=pipeline.bucket)}
    for name, catalog in catalogs.items():
        catalog.grant_query(iam.Role(stack, name, assumed_by=iam.AccountRootPrincipal()))
    template = template_of(stack)
    policies = {name: template.properties("AWS::IAM::Policy", f"{name}/DefaultPolicy") for name in catalogs}
    return {name: policy["PolicyDocument"]["Statement"] for name, policy in policies.items()}


def test_who_may_query_by_one_catalog_writes_no_result_of_another(granted: dict[str, list[dict[str, Any]]]) -> None:
    written = {
        name: {
            flat(resource)
            for statement in statements
            if "s3:PutObject" in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
        }
        for name, statements in granted.items()
    }
    assert all(written.values())
    assert not written["First"] & written["Second"]


def test_who_may_query_by_one_catalog_uses_no_workgroup_of_another(granted: dict[str, list[dict[str, Any]]]) -> None:
    used = {
        name: {flat(r) for statement in statements for r in as_list(statement["Resource"]) if "workgroup/" in flat(r)}
        for name, statements in granted.items()
    }
    assert all(used.values())
    assert not used["First"] & used["Second"]
