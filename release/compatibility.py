"""Tries the library with the lowest and the newest of its dependencies: `python -m release.compatibility`.

The examples synthesize with both, and the functions' archives are the same bytes: what a function does must not
change because somebody has another version of the CDK.
"""

import argparse
import json
import sys
import tempfile
import tomllib
from pathlib import Path

from release.environments import ROOT, Environment, build, environment

# Without cdk-nag, which is no dependency of the library.
EXAMPLES = ("minimal", "bus_only", "several_pipelines", "embedded")
_VERSIONS = """
from importlib.metadata import version
print(", ".join(f"{name} {version(name)}" for name in ("aws-cdk-lib", "constructs")))
"""


def functions(example: str, made: Environment) -> dict[str, str]:
    """Synthesize an example, and return the hash of the code of each function of ours, by its handler."""
    made.run(made.python, str(ROOT / "examples" / example / "app.py"), CDK_OUTDIR=example)
    assembly = made.directory / "work" / example
    found = {}
    for template in sorted(assembly.glob("*.template.json")):
        for resource in json.loads(template.read_text())["Resources"].values():
            properties = resource.get("Properties", {})
            handler = properties.get("Handler", "")
            # The CDK's own functions are Node's.
            if resource["Type"] == "AWS::Lambda::Function" and handler.endswith(".handler.handle"):
                found[handler] = properties["Code"]["S3Key"]
    return found


def dependencies() -> list[str]:
    """Return what the library requires, as pyproject.toml says it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["dependencies"])


def main() -> None:
    """Try the lowest and the newest versions, or those of the CDK that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cdk", action="append", help="a version of aws-cdk-lib to try instead; may be repeated")
    parser.add_argument("--python", default=sys.executable, help="another Python to try with")
    given = parser.parse_args()
    tries = (
        {f"aws-cdk-lib {each}": [f"aws-cdk-lib=={each}"] for each in given.cdk}
        if given.cdk
        # For uv the wheel's dependencies are direct ones if they are named beside it.
        else {"lowest": [*dependencies(), "--resolution", "lowest-direct"], "newest": ["--upgrade"]}
    )
    seen = {}
    with tempfile.TemporaryDirectory() as directory:
        [wheel] = build(Path(directory))
        for name, options in tries.items():
            with environment(str(wheel), options=options, python=given.python) as made:
                versions = made.run(made.python, "-c", _VERSIONS).strip()
                seen[name] = {example: functions(example, made) for example in EXAMPLES}
                sys.stdout.write(f"{name}: {versions}: {len(EXAMPLES)} examples synthesize\n")
    if len({json.dumps(each, sort_keys=True) for each in seen.values()}) != 1:
        sys.exit(f"The functions' code differs: {json.dumps(seen, indent=2)}")
    sys.stdout.write("The functions' code is the same bytes with all of them.\n")


if __name__ == "__main__":
    main()
