"""Imports a handler and invokes it once, in this interpreter alone; prints the CPU seconds of each.

Arguments: the handler's module and name, and a file with the event. Run as a script; only what Lambda's own runtime
has imported as well is imported before the clock starts.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.lambda_context import Context

if __name__ == "__main__":
    module, name, event_file = sys.argv[1:]
    event = json.loads(Path(event_file).read_text(encoding="utf-8"))
    # What the function writes is nothing that we read.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    started = time.process_time()
    imported_module = importlib.import_module(module)
    imported = time.process_time()
    if name:
        answer = getattr(imported_module, name)(event, Context())
        if not ("records" in answer or answer["statusCode"] == 200):
            raise RuntimeError("the handler did not accept the event")
    answered = time.process_time()
    print(json.dumps([imported - started, answered - started]), file=output, flush=True)
