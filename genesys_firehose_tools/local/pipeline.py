"""A local pipeline: an embedded AWS with an app deployed into it, under a name."""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from genesys_firehose_tools.local.assembly import read_app
from genesys_firehose_tools.local.aws import DEFAULT_SPEED, EmbeddedAws
from genesys_firehose_tools.local.deployment import Deployment, deploy, organization_of, synthesize
from genesys_firehose_tools.local.errors import LocalError
from genesys_firehose_tools.local.front_door import FrontDoorKind


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
        app: Path | None = None,
        *,
        stack: str | None = None,
        pipeline: str | None = None,
        front_door: FrontDoorKind = FrontDoorKind.REST_API,
        outlive_caller: bool = True,
        speed: float = DEFAULT_SPEED,
        report: Callable[[str], None] = lambda _: None,
    ) -> "LocalPipeline":
        """Start an embedded AWS and deploy an app into it.

        Args:
            name: The name by which other processes find it.
            app: The directory of a synthesized app. Default: the app of this package, synthesized now.
            stack: The pipeline's stack in the app. Default: the only one with a pipeline.
            pipeline: The pipeline's construct path, or the end of it. Default: the only one.
            front_door: The webhook's front door in the app of this package.
            outlive_caller: Whether it stays up when the calling process ends.
            speed: Seconds of Firehose's buffering that pass in one.
            report: Told what is being done.

        Raises:
            LocalError: It runs already, the app can't be deployed, or a step failed; the logs stay where the message
                says.
        """
        directory = _directory(name)
        if cls.find(name):
            raise LocalError(
                f"A local pipeline named {name} is up already: stop it with `genesys-firehose local down --name "
                f"{name}`, or give another --name."
            )
        with TemporaryDirectory() as temporary:
            if app is None:
                report("synthesizing the app")
                synthesize(Path(temporary), front_door)
            found = read_app(app or Path(temporary), stack, pipeline)
            report("starting the embedded AWS")
            aws = EmbeddedAws.start(
                directory, outlive_caller=outlive_caller, speed=speed, organization_id=organization_of(found)
            )
            try:
                report("deploying the app")
                up = cls(aws, deploy(aws, found), speed)
                state = {
                    "aws": {"port": aws.port, "pid": aws.pid, "token": aws.token},
                    "deployment": asdict(up.deployment),
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
        return up

    @classmethod
    def find(cls, name: str) -> "LocalPipeline | None":
        """Return the running pipeline of this name, if there is one.

        Raises:
            LocalError: Another version of this package has started it.
        """
        try:
            state = json.loads(_state_file(name).read_text())
        except FileNotFoundError:
            return None
        aws = EmbeddedAws(_directory(name), **state["aws"])
        if not aws.is_running():
            return None
        try:
            return cls(aws, Deployment(**state["deployment"]), state["speed"])
        except (KeyError, TypeError):
            raise LocalError(
                f"The local pipeline named {name} was started by another version of genesys-firehose-cdk: end its "
                f"process group, `kill -- -{aws.pid}`, and start it again."
            ) from None

    @classmethod
    def get(cls, name: str) -> "LocalPipeline":
        """Return the running pipeline of this name.

        Raises:
            LocalError: There is none.
        """
        pipeline = cls.find(name)
        if pipeline is None:
            raise LocalError(f"No local pipeline named {name} is up; start it with `{_start(name)}`.")
        return pipeline

    def down(self) -> None:
        """Stop everything and delete everything it stored."""
        self.aws.stop()


@contextmanager
def temporary_pipeline(
    purpose: str,
    app: Path | None = None,
    *,
    stack: str | None = None,
    pipeline: str | None = None,
    front_door: FrontDoorKind = FrontDoorKind.REST_API,
    report: Callable[[str], None] = lambda _: None,
) -> Iterator[LocalPipeline]:
    """Provide a new pipeline of an app, and take it down at the end in any case."""
    name = f"{purpose}-{secrets.token_hex(4)}"
    up = LocalPipeline.up(
        name, app, stack=stack, pipeline=pipeline, front_door=front_door, outlive_caller=False, report=report
    )
    try:
        yield up
    finally:
        up.down()


def _start(name: str) -> str:
    return "genesys-firehose local up" + (f" --name {name}" if name != "default" else "")


def _directory(name: str) -> Path:
    if not name.replace("-", "").isalnum():
        raise LocalError(f"The name {name!r} is not one: letters, digits and hyphens are allowed.")
    # XDG Base Directory Specification: what lasts from one run to the next, and is no setting.
    states = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(states) / "genesys-firehose" / name


def _state_file(name: str) -> Path:
    return _directory(name) / "state.json"
