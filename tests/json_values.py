"""Strategies for JSON: any value, and any way to write it down."""

import json
from typing import Any

from hypothesis import strategies as st

# Lone surrogates among them: JSON can escape them, though UTF-8 can't hold them.
texts = st.text(st.characters(codec=None), max_size=12)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(texts, values, max_size=5)


@st.composite
def writings(draw: st.DrawFn, value: Any) -> bytes:
    """One of the many texts of a value: escaped or not, on one line or many."""
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\r\n", "\t: "), ("\n,", ":\r")]))
    indent = draw(st.sampled_from([None, 0, 2]))
    escaped = json.dumps(value, separators=separators, indent=indent)
    try:
        return draw(st.sampled_from([escaped, json.dumps(value, indent=indent, ensure_ascii=False)])).encode()
    except UnicodeEncodeError:
        return escaped.encode()


@st.composite
def written_objects(draw: st.DrawFn) -> tuple[dict[str, Any], bytes]:
    """An object and one of its texts."""
    value = draw(objects)
    return value, draw(writings(value))
