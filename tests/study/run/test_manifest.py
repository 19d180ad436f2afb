from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from study.run.manifest import package_versions

if TYPE_CHECKING:
    import pytest


def test_versions_are_those_of_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = package_versions()
    assert everything["torch"] == metadata.version("torch")
    assert {"pyscf", "rdkit", "tblite"} <= set(everything)
    installed = metadata.version

    def without_tblite(name: str) -> str:
        if name == "tblite":
            raise metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(metadata, "version", without_tblite)
    assert package_versions() == {name: version for name, version in everything.items() if name != "tblite"}
