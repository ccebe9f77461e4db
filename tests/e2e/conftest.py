"""One deployed pipeline for all end-to-end tests, and what they do with it."""

import hashlib
import hmac
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import urllib3

from genesys_firehose_tools.local.deployment import Deployment, synthesize
from genesys_firehose_tools.local.events import EventGenerator
from genesys_firehose_tools.local.lake import Lake, wait_until_settled
from genesys_firehose_tools.local.pipeline import LocalPipeline, temporary_pipeline
from genesys_firehose_tools.local.values import GeneratedEvent
from genesys_firehose_tools.operations.deployed_pipeline import find_pipeline
from tests.library.synthesis import CONTEXT, ROOT

_SETTLED_WITHIN_SECONDS = 60.0
LOCAL_SETTINGS = CONTEXT["environments"]["local"]
"""The environment of the app that the tests deploy."""

_ID = re.compile(r"(?<=\.)[0-9a-f-]{36}|(?<=entitytype\.)\w+")


@dataclass
class Sender:
    """A sender with the deployment's key, which sees what it causes in the lake."""

    deployment: Deployment
    settled_within_seconds: float = _SETTLED_WITHIN_SECONDS
    lakes: dict[str, Lake] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lakes = {prefix: Lake(self.deployment, prefix) for prefix in ("clean/", "raw/", "errors/")}

    def post(self, body: bytes, signature: str | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
        """Post bytes, signed with the deployment's key unless a signature is given."""
        signature = signature or hmac.new(self.deployment.signing_key(), body, hashlib.sha256).hexdigest()
        return urllib3.request(
            "POST",
            self.deployment.ingest_url,
            body=body,
            headers={"Content-Type": "application/json", "X-Genesys-Signature": signature, **headers},
            retries=False,
            timeout=30,
        )

    def post_events(self, *events: GeneratedEvent) -> dict[str, Any]:
        """Post events in one request and return the answer, which must accept them."""
        answer = self.post(json.dumps([event.body for event in events]).encode())
        assert answer.status == 200, answer.data
        return dict(answer.json())

    def landed(self, prefix: str = "clean/") -> list[str]:
        """Return the lines that have come under a prefix since this sender began, once nothing more is under way."""
        wait_until_settled(self.deployment, self.settled_within_seconds)
        lake = self.lakes[prefix]
        lake.refresh()
        return list(lake.lines())

    def landings(self, event: GeneratedEvent, prefix: str = "clean/") -> list[dict[str, Any]]:
        """Return the records of one event."""
        return [json.loads(line) for line in self.landed(prefix) if event.marker in line]


@pytest.fixture(scope="session")
def pipeline() -> Iterator[LocalPipeline]:
    with pipeline_with() as pipeline:
        yield pipeline


@pytest.fixture(scope="session")
def own_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app of the package, synthesized once for all who deploy it as it is."""
    assembly = tmp_path_factory.mktemp("own-app")
    synthesize(assembly)
    return assembly


@contextmanager
def pipeline_with(**settings: Any) -> Iterator[LocalPipeline]:
    """Deploy the app of this checkout with some settings of its local environment changed."""
    context = {**CONTEXT, "env": "local", "environments": {"local": {**LOCAL_SETTINGS, **settings}}}
    with TemporaryDirectory() as assembly:
        synthesize_with_node([str(ROOT / "app.py")], assembly, CDK_CONTEXT_JSON=json.dumps(context))
        with temporary_pipeline("test", Path(assembly)) as pipeline:
            yield pipeline


def synthesize_with_node(arguments: list[str], assembly: str, **environment: str) -> None:
    """Run a CDK app, as the CDK's command line would, with the Node.js that is installed beside Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.defpath])
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        capture_output=True,
        env={"PATH": path, "HOME": os.environ["HOME"], "CDK_OUTDIR": assembly, **environment},
    )


@pytest.fixture
def deployment(pipeline: LocalPipeline) -> Deployment:
    return pipeline.deployment


@pytest.fixture
def sender(deployment: Deployment) -> Sender:
    return Sender(deployment)


@pytest.fixture
def generate() -> Callable[[str], GeneratedEvent]:
    """Generate events that no other test has sent."""
    return EventGenerator(random.SystemRandom().getrandbits(64)).generate


def set_retry_delay(deployment: Deployment, seconds: int) -> None:
    """Let a message that failed come again after so many seconds, and later after a multiple of them."""
    functions, name = deployment.client("lambda"), output_of(deployment, "IngestFunctionName")
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "RETRY_DELAY_SECONDS": str(seconds)}}
    )


def topic_template(event: GeneratedEvent) -> str:
    """Return the template that Genesys Cloud has for an event's topic: every id is a literal {id}."""
    return _ID.sub("{id}", event.body["topicName"])


def eventually(condition: Callable[[], bool], within_seconds: float = 30) -> bool:
    """Tell whether a condition comes true in time."""
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def output_of(deployment: Deployment, name: str) -> str:
    """Return an output of the deployed pipeline."""
    return find_pipeline(deployment.client("cloudformation"), deployment.stack).output(name)


def queue_length(deployment: Deployment, queue: str) -> int:
    attributes = deployment.client("sqs").get_queue_attributes(
        QueueUrl=queue,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return sum(int(count) for count in attributes.values())
