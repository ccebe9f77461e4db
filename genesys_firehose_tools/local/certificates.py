"""Certificates, and servers of this machine that show them: the embedded AWS has no TLS."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from genesys_firehose_tools.local.errors import LocalError

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """A certificate authority that nobody knows yet; the command openssl makes its certificates.

    Args:
        directory: Where its files are.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.certificate = directory / "authority.pem"
        self._run(
            *("req", "-x509", *_KEY, "-subj", "/CN=Authority", "-days", "400"),
            *("-keyout", "authority.key", "-out", self.certificate.name),
        )

    def issue(self, name: str, days: int = 100) -> ssl.SSLContext:
        """Return a server's side with a certificate for a name, which ends in so many days; one below 0 has ended."""
        self._run("req", *_KEY, "-subj", f"/CN={name}", "-keyout", "s.key", "-out", "s.csr")
        (self._directory / "s.cnf").write_text(f"subjectAltName=DNS:{name}\n")
        self._run(
            *("x509", "-req", "-in", "s.csr", "-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"),
            *("-days", str(days), "-extfile", "s.cnf", "-out", "s.pem"),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._directory / "s.pem", self._directory / "s.key")
        return context

    def trust(self) -> ssl.SSLContext:
        """Return the side of a client that trusts this authority."""
        return ssl.create_default_context(cafile=self.certificate)

    def _run(self, *arguments: str) -> None:
        openssl = shutil.which("openssl")
        if openssl is None:
            raise LocalError("The command openssl is not installed; it makes the certificates of the local TLS server.")
        subprocess.run([openssl, *arguments], cwd=self._directory, check=True, capture_output=True)  # noqa: S603


@contextmanager
def tls_server(context: ssl.SSLContext | None, answer: bytes = b"") -> Iterator[int]:
    """Accept connections with TLS, or without, answer what is asked, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        if context is None:
                            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                        else:
                            with context.wrap_socket(connection, server_side=True) as secure:
                                if answer and secure.recv(65536):
                                    secure.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)
