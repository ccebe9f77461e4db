"""Files of the library and the code of its functions, without importing the library: that would start the AWS CDK."""

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

# Beside this package, in a checkout as in an installation.
_LIBRARY = Path(__file__).resolve().parents[1] / "genesys_firehose_cdk"


def published_topics() -> Mapping[str, str]:
    """Return every notification topic that Genesys Cloud publishes, with the SDK's model of its events."""
    topics: Mapping[str, str] = json.loads((_LIBRARY / "events" / "notification_topics.json").read_text("utf-8"))
    return topics


def function_module(name: str) -> ModuleType:
    """Import a module of the functions' code, such as `shared.event`."""
    installed = _LIBRARY / "lambda_src"
    directory = str(installed if installed.is_dir() else _LIBRARY.parent / "lambda_src")
    if directory not in sys.path:
        sys.path.append(directory)
    return import_module(name)
