"""What a call of the local Genesys Cloud can be refused with."""


class ApiError(Exception):
    """An answer that is an error.

    Attributes:
        status: The HTTP status.
        code: Genesys Cloud's code.
        retry_after: Seconds for the header Retry-After.
    """

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after
