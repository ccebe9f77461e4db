"""Shortens a clean event that is too large for any answer: its largest fields are closed, and named."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from transform import forms

# Genesys Cloud's events have their fields in `eventBody`, some in an object of it.
_MAX_LEVELS: Final = 3


def shorten(event: dict[str, Any], surplus: int, encode: Callable[[Any], bytes]) -> list[str]:
    """Close fields in place, the largest first, until so many bytes less are left, and return their paths.

    An object from which less than all must go is not closed itself, but fields of it.
    """
    return [".".join(path) for path in _close(event, surplus, encode, ())]


def _close(
    node: dict[str, Any], surplus: int, encode: Callable[[Any], bytes], path: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    sizes = {name: len(encode(value)) for name, value in node.items()}
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        if surplus <= 0:
            return
        inner = (*path, name if forms.is_field_name(name) else "*")
        if isinstance(node[name], dict) and sizes[name] > surplus and len(inner) < _MAX_LEVELS:
            yield from _close(node[name], surplus, encode, inner)
        else:
            node[name] = None
            yield inner
        surplus -= sizes[name]
