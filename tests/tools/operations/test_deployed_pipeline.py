"""A pipeline of a deployed stack is found by its construct path, whatever else the stack holds."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import aws_cdk as cdk
import boto3
import pytest
from botocore.stub import Stubber

from genesys_firehose_cdk import GenesysFirehosePipeline
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline, PipelineError, find_pipeline
from tests.library.synthesis import new_stack, template_of

Find = Callable[..., DeployedPipeline]

ONE = {"Lake/Pipeline": {"BucketName": "PipelineBucketName0A1B2C3D", "StreamNames": "PipelineStreamNames0A1B2C3D"}}
TWO = {
    "Lake/Sales/Pipeline": {"BucketName": "SalesBucketName"},
    "Lake/Care/Pipeline": {"BucketName": "CareBucketName"},
}
OUTPUTS = {
    "PipelineBucketName0A1B2C3D": "lake",
    "PipelineStreamNames0A1B2C3D": "stream",
    "OtherBucketName4D3C2B1A": "not-the-lake",
    "SalesBucketName": "sales",
    "CareBucketName": "care",
}


@pytest.fixture
def cloudformation() -> Any:
    return boto3.client(
        "cloudformation", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


@pytest.fixture
def find(cloudformation: Any) -> Find:
    """Find a pipeline in a stack whose answers are held against the API's model."""

    def run(template: Mapping[str, Any] | str, pipeline: str | None = None) -> DeployedPipeline:
        body = template if isinstance(template, str) else json.dumps(template)
        stack = {
            "StackName": "Lake",
            "CreationTime": "2026-11-23T10:00:00Z",
            "StackStatus": "CREATE_COMPLETE",
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()],
        }
        with Stubber(cloudformation) as stub:
            stub.add_response(
                "get_template", {"TemplateBody": body}, {"StackName": "Lake", "TemplateStage": "Original"}
            )
            stub.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "Lake"})
            return find_pipeline(cloudformation, "Lake", pipeline)

    return run


def template(pipelines: Mapping[str, Mapping[str, str]]) -> Mapping[str, Any]:
    return {"Metadata": {"GenesysFirehosePipelines": pipelines}, "Resources": {}}


def test_another_output_whose_name_ends_alike_is_not_taken(find: Find) -> None:
    found = find(template(ONE))
    assert (found.path, found.output("BucketName"), found.output("StreamNames")) == ("Lake/Pipeline", "lake", "stream")


@pytest.mark.parametrize("asked", ["Lake/Care/Pipeline", "Care/Pipeline"])
def test_one_of_two_is_named_by_its_path_or_the_end_of_it(find: Find, asked: str) -> None:
    assert find(template(TWO), asked).output("BucketName") == "care"


def test_a_path_that_is_also_the_end_of_another_is_taken_as_it_is(find: Find) -> None:
    nested = {"Pipeline": {"BucketName": "SalesBucketName"}, "Lake/Pipeline": {"BucketName": "CareBucketName"}}
    assert find(template(nested), "Pipeline").output("BucketName") == "sales"


@pytest.mark.parametrize(
    ("content", "asked", "sentence"),
    [
        pytest.param(
            template(TWO),
            None,
            "The stack Lake holds 2 pipelines; name one with --pipeline: Lake/Care/Pipeline, Lake/Sales/Pipeline.",
            id="two and none named",
        ),
        pytest.param(
            template(TWO),
            "Pipeline",
            "--pipeline Pipeline is the end of 2 paths; name one of them: Lake/Care/Pipeline, Lake/Sales/Pipeline.",
            id="ambiguous end",
        ),
        pytest.param(
            template(ONE),
            "Events",
            "The stack Lake holds no pipeline Events; name one with --pipeline: Lake/Pipeline.",
            id="wrong name",
        ),
        pytest.param(
            template(ONE),
            "line",
            "The stack Lake holds no pipeline line; name one with --pipeline: Lake/Pipeline.",
            id="the end of an id is no end of a path",
        ),
        *(
            pytest.param(
                content,
                None,
                "The template of the stack Lake has no Metadata GenesysFirehosePipelines, which names its pipelines: "
                "deploy it again with this version of genesys-firehose-cdk, or name another stack with --stack.",
                id=name,
            )
            for name, content in {
                "no metadata": {"Resources": {}},
                "no pipelines": template({}),
                "YAML": "Resources: {}\n",
            }.items()
        ),
    ],
)
def test_a_pipeline_that_cannot_be_told_is_a_sentence(
    find: Find, content: Mapping[str, Any] | str, asked: str | None, sentence: str
) -> None:
    with pytest.raises(PipelineError) as raised:
        find(content, asked)
    assert str(raised.value) == sentence


