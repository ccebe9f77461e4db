"""`python -m genesys_firehose_tools.local.firehose`: a local Firehose for the streams of an embedded AWS.

Prints one JSON line with its URL once it answers, for example `{"url": "http://127.0.0.1:41234"}`, and serves until
SIGTERM or SIGINT. Then it delivers what it holds and exits with 0, or with 1 when S3 did not take everything.
The credentials come from the environment and only have to be allowed to read the stream's description and
its stack and to assume its roles.
"""

import argparse
import json
import logging
import signal
import sys
import threading

from genesys_firehose_tools.local.firehose.server import LocalFirehose


def main() -> int:
    """Run until told to stop; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m genesys_firehose_tools.local.firehose", description=__doc__)
    parser.add_argument("--endpoint-url", required=True, help="the embedded AWS")
    parser.add_argument("--region", required=True, help="the streams' region")
    parser.add_argument("--port", type=int, default=0, help="the TCP port on 127.0.0.1 (default: any free one)")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of buffering in one real second (default: 1)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    firehose = LocalFirehose.of_endpoint(
        arguments.endpoint_url, region=arguments.region, port=arguments.port, speed=arguments.speed
    )
    firehose.start()
    print(json.dumps({"url": firehose.url}), flush=True)
    stop.wait()
    return 0 if firehose.stop() else 1


if __name__ == "__main__":
    sys.exit(main())
