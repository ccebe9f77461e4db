"""What every error of the command line has in common."""


class ToolError(Exception):
    """An error that the command line shows: its text is a sentence for the user."""