def test_an_output_that_the_pipeline_does_not_have_is_a_sentence(find: Find) -> None:
    with pytest.raises(PipelineError) as raised:
        find(template(ONE)).output("RebuildStateMachineArn")
    assert str(raised.value) == (
        "The pipeline Lake/Pipeline of the stack Lake has no output RebuildStateMachineArn; "
        "it has BucketName, StreamNames: deploy the stack again with this version of genesys-firehose-cdk and what the "
        "command needs, or name another with --stack."
    )


@pytest.mark.parametrize(
    ("code", "message", "sentence"),
    [
        (
            "ValidationError",
            "Stack with id Lake does not exist",
            "There is no stack Lake in eu-central-1: name another with --stack, or its region with --region.",
        ),
        (
            "AccessDenied",
            "not authorized",
            "The stack Lake may not be read: allow cloudformation:GetTemplate and cloudformation:DescribeStacks on it, "
            "or name another AWS profile with --profile.",
        ),
        ("Throttling", "Rate exceeded", "The stack Lake in eu-central-1 can't be read: "),
    ],
)
def test_a_stack_that_cannot_be_read_is_a_sentence_with_the_option_that_helps(
    cloudformation: Any, code: str, message: str, sentence: str
) -> None:
    with Stubber(cloudformation) as stub:
        stub.add_client_error("get_template", code, message, 400)
        with pytest.raises(PipelineError) as raised:
            find_pipeline(cloudformation, "Lake")
    assert str(raised.value).startswith(sentence)


def test_two_pipelines_of_a_synthesized_stack_are_found_with_their_own_outputs(cloudformation: Any) -> None:
    stack = new_stack()
    for name in ("Sales", "Care"):
        GenesysFirehosePipeline(stack, name)
    # An app may give outputs other ids, and outputs of its own any name.
    renamed = GenesysFirehosePipeline(stack, "Third")
    renamed.outputs["BucketName"].override_logical_id("TheLake")
    cdk.CfnOutput(stack, "OtherBucketName", value="not-the-lake")
    synthesized = template_of(stack).content
    # What CloudFormation would answer: each output's own logical id, as a value that tells it from all others.
    outputs = [{"OutputKey": key, "OutputValue": f"value of {key}"} for key in synthesized["Outputs"]]
    found = {}
    for name in ("Sales", "Care", "Third"):
        with Stubber(cloudformation) as stub:
            stub.add_response("get_template", {"TemplateBody": json.dumps(synthesized)})
            answer = {
                "StackName": "Test",
                "CreationTime": "2026-11-23T10:00:00Z",
                "StackStatus": "CREATE_COMPLETE",
                "Outputs": outputs,
            }
            stub.add_response("describe_stacks", {"Stacks": [answer]})
            found[name] = find_pipeline(cloudformation, "Test", name)
    assert {name: pipeline.path for name, pipeline in found.items()} == {name: f"Test/{name}" for name in found}
    assert found["Third"].output("BucketName") == "value of TheLake"
    for name in ("Sales", "Care"):
        assert found[name].output("BucketName").startswith(f"value of {name}BucketName")
        assert found[name].outputs.keys() == found["Third"].outputs.keys()
