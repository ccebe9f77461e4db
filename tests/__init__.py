"""The tests. The CDK runs on the Node that the environment brings along, also with its bin folder off the PATH."""

import os
import sys
from pathlib import Path

os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
