"""Tables are told from their text, or what cannot be told is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from analysis.curves.table_text import read_table
from asteroid.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

BARS = ("columns set apart by bars",)
PLAIN = "n,seed,error\n25,0,0.21303\n50,1,0.15575\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PLAIN, ()),
        (PLAIN.replace(",", ";"), ("columns set apart by semicolons",)),
        (PLAIN.replace(",", "\t"), ("columns set apart by tabs",)),
        (PLAIN.replace(",", " | "), ("columns set apart by bars",)),
        (PLAIN.replace(",", "   "), ("columns set apart by blanks",)),
        ("# MACE, methanol\n\n" + PLAIN + "# the end\n", ()),
        ("# " + PLAIN, ()),
        (PLAIN.replace(",", " , "), ()),
        (
            PLAIN.replace(",", ";").replace(".", ","),
            ("columns set apart by semicolons", "decimal commas in column 'error'"),
        ),
        ('n,seed,error\n25,0,"0,21303"\n50,1,"0,15575"\n', ("decimal commas in column 'error'",)),
        (PLAIN.replace("\n", "\r\n"), ()),
        ("sep=;\n" + PLAIN.replace(",", ";"), ("columns set apart by semicolons",)),
        ("\ufeff" + PLAIN, ()),
        (PLAIN.replace("\n", ",\n"), ()),
        ("| n | seed | error |\n|---|:---:|--:|\n| 25 | 0 | 0.21303 |\n| 50 | 1 | 0.15575 |\n", BARS),
        (
            "\\begin{tabular}{rrr}\n\\toprule\nn & seed & error \\\\\n\\midrule\n25 & 0 & 0.21303 \\\\\n"
            "50 & 1 & 0.15575 \\\\\n"
            "\\bottomrule\n\\end{tabular}\n",
            ("columns set apart by ampersands",),
        ),
        (PLAIN.replace("error\n", "error\n-,,(meV/Å)\n"), ("below the head stand units: error in meV/Å",)),
        ("+--+--+--+\n|n|seed|error|\n+--+--+--+\n|25|0|0.21303|\n|50|1|0.15575|\n+--+--+--+\n", BARS),
    ],
)
def test_separators_comments_and_commas_are_told(tmp_path: Path, text: str, says: tuple[str, ...]) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    frame, notes = read_table(path)
    assert [name for name in frame.columns if name] == ["n", "seed", "error"]
    assert frame["n"].tolist() == [25, 50]
    assert frame["error"].tolist() == [0.21303, 0.15575]
    assert notes == says


@pytest.mark.parametrize(("encoding", "says"), [("utf-16", "UTF-16"), ("cp1252", "Windows-1252"), ("utf-8", "")])
def test_encodings_are_told(tmp_path: Path, encoding: str, says: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("n,réf\n25,é\n".encode(encoding))
    frame, notes = read_table(path)
    assert frame["réf"].tolist() == ["é"]
    assert says in "".join(notes)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "found an empty table"),
        (b"PK\x03\x04rest", "found a zip or spreadsheet file"),
        (b"n,error\n\0\0", "found binary data"),
        (b"n,n,error\n1,2,3\n", "found 'n' twice"),
        (b'n,error\n"1,250",0.1\n', "a comma in a number is one of thousands or a decimal one, found 1,250"),
        (b"n;error\n800;0,11\n1.000;0,09\n", "a decimal one or one of thousands, found 1.000 in column 'n'"),
        (b"n,error\n800,0.11\n1.000,0.09\n", "a decimal one or one of thousands, found 1.000 in column 'n'"),
        (b"<!DOCTYPE html><table><tr><td>n</td></tr></table>", "found a page of HTML or XML"),
        (b"n,error\n1,2,3\n", "found 3 in row 1 below the head"),
    ],
)
def test_what_cannot_be_told_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_table(path)
    with pytest.raises(InputError, match="found none at"):
        read_table(tmp_path / "none.csv")


def test_a_line_of_other_words_is_no_line_of_units(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for line in ("10^3,meV/A", "%,eV/A", "25,eV"):
        path.write_text(f"n,error\n{line}\n25,0.2\n50,0.1\n")
        assert len(read_table(path)[0]) == 3
    path.write_text("n,error\n25.000,0.2\n1000.000,0.1\n")  # as numbers are formatted
    assert read_table(path)[0]["n"].tolist() == [25, 1000]


def test_columns_without_names_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(",n,,error\n0,25,a,0.2\n1,50,b,0.1\n")
    frame, _ = read_table(path)
    assert frame.columns.tolist() == ["", "n", "column 3", "error"]
    assert frame["error"].tolist() == [0.2, 0.1]
