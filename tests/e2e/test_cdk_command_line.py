"""The CDK's own command line, at the pinned version, bootstraps, uploads and deploys what the app synthesizes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from genesys_firehose_tools.local.adaptation import remove_unsupported
from genesys_firehose_tools.local.aws import ACCOUNT, REGION, SECRET_ACCESS_KEY, EmbeddedAws
from tests.e2e.conftest import LOCAL_SETTINGS, synthesize_with_node
from tests.library.synthesis import CONTEXT, ROOT

NODE = Path(sys.executable).with_name("node")
CDK = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
# Of the local environment, what needs no Genesys Cloud.
SETTINGS = {key: LOCAL_SETTINGS[key] for key in ("org_id", "event_source_suffix", "topics", "removal_policy")}


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[EmbeddedAws]:
    aws = EmbeddedAws.start(tmp_path / "aws")
    yield aws
    aws.stop()


def test_the_pinned_command_line_deploys_the_app(aws: EmbeddedAws, tmp_path: Path) -> None:
    environment = {
        "PATH": os.pathsep.join([str(NODE.parent), os.defpath]),
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
    }

    def cdk(*arguments: str) -> str:
        completed = subprocess.run(
            [str(NODE), str(CDK), *arguments, "--no-notices", "--no-color", "--ci"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert completed.returncode == 0, completed.stdout + completed.stderr
        return completed.stdout

    assembly = tmp_path / "cdk.out"
    context = {**CONTEXT, "env": "local", "environments": {"local": SETTINGS}}
    synthesize_with_node([str(ROOT / "app.py")], str(assembly), CDK_CONTEXT_JSON=json.dumps(context))
    path = assembly / "GenesysFirehose-local.template.json"
    template = json.loads(path.read_text())
    remove_unsupported(template, aws.supported_types)
    path.write_text(json.dumps(template))

    cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")
    printed = cdk(
        "deploy",
        "GenesysFirehose-local",
        *("--app", str(assembly), "--method", "direct", "--require-approval", "never"),
    )

    cloudformation = boto3.client(
        "cloudformation",
        endpoint_url=aws.endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=Config(proxies={}),
    )
    [stack] = cloudformation.describe_stacks(StackName="GenesysFirehose-local")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {"IngestUrl", "BucketName", "PartnerBusName"} <= {output["OutputKey"] for output in stack["Outputs"]}
    assert without_what_differs(printed).strip().endswith(without_what_differs(shown_to_beginners()))


def shown_to_beginners() -> str:
    """Return what the page of the first deployment says that the command line prints."""
    page = (ROOT / "docs" / "start" / "deployment.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^```text\n(✅.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    return str(block)


def without_what_differs(text: str) -> str:
    """Leave out what another run has otherwise: ports, times, and what AWS and the CDK number."""
    return re.sub(r"localhost:\d+|\b[\d.]+s\b|\b[0-9a-f]{8}-[-0-9a-f]{27}\b|[0-9A-Fa-f]{8,}", "…", text)
