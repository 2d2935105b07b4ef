"""CSV, JSONL and Parquet product tables: how columns are typed, and the error for each mistake."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.photos.read_catalog import read_catalog
from export.photos.read_table import read_records
from handler.errors import CatalogError
from tests.export.support import rows_by_id, write


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory with the photos a.jpg and sub/b.jpg."""
    for name in ("a.jpg", "sub/b.jpg"):
        write(tmp_path / name, "")
    return tmp_path


def test_csv_columns_are_typed_as_a_whole(shop: Path) -> None:
    write(
        shop / "list.csv",
        "id,image,price,size,in_stock,sku,note\n"
        "1,a.jpg,19.90,38,true,00123,\n"
        '2,sub/b.jpg,-5,40,FALSE,00456,"red, ""large"""\n',
    )
    rows = rows_by_id(shop / "list.csv")
    assert rows["1"].fields == {"price": 19.9, "size": 38, "in_stock": True, "sku": "00123"}
    assert rows["2"].fields == {
        "price": -5.0,
        "size": 40,
        "in_stock": False,
        "sku": "00456",
        "note": 'red, "large"',
    }
    assert isinstance(rows["1"].fields["size"], int)
    assert rows["2"].image == "sub/b.jpg"


def test_one_value_that_is_not_a_number_makes_the_column_text(shop: Path) -> None:
    write(shop / "list.csv", "id,image,price,flag\n1,a.jpg,19.90,true\n2,sub/b.jpg,on request,maybe\n")
    rows = rows_by_id(shop / "list.csv")
    assert rows["1"].fields == {"price": "19.90", "flag": "true"}


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e999", "1_000"])
def test_numbers_only_python_accepts_stay_text(shop: Path, text: str) -> None:
    write(shop / "list.csv", f"id,image,price\n1,a.jpg,{text}\n2,sub/b.jpg,5\n")
    assert rows_by_id(shop / "list.csv")["1"].fields == {"price": text}


def test_csv_with_byte_order_mark_blanks_and_crlf(shop: Path) -> None:
    write(shop / "list.csv", b"\xef\xbb\xbfid, image, price\r\n001, a.jpg, 3\r\n\r\n")
    assert rows_by_id(shop / "list.csv")["001"].fields == {"price": 3}


def test_an_unnamed_index_column_is_ignored(shop: Path) -> None:
    write(shop / "list.csv", ",id,image\n0,x,a.jpg\n1,y,sub/b.jpg\n")
    assert rows_by_id(shop / "list.csv")["x"].fields == {}


@pytest.mark.parametrize("row", ["1,a.jpg", "1,a.jpg,2,3"])
def test_ragged_rows_are_named(shop: Path, row: str) -> None:
    write(shop / "list.csv", f"id,image,price\n9,sub/b.jpg,1\n{row}\n")
    with pytest.raises(CatalogError, match=r"list\.csv, line 3 .*one value for each of the 3 columns") as caught:
        read_catalog(shop / "list.csv")
    assert caught.value.limit == 3
    assert "Quote" in str(caught.value)


@pytest.mark.parametrize("content", ["id,image,name\n1,a.jpg,Größe\n".encode("latin-1"), b'id,image\n1,"a.jpg\n'])
def test_invalid_csv_says_so(shop: Path, content: bytes) -> None:
    write(shop / "list.csv", content)
    with pytest.raises(CatalogError, match="not a UTF-8 CSV file") as caught:
        read_catalog(shop / "list.csv")
    assert "Save it as CSV (UTF-8)" in str(caught.value)


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl"])
def test_a_table_without_products_is_refused(shop: Path, name: str) -> None:
    write(shop / name, "")
    with pytest.raises(CatalogError, match="contains no products"):
        read_catalog(shop / name)


def test_missing_columns_are_named(shop: Path) -> None:
    write(shop / "list.csv", "sku;photo\n1;a.jpg\n")
    with pytest.raises(CatalogError, match=r"line 2 has no id and no image\..*columns `id` and `image`"):
        read_catalog(shop / "list.csv")


def test_jsonl_keeps_types_and_ignores_blank_lines(shop: Path) -> None:
    record = {"id": 7, "image": "a.jpg", "tags": ["new", "sale"], "price": 5, "in_stock": False, "none": None}
    write(shop / "list.jsonl", f"\n{json.dumps(record)}\n   \n")
    assert rows_by_id(shop / "list.jsonl")["7"].fields == {"tags": ["new", "sale"], "price": 5, "in_stock": False}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[1, 2]", "is a list, not an object"),
        ("{'id': 1}", "is not JSON"),
        ('{"id": "x", "image": "a.jpg", "price": NaN}', "NaN is not a JSON number"),
        ('{"id": "x", "image": "a.jpg", "price": -Infinity}', "-Infinity is not a JSON number"),
        ('{"id": "x"', "is not JSON"),
        (b'{"id": "\xe9"}', "is not JSON"),
    ],
)
def test_invalid_jsonl_lines_are_named(shop: Path, line: str | bytes, says: str) -> None:
    body = line if isinstance(line, bytes) else line.encode()
    write(shop / "list.jsonl", b'{"id": "ok", "image": "a.jpg"}\n' + body + b"\n")
    with pytest.raises(CatalogError, match=f"line 2 .*{says}") as caught:
        read_catalog(shop / "list.jsonl")
    assert "one object a line" in str(caught.value)


