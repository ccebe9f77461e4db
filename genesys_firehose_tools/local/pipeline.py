"""A local pipeline: an embedded AWS with this checkout's app deployed into it, under a name."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from genesys_firehose_tools.local.aws import DEFAULT_SPEED, EmbeddedAws
from genesys_firehose_tools.local.deployment import Deployment, checkout, deploy, environment_settings
from genesys_firehose_tools.local.errors import LocalError


@dataclass(frozen=True, slots=True)
class LocalPipeline:
    """A deployed pipeline and the embedded AWS it runs on.

    Attributes:
        aws: The embedded AWS.
        deployment: Where everything is.
        speed: Seconds of Firehose's buffering that pass in one.
    """

    aws: EmbeddedAws
    deployment: Deployment
    speed: float

    @classmethod
    def up(
        cls,
        name: str,
        *,
        outlive_caller: bool = True,
        speed: float = DEFAULT_SPEED,
        report: Callable[[str], None] = lambda _: None,
    ) -> "LocalPipeline":
        """Start an embedded AWS and deploy the app into it.

        Args:
            name: The name by which other processes find it.
            outlive_caller: Whether it stays up when the calling process ends.
            speed: Seconds of Firehose's buffering that pass in one.
            report: Told what is being done.

        Raises:
            LocalError: It runs already, or a step failed; the logs stay where the message says.
        """
        report("starting the embedded AWS")
        aws = EmbeddedAws.start(
            _directory(name),
            outlive_caller=outlive_caller,
            speed=speed,
            organization_id=environment_settings()["org_id"],
        )
        try:
            report("deploying the app")
            pipeline = cls(aws, deploy(aws), speed)
            state = {
                "aws": {"port": aws.port, "pid": aws.pid, "token": aws.token},
                "deployment": asdict(pipeline.deployment),
                "speed": speed,
            }
            _state_file(name).write_text(json.dumps(state, indent=2))
        except Exception:
            # Its logs stay, because they hold the reason.
            aws.kill()
            raise
        except BaseException:
            aws.stop()
            raise
        return pipeline

    @classmethod
    def find(cls, name: str) -> "LocalPipeline | None":
        """Return the running pipeline of this name, if there is one."""
        try:
            state = json.loads(_state_file(name).read_text())
        except FileNotFoundError:
            return None
        aws = EmbeddedAws(_directory(name), **state["aws"])
        return cls(aws, Deployment(**state["deployment"]), state["speed"]) if aws.is_running() else None

    @classmethod
    def get(cls, name: str) -> "LocalPipeline":
        """Return the running pipeline of this name.

        Raises:
            LocalError: There is none.
        """
        pipeline = cls.find(name)
        if pipeline is None:
            raise LocalError(f"No local pipeline named {name} is up; start it with `genesys-firehose local up`.")
        return pipeline

    def down(self) -> None:
        """Stop everything and delete everything it stored."""
        self.aws.stop()


@contextmanager
def temporary_pipeline(purpose: str, report: Callable[[str], None] = lambda _: None) -> Iterator[LocalPipeline]:
    """Provide a new pipeline, and take it down at the end in any case."""
    pipeline = LocalPipeline.up(f"{purpose}-{secrets.token_hex(4)}", outlive_caller=False, report=report)
    try:
        yield pipeline
    finally:
        pipeline.down()


def _directory(name: str) -> Path:
    if not name.replace("-", "").isalnum():
        raise LocalError(f"The name {name!r} is not one: letters, digits and hyphens are allowed.")
    return checkout() / "build" / "local" / name


def _state_file(name: str) -> Path:
    return _directory(name) / "state.json"
