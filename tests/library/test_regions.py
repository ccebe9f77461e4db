"""Every region that can be chosen synthesizes, and no stack gets a mapping that nothing uses."""

import aws_cdk as cdk
import botocore.session
import pytest
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_s3 as s3

from genesys_firehose_cdk import DeliveryProps, GenesysFirehosePipeline, GenesysRegion
from tests.library.synthesis import Template, new_stack, statements, template_of

ACCOUNT = "111122223333"


def _regions_with_firehose() -> set[str]:
    session = botocore.session.get_session()
    return {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("firehose", partition)
    }


REGIONS = sorted({region.aws_region for region in GenesysRegion} | _regions_with_firehose())


def _in(region: str | None) -> cdk.Stack:
    return new_stack(environment=None if region is None else cdk.Environment(account=ACCOUNT, region=region))


@pytest.mark.parametrize("region", REGIONS)
def test_a_pipeline_synthesizes_in_every_region(region: str) -> None:
    stack = _in(region)
    GenesysFirehosePipeline(stack, "Pipeline", delivery=DeliveryProps(shards=2))
    template = template_of(stack)
    assert len(template.resources("AWS::KinesisFirehose::DeliveryStream")) == 2
    assert "Mappings" not in template.content


def test_a_stack_without_a_region_gets_no_mapping_either(default: Template) -> None:
    assert "Mappings" not in default.content


@pytest.mark.parametrize("is_first", [True, False])
def test_the_mapping_of_a_stream_of_the_app_stays(is_first: bool) -> None:
    stack = _in(None)
    if not is_first:
        GenesysFirehosePipeline(stack, "Pipeline")
    firehose.DeliveryStream(stack, "Own", destination=firehose.S3Bucket(s3.Bucket(stack, "Bucket")))
    if is_first:
        GenesysFirehosePipeline(stack, "Pipeline")
    assert template_of(stack).content["Mappings"]


def test_outside_amazonaws_com_a_key_is_used_through_a_service_of_either_name() -> None:
    stack = _in("eusc-de-east-1")
    GenesysFirehosePipeline(stack, "Pipeline")
    policy = template_of(stack).properties("AWS::IAM::ManagedPolicy", "Delivery/Role/Policy")["PolicyDocument"]
    assert statements(policy)["RawKey"]["Condition"]["StringEquals"]["kms:ViaService"] == [
        "s3.eusc-de-east-1.amazonaws.com",
        "s3.eusc-de-east-1.amazonaws.eu",
    ]