def test_parquet_numbers_missing_as_nan_or_null_or_decimal(shop: Path) -> None:
    table = pa.table(
        {
            "id": ["x", "y"],
            "image": ["a.jpg", "sub/b.jpg"],
            "price": [float("nan"), 5.5],
            "cost": pa.array([Decimal("1.50"), None], pa.decimal128(6, 2)),
            "tags": [["a"], []],
        }
    )
    pq.write_table(table, shop / "list.parquet")
    rows = rows_by_id(shop / "list.parquet")
    assert rows["x"].fields == {"cost": 1.5, "tags": ["a"]}
    assert rows["y"].fields == {"price": 5.5, "tags": []}


def test_corrupt_parquet_says_so(shop: Path) -> None:
    write(shop / "list.parquet", "PAR1 and no more")
    with pytest.raises(CatalogError, match="not a valid Parquet file"):
        read_catalog(shop / "list.parquet")


def test_without_pyarrow_the_remedy_is_named(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    write(shop / "list.parquet", "")
    with pytest.raises(CatalogError, match=r"scripts/setup parquet"):
        read_catalog(shop / "list.parquet")


def test_csv_and_jsonl_never_load_pyarrow(shop: Path) -> None:
    write(shop / "list.csv", "id,image\nx,a.jpg\n")
    code = (
        "import sys; from pathlib import Path; from export.photos.read_catalog import read_catalog; "
        "read_catalog(Path(sys.argv[1])); sys.exit('pyarrow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(shop / "list.csv")], check=True)


@pytest.mark.parametrize(
    "image",
    ["/etc/a.jpg", "../a.jpg", "sub/../../a.jpg", "https://shop.example/a.jpg", "c:\\a.jpg", "\\\\host\\a", "."],
)
def test_images_outside_the_photos_directory_are_refused(shop: Path, image: str) -> None:
    write(shop / "list.jsonl", json.dumps({"id": "x", "image": image}))
    with pytest.raises(CatalogError, match="not a path below the photos' directory") as caught:
        read_catalog(shop / "list.jsonl")
    assert caught.value.value
    assert "--photos" in str(caught.value)


def test_missing_photos_are_counted_and_some_named(shop: Path) -> None:
    lines = [json.dumps({"id": str(n), "image": f"{n}.jpg"}) for n in range(6)] + ['{"id": "x", "image": "a.jpg"}']
    write(shop / "list.jsonl", "\n".join(lines))
    with pytest.raises(CatalogError, match=r"6 of the 7 photos .*0\.jpg, 1\.jpg, 2\.jpg and 3 more") as caught:
        read_catalog(shop / "list.jsonl")
    assert "--photos" in str(caught.value)


def test_photos_may_be_elsewhere(shop: Path, tmp_path: Path) -> None:
    table = write(tmp_path / "lists" / "list.csv", "id,image\nx,b.jpg\n")
    assert rows_by_id(table, shop / "sub")["x"].image == "b.jpg"


def test_backslashes_are_slashes(shop: Path) -> None:
    write(shop / "list.csv", "id,image\nx,sub\\b.jpg\n")
    assert rows_by_id(shop / "list.csv")["x"].image == "sub/b.jpg"


def test_one_photo_may_serve_two_products(shop: Path) -> None:
    write(shop / "list.csv", "id,image\nx,a.jpg\ny,a.jpg\n")
    assert {row.image for row in read_catalog(shop / "list.csv").rows} == {"a.jpg"}


@pytest.mark.parametrize(("first", "second"), [("x", "x"), ("x", " x "), ("1", 1)])
def test_an_id_listed_twice_is_refused(shop: Path, first: object, second: object) -> None:
    lines = [json.dumps({"id": one, "image": "a.jpg"}) for one in (first, second)]
    write(shop / "list.jsonl", "\n".join(lines))
    with pytest.raises(CatalogError, match=r"line 2 repeats the id '.' of .*line 1"):
        read_catalog(shop / "list.jsonl")


@pytest.mark.parametrize(
    ("id_", "says"), [("   ", "0 characters"), ("y" * 513, "513 characters"), ("\ud800", "Unicode")]
)
def test_invalid_ids_are_refused(shop: Path, id_: str, says: str) -> None:
    write(shop / "list.jsonl", json.dumps({"id": id_, "image": "a.jpg"}))
    with pytest.raises(CatalogError, match=says):
        read_catalog(shop / "list.jsonl")


def test_other_files_are_not_product_tables(shop: Path) -> None:
    write(shop / "list.xlsx", "")
    with pytest.raises(CatalogError, match="not a product table") as caught:
        read_catalog(shop / "list.xlsx")
    assert caught.value.value == ".xlsx"
    assert ".csv, .jsonl, .parquet" in str(caught.value)


def test_an_unreadable_table_is_named(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(shop / "list.csv", "id,image\nx,a.jpg\n")

    def refuse(*_: object, **__: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CatalogError, match=r"list\.csv cannot be read: Permission denied"):
        read_catalog(path)


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"text": st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1), "n": st.integers()}
        ),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_a_csv_writer_quotes_comes_back(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, object]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "list.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["text", "n"], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(records)
    found = [record for _, record in read_records(path)]
    assert [str(record["text"]) for record in found] == [
        # A whole column of numbers or truths is typed; each still says the same.
        str(one["text"]) if isinstance(record["text"], str) else str(record["text"])
        for one, record in zip(records, found, strict=True)
    ]
    assert [float(record["n"]) for record in found] == [float(str(one["n"])) for one in records]
