"""The one error type that the command line shows to its user as a sentence."""


class LocalError(Exception):
    """Something the user can act on: a missing tool, a failed deployment, an instance that is not there."""
