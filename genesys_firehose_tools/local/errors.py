"""The errors of the local pipeline."""

from genesys_firehose_tools.errors import ToolError


class LocalError(ToolError):
    """Something the user can act on: a missing tool, a failed deployment, an instance that is not there."""
