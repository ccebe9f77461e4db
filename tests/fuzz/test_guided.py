"""For minutes, coverage leads the fuzzing of both functions; each input's memory, growth and time are bounded.

``FUZZ_SECONDS`` says how long each is fuzzed; 120 by default.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="Atheris has wheels for Linux on x86-64 alone")
ROOT = Path(__file__).parents[2]


@pytest.mark.soak
@pytest.mark.parametrize("target", ["door", "transform"])
def test_no_input_costs_more_than_its_bounds(target: str, tmp_path: Path) -> None:
    seconds = os.environ.get("FUZZ_SECONDS", "120")
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.fuzz.guided",
            target,
            f"-max_total_time={seconds}",
            f"-artifact_prefix={tmp_path}/",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "lambda_src")])},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [path.read_bytes() for path in tmp_path.iterdir()]
    assert run.returncode == 0, (run.stderr[-5000:], found)
    assert "DONE" in run.stderr
