import pytest
from finished_run import MANIFEST, PRICES

from analysis.report import save
from analysis.run_files import RunFiles

FILES = RunFiles(None, MANIFEST)


def test_the_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(save, "make_report", lambda *_, **words: f"<p>{words['force_unit']}</p>")
    assert save.save_report(FILES, PRICES, tmp_path, force_unit="meV/Å") == tmp_path / "report.html"
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "<p>meV/Å</p>"

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(type(tmp_path), "replace", full)
    with pytest.raises(OSError, match="no space"):
        save.save_report(FILES, PRICES, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "<p>meV/Å</p>"
