"""The embedded AWS: ministack, a local Firehose and a local Genesys Cloud on free loopback ports, with a directory.

They are a child process and its children in their own session, so that stopping the process group also ends the
Lambda workers. It gets an environment of its own instead of the caller's: ministack hands its
environment on to the functions it runs, and a function on AWS sees no credentials or settings of a developer.
"""

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from genesys_firehose_tools.local.errors import LocalError

ACCOUNT = "000000000000"
"""The account of every embedded AWS: ministack takes a 12-digit access key for the account's number."""

SECRET_ACCESS_KEY = "test"  # noqa: S105 - ministack's own, good for nothing elsewhere
"""The secret half of the access key."""

REGION = "us-east-1"
"""The region of every embedded AWS."""

DEFAULT_SPEED = 60.0
"""Firehose's sixty seconds of buffering pass in one."""

FIREHOSE_URL_FILE = "firehose-url"
"""Where the process leaves the URL of its local Firehose."""

GENESYS_URL_FILE = "genesys-url"
"""Where the process leaves the URL of its local Genesys Cloud."""

SUPPORTED_TYPES_FILE = "supported-types"
"""Where the process leaves the types of resources that its CloudFormation can create."""

SPEED = "EMBEDDED_AWS_FIREHOSE_SPEED"
"""The variable that tells the process how fast its Firehose's time passes."""

ORGANIZATION = "EMBEDDED_AWS_GENESYS_ORGANIZATION"
"""The variable that tells the process the id of its local Genesys Cloud's organization; empty for none."""

LIFELINE = "EMBEDDED_AWS_LIFELINE"
"""The variable that tells the process to end with the pipe on its standard input."""

NODE_MODULES = Path(__file__).parents[2] / "node_modules"
"""Where a checkout has AWS's SDK for Node.js; an installed package has none."""

_READY_WITHIN_SECONDS = 60.0
_START_ATTEMPTS = 5


def free_port() -> int:
    """Return a TCP port that is free on the loopback interface at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class EmbeddedAws:
    """A running embedded AWS.

    Attributes:
        directory: Its state, log and temporary files; deleted by ``stop``.
        port: The loopback port of its one HTTP endpoint.
        pid: The process id, which is the id of its process group too.
        token: What its health page repeats, so that no other process on the same port is taken for it.
    """

    directory: Path
    port: int
    pid: int
    token: str

    @property
    def endpoint_url(self) -> str:
        """The endpoint of every AWS service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def firehose_url(self) -> str:
        """The endpoint of the local Firehose that the functions use, and of its controls."""
        return (self.directory / FIREHOSE_URL_FILE).read_text()

    @property
    def genesys_url(self) -> str:
        """The endpoint of the local Genesys Cloud that the functions use, and of its controls; only if it has one."""
        return (self.directory / GENESYS_URL_FILE).read_text()

    @property
    def supported_types(self) -> frozenset[str]:
        """The types of resources that its CloudFormation can create."""
        return frozenset((self.directory / SUPPORTED_TYPES_FILE).read_text().split())

    @property
    def log(self) -> Path:
        """Where ministack writes its log, and the functions' own lines with it."""
        return self.directory / "aws.log"

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        outlive_caller: bool = False,
        speed: float = DEFAULT_SPEED,
        organization_id: str = "",
    ) -> "EmbeddedAws":
        """Start an embedded AWS and wait until it answers.

        Args:
            directory: A directory for its files alone.
            outlive_caller: Keep it running when the calling process ends; default is to end with the caller,
                however that ends.
            speed: Seconds of Firehose's buffering that pass in one.
            organization_id: Have a local Genesys Cloud beside it, with an organization of this id. Default: none.

        Raises:
            LocalError: One is running in this directory already, or it did not come up; the sentence then ends
                with the last line of its log.
        """
        (directory / "tmp").mkdir(parents=True, exist_ok=True)
        with (directory / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LocalError(f"An embedded AWS is running in {directory} already.") from None
            for _ in range(_START_ATTEMPTS):
                # A free port may be taken by someone else before ministack binds it: then it ends at once.
                aws = cls._spawn(directory, lock.fileno(), outlive_caller, speed, organization_id)
                if aws._becomes_ready():
                    return aws
                aws.kill()
        raise LocalError(f"The embedded AWS did not start: {_last_line(directory / 'aws.log')}")

    @classmethod
    def _spawn(
        cls, directory: Path, lock: int, outlive_caller: bool, speed: float, organization_id: str
    ) -> "EmbeddedAws":
        port, token = free_port(), uuid.uuid4().hex
        lifeline, held_by_caller = os.pipe()
        with (directory / "aws.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "genesys_firehose_tools.local.aws_process"],
                stdin=subprocess.DEVNULL if outlive_caller else lifeline,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=directory,
                start_new_session=True,
                pass_fds=[lock],
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "HOME": str(directory),
                    "LANG": "C.UTF-8",
                    "TMPDIR": str(directory / "tmp"),
                    "BIND_HOST": "127.0.0.1",
                    "GATEWAY_PORT": str(port),
                    "MINISTACK_EDITION": token,
                    # A state machine's waits, a minute and more, are over soon.
                    "SFN_WAIT_SCALE": "0.02",
                    "AWS_ACCESS_KEY_ID": ACCOUNT,
                    "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
                    "AWS_EC2_METADATA_DISABLED": "true",
                    # Lambda's Node.js brings AWS's SDK along; the CDK's functions import it.
                    "NODE_PATH": str(NODE_MODULES),
                    LIFELINE: "" if outlive_caller else "stdin",
                    SPEED: str(speed),
                    ORGANIZATION: organization_id,
                },
            )
        os.close(lifeline)
        if outlive_caller:
            os.close(held_by_caller)
        return cls(directory, port, process.pid, token)

    def _becomes_ready(self) -> bool:
        deadline = time.monotonic() + _READY_WITHIN_SECONDS
        while time.monotonic() < deadline and os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                if self._health().get("edition") == self.token:
                    return True
            time.sleep(0.05)
        return False

    def _health(self) -> dict[str, object]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/_ministack/health")
            health: dict[str, object] = json.load(connection.getresponse())
            return health
        finally:
            connection.close()

    def is_running(self) -> bool:
        """Tell whether the process lives: it holds its directory's lock as long as it does."""
        try:
            with (self.directory / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def enforce_iam(self) -> None:
        """Evaluate IAM policies from now on, for every caller and for the functions' roles.

        It is turned on after a deployment and not before: what is proven are the roles of the functions, not
        those of the CDK's bootstrap stack, which ministack refuses to let the CDK CLI assume.
        """
        os.kill(self.pid, signal.SIGUSR1)
        while self._health()["auth"] != "enabled":
            time.sleep(0.01)

    def stop(self) -> None:
        """End the process, the functions it runs and everything it stored."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self) -> None:
        """End the process and the functions it runs, but leave its log to be read."""
        # There is nothing to save, and no child can escape this signal. The lock says that the process id is
        # still its own.
        while self.is_running():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it wrote no log."
