"""`python -m genesys_firehose_tools.local.genesys`: a local Genesys Cloud that shares event sources of an embedded AWS.

Prints one JSON line with its URL and its organization's id once it answers, for example
`{"url": "http://127.0.0.1:41234", "organization_id": "..."}`, and serves until SIGTERM or SIGINT.
"""

import argparse
import json
import logging
import signal
import threading

from genesys_firehose_tools.local.aws import ACCOUNT, SECRET_ACCESS_KEY
from genesys_firehose_tools.local.genesys.organization import Organization
from genesys_firehose_tools.local.genesys.partner import EmbeddedPartner
from genesys_firehose_tools.local.genesys.server import LocalGenesys


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m genesys_firehose_tools.local.genesys", description=__doc__)
    parser.add_argument("--endpoint-url", required=True, help="the embedded AWS")
    parser.add_argument("--organization-id", default="", help="the organization's id (default: a random one)")
    parser.add_argument("--client-id", default="client", help="the id of its OAuth client (default: client)")
    parser.add_argument("--client-secret", default="secret", help="the secret of its OAuth client (default: secret)")
    parser.add_argument("--port", type=int, default=0, help="the TCP port on 127.0.0.1 (default: any free one)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    organization = Organization(
        EmbeddedPartner(arguments.endpoint_url, ACCOUNT, SECRET_ACCESS_KEY),
        arguments.organization_id,
        {arguments.client_id: arguments.client_secret},
    )
    genesys = LocalGenesys(organization, arguments.port)
    genesys.start()
    print(json.dumps({"url": genesys.url, "organization_id": organization.id}), flush=True)
    stop.wait()
    genesys.stop()


if __name__ == "__main__":
    main()
