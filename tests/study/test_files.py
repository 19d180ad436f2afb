from __future__ import annotations

import json
from pathlib import Path

import pytest

from study.files import write_json, write_text


def test_files_are_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.json"
    write_json(path, {"Å": 0.1 + 0.2})
    assert json.loads(path.read_text()) == {"Å": 0.1 + 0.2}
    assert [p.name for p in tmp_path.iterdir()] == ["data.json"]
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"x": float("nan")})

    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "half")
    assert json.loads(path.read_text()) == {"Å": 0.1 + 0.2}
