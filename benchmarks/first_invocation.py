"""Imports a handler and invokes it once, in this interpreter alone; prints the CPU seconds of the one and of both.

Arguments: the handler's module and name, and a file with the event; without a name, the module is imported alone.
Run as a script; only what Lambda's own runtime has imported as well is imported before the clock starts.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.lambda_context import Context


def _first_invocation(module: str, name: str, event: object) -> list[float]:
    started = time.process_time()
    imported_module = importlib.import_module(module)
    imported = answered = time.process_time()
    if name:
        answer = getattr(imported_module, name)(event, Context())
        answered = time.process_time()
        if not ("records" in answer or answer["statusCode"] == 200):
            raise RuntimeError("the handler did not accept the event")
    return [imported - started, answered - started]


# CPython 3.11 takes memory from the system and gives it back with each call over the border of a chunk of its stack;
# later releases do not (its issue 142183). Where the border lies depends on how deeply the imports are
# nested, and moved a figure by up to a third. A frame of this size gets a chunk with room for all that it calls.
_first_invocation.__code__ = _first_invocation.__code__.replace(co_stacksize=20_000)

if __name__ == "__main__":
    module, name, event_file = sys.argv[1:]
    event = json.loads(Path(event_file).read_text(encoding="utf-8"))
    # What the function writes is nothing that we read.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    print(json.dumps(_first_invocation(module, name, event)), file=output, flush=True)
