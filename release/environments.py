"""Environments with the wheel alone, away from the checkout."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_BINARIES = Path(sys.executable).parent


@dataclass(frozen=True)
class Environment:
    """An environment of its own, with an empty folder to work in."""

    directory: Path

    @property
    def python(self) -> str:
        """The environment's Python."""
        return str(self.directory / "venv" / "bin" / "python")

    def run(self, *command: str, **variables: str) -> str:
        """Run a command in the empty folder, with this checkout's Node, and return what it printed.

        Raises:
            subprocess.CalledProcessError: It failed; what it said is on standard error.
        """
        # A name that Python searches must not lead to the checkout.
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        path = os.pathsep.join([str(self.directory / "venv" / "bin"), str(_BINARIES), os.defpath])
        return subprocess.run(  # noqa: S603 - commands of ours
            command,
            cwd=self.directory / "work",
            env={**inherited, "PATH": path, **variables},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout


@contextmanager
def environment(*requirements: str, options: Sequence[str] = (), python: str = sys.executable) -> Iterator[Environment]:
    """Make an environment with what is required, from the registry, and take it away afterwards."""
    uv = str(_BINARIES / "uv")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "work").mkdir()
        made = Environment(directory)
        subprocess.run([uv, "venv", "--quiet", "--python", python, str(directory / "venv")], check=True)  # noqa: S603
        install = [uv, "pip", "install", "--quiet", "--python", made.python, *options, *requirements]
        subprocess.run(install, check=True)  # noqa: S603
        yield made


def build(directory: Path, *kinds: str) -> list[Path]:
    """Build the wheel, or what `kinds` says, and return the archives."""
    targets = [word for kind in kinds or ("wheel",) for word in ("-t", kind)]
    command = [sys.executable, "-m", "hatchling", "build", *targets, "-d", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return sorted(directory.iterdir())
