"""The wheel, installed into an environment of its own, away from the checkout and without a network."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build_wheel(directory: Path) -> Path:
    """Build the wheel of this checkout."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)], cwd=ROOT, check=True
    )
    [path] = directory.glob("*.whl")
    return path


@dataclass(frozen=True)
class Installation:
    """An environment with the wheel, and a directory to work in."""

    binaries: Path
    directory: Path

    @classmethod
    def of(cls, wheel: Path, directory: Path) -> "Installation":
        """Install a wheel; what it depends on comes from this environment, without the checkout."""
        environment, outside = directory / "venv", directory / "app"
        venv.create(environment, with_pip=False)
        binaries = environment / "bin"
        uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--offline", "--no-deps", "--quiet"]
        subprocess.run([*uv, "--python", str(binaries / "python"), str(wheel)], check=True)
        [packages] = environment.glob("lib/*/site-packages")
        # Behind the wheel's own packages, and without the checkout that is installed in editable mode.
        for entry in Path(sysconfig.get_path("purelib")).iterdir():
            if not entry.name.startswith(("genesys_firehose_cdk", "_editable", "_genesys")) and entry.suffix != ".pth":
                link = packages / entry.name
                if not link.exists():
                    link.symlink_to(entry)
        (binaries / "node").symlink_to(Path(sys.executable).with_name("node"))
        outside.mkdir()
        return cls(binaries, outside)

    def run(self, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the directory."""
        return self._run([str(self.binaries / program), *arguments], environment)

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script in the directory, until the first command that fails."""
        return self._run(["bash", "-euo", "pipefail", "-c", script], {})

    def _run(self, command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.directory,
            env={
                "PATH": os.pathsep.join([str(self.binaries), os.defpath]),
                "HOME": str(self.directory),
                # Every connection that honours a proxy fails at once.
                "HTTPS_PROXY": "http://127.0.0.1:1",
                "HTTP_PROXY": "http://127.0.0.1:1",
                "NO_PROXY": "127.0.0.1,localhost",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
