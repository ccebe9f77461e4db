"""Looks at what a release would publish: `python -m release.check`. The archives stay in `dist`.

It builds both archives, lets twine look at them, holds the wheel's list of files against the sources, installs it into
an empty environment, synthesizes an app there, measures the import and writes the bill of materials.
"""

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

from release.environments import ROOT, Environment, build, environment

DIST = ROOT / "dist"
# A synthesis waits for it each time; most of it is the CDK's own.
_LONGEST_IMPORT_SECONDS = 10.0
_PACKAGES = {
    "genesys_firehose_cdk": ROOT / "genesys_firehose_cdk",
    "genesys_firehose_tools": ROOT / "genesys_firehose_tools",
    "genesys_firehose_cdk/lambda_src": ROOT / "lambda_src",
}
_IMPORT = """
import time
begin = time.process_time()
import aws_cdk
half = time.process_time()
import genesys_firehose_cdk
print(half - begin, time.process_time() - half)
"""


def version() -> str:
    """Return the version, which stands in pyproject.toml alone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def expected_files() -> set[str]:
    """Return what the wheel must hold: every file of the packages that git knows."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    known = [ROOT / line for line in listed.stdout.splitlines()]
    return {
        f"{package}/{file.relative_to(folder).as_posix()}"
        for package, folder in _PACKAGES.items()
        for file in known
        if file.is_relative_to(folder)
    }


def review_wheel(wheel: Path) -> list[str]:
    """Return a sentence for every file of the wheel that should not be there, or is missing."""
    found = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = expected_files()
    return [f"The wheel has {name}, which git does not know." for name in sorted(found - expected)] + [
        f"The wheel lacks {name}." for name in sorted(expected - found)
    ]


def _report_contents(archives: list[Path]) -> None:
    for archive in archives:
        sys.stdout.write(f"{archive.name}: {archive.stat().st_size / 1e6:.1f} MB\n")
        if archive.suffix == ".whl":
            files = zipfile.ZipFile(archive).infolist()
            for package in _PACKAGES:
                sizes = [file.file_size for file in files if file.filename.startswith(f"{package}/")]
                sys.stdout.write(f"  {package}: {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB\n")
        else:
            with tarfile.open(archive) as sources:
                sys.stdout.write(f"  {len(sources.getnames())} files\n")


def _try(made: Environment) -> None:
    made.run(made.python, str(ROOT / "examples" / "minimal" / "app.py"), CDK_OUTDIR="cdk.out")
    # The first run compiles what the synthesis has not; a machine that has more to do makes none of them faster.
    runs = [made.run(made.python, "-c", _IMPORT).split() for _ in range(3)]
    cdk, ours = (min(map(float, seconds)) for seconds in zip(*runs, strict=True))
    sys.stdout.write(f"import, of the CPU: {cdk:.1f} s for aws_cdk, {ours:.1f} s for genesys_firehose_cdk after it\n")
    if ours > _LONGEST_IMPORT_SECONDS:
        sys.exit(f"The import takes {ours:.1f} s, {_LONGEST_IMPORT_SECONDS} are allowed.")


def main() -> None:
    """Check, and end with a sentence where a release would be wrong."""
    shutil.rmtree(DIST, ignore_errors=True)
    archives = build(DIST, "wheel", "sdist")
    [wheel] = [archive for archive in archives if archive.suffix == ".whl"]
    number = version()
    if problems := review_wheel(wheel):
        sys.exit("\n".join(problems))
    _report_contents(archives)
    with environment(options=["--require-hashes", "-r", str(ROOT / "release.lock")]) as tools:
        tools.run(tools.python, "-m", "twine", "check", "--strict", *map(str, archives))
        with environment(str(wheel)) as made:
            _try(made)
            bill = DIST / f"genesys-firehose-cdk-{number}.cdx.json"
            options = [
                "--output-format",
                "JSON",
                "--output-file",
                str(bill),
                "--pyproject",
                str(ROOT / "pyproject.toml"),
            ]
            tools.run(tools.python, "-m", "cyclonedx_py", "environment", *options, made.python)
    made_of = ", ".join(path.name for path in sorted(DIST.iterdir()))
    has_section = f"## [{number}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    missing = "" if has_section else f" once CHANGELOG.md has a section of {number}"
    sys.stdout.write(f"{number} can be released{missing}: {made_of}\n")


if __name__ == "__main__":
    main()
