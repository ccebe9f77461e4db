"""The user's own events are read unchanged, or refused with the place of the mistake."""

from pathlib import Path

import pytest

from genesys_firehose_tools.local.errors import LocalError
from genesys_firehose_tools.local.input import read_events


@pytest.mark.parametrize("text", ['{"a": 1}\n\n{"b": 2}\n', '[{"a": 1}, {"b": 2}]', ' [ {"a": 1}, {"b": 2} ]\n'])
def test_lines_and_arrays_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "events").write_text(text)

    assert read_events(tmp_path / "events") == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "holds no events"),
        (b"[]", "holds no events"),
        (b'{"a": 1}\nnonsense', "line 2 is not JSON"),
        (b"[1]", "Event 1 of .* is no JSON object"),
        (b"\xff", "can't be read"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "events").write_bytes(content)

    with pytest.raises(LocalError, match=complaint):
        read_events(tmp_path / "events")
