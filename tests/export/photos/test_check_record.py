"""Records of a product table are checked while reading: whatever is accepted can be stored, served and filtered by."""

from __future__ import annotations

import datetime
import json
import math
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urljoin, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from export.bundle.describe_fields import describe_fields
from export.bundle.write_catalog import write_catalog
from export.photos.check_record import MAX_DEPTH, MAX_RECORD_BYTES
from export.photos.read_catalog import read_catalog, rows_of_table
from export.photos.read_table import MAX_LINE_BYTES
from export.store.assign_labels import Labels
from handler.errors import CatalogError
from handler.products.catalog import Catalog
from tests.export.support import rows_by_id, write

if TYPE_CHECKING:
    from pathlib import Path

GOOD = '{"id": "ok", "image": "a.jpg"}\n'


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def jsonl(tmp_path: Path, field: str) -> Path:
    write(tmp_path / "a.jpg", "")
    return write(tmp_path / "list.jsonl", f'{GOOD}{{"id": "x", "image": "a.jpg", "f": {field}}}\n')


@pytest.mark.parametrize(
    ("field", "says"),
    [
        (r'"\ud800"', "not valid Unicode"),
        (r'{"size": ["\udfff"]}', "not valid Unicode"),
        (r'{"\ud83d": 1}', "not valid Unicode"),
        (nested(MAX_DEPTH + 1), f"more than {MAX_DEPTH} deep"),
        (nested(900), f"more than {MAX_DEPTH} deep"),
        (nested(60_000), f"more than {MAX_DEPTH} deep"),
        ('{"a": ' * 9 + "1" + "}" * 9, f"more than {MAX_DEPTH} deep"),
        (json.dumps("x" * MAX_RECORD_BYTES), f"the limit is {MAX_RECORD_BYTES:,}"),
        (json.dumps("é" * (MAX_RECORD_BYTES // 2), ensure_ascii=False), f"the limit is {MAX_RECORD_BYTES:,}"),
        (json.dumps("x" * 10_000_000), f"more than {MAX_LINE_BYTES:,} bytes"),
        ("[1e999]", "not finite"),
        ('{"price": -1e999}', "not finite"),
        ("1" * 5_000, "not JSON"),
    ],
    ids=lambda value: value[:20],
)
def test_jsonl_fields_beyond_the_limits_are_refused_with_their_line(tmp_path: Path, field: str, says: str) -> None:
    with pytest.raises(CatalogError, match=f"line 2.*{says}"):
        read_catalog(jsonl(tmp_path, field))


@pytest.mark.parametrize(
    "field", [nested(MAX_DEPTH), json.dumps("x" * (MAX_RECORD_BYTES - 100)), r'"\ud83d\ude00"', str(10**400)]
)
def test_fields_at_the_limits_are_kept(tmp_path: Path, field: str) -> None:
    assert rows_by_id(jsonl(tmp_path, field))["x"].fields == {"f": json.loads(field)}


@pytest.mark.parametrize(("name", "value"), [("id", "[1]"), ("id", "true"), ("image", '{"url": "x"}')])
def test_an_id_or_image_that_is_not_text_is_refused(tmp_path: Path, name: str, value: str) -> None:
    record = {"id": '"x"', "image": '"a.jpg"', name: value}
    path = write(tmp_path / "list.jsonl", "{" + ", ".join(f'"{key}": {text}' for key, text in record.items()) + "}")
    with pytest.raises(CatalogError, match=f"line 1 has the {name} .* neither text nor a number"):
        rows_of_table(path)


def test_a_large_csv_record_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "list.csv", f'id,image,note\nok,a.jpg,"two\nlines"\nx,a.jpg,{"n" * MAX_RECORD_BYTES}\n')
    with pytest.raises(CatalogError, match=r"line 4 has 16,\d\d\d bytes"):
        rows_of_table(path)


def test_a_csv_value_beyond_what_python_reads_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "list.csv", f"id,image,note\nok,a.jpg,\nx,a.jpg,{'n' * 200_000}\n")
    with pytest.raises(CatalogError, match=r"field larger than field limit.* \(after line 2\)"):
        rows_of_table(path)


def test_two_csv_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="two columns named 'price'"):
        rows_of_table(write(tmp_path / "list.csv", "id,image,price, price\nx,a.jpg,1,2\n"))


def parquet(tmp_path: Path, column: pa.Array) -> Path:
    table = pa.table({"id": ["ok", "x"], "image": ["a.jpg", "a.jpg"], "f": column})
    pq.write_table(table, tmp_path / "list.parquet")
    return tmp_path / "list.parquet"


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (pa.array([None, "x" * MAX_RECORD_BYTES]), "the limit is"),
        (pa.array([None, [1.5, math.nan]]), "not finite"),
        (pa.array([None, b"\xff"]), "holds bytes, which is not supported"),
        (pa.array([None, datetime.timedelta(1)]), "holds timedelta, which is not supported"),
        (pa.array([None, [[[[[[[[[1]]]]]]]]]]), f"more than {MAX_DEPTH} deep"),
    ],
    ids=["size", "nan", "bytes", "timedelta", "depth"],
)
def test_parquet_values_beyond_the_limits_are_refused_with_their_row(
    tmp_path: Path, column: pa.Array, says: str
) -> None:
    with pytest.raises(CatalogError, match=f"row 2.*{says}"):
        rows_of_table(parquet(tmp_path, column))


def test_parquet_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    column = pa.Array.from_buffers(pa.string(), 2, pa.array([b"a", b"\xff"]).buffers())
    with pytest.raises(CatalogError, match="not a valid Parquet file"):
        rows_of_table(parquet(tmp_path, column))


def test_parquet_dates_become_text_by_which_products_can_be_filtered(tmp_path: Path) -> None:
    rows = rows_of_table(parquet(tmp_path, pa.array([datetime.date(2026, 11, 24), None])))
    assert rows[0].fields == {"f": "2026-11-24"}


@pytest.mark.parametrize("image", ["x" * 300 + ".jpg", "a.jpg/b.jpg"])
def test_an_image_that_the_file_system_cannot_name_is_missing(tmp_path: Path, image: str) -> None:
    write(tmp_path / "a.jpg", "")
    path = write(tmp_path / "list.jsonl", json.dumps({"id": "x", "image": image}))
    with pytest.raises(CatalogError, match="1 of the 1 photos"):
        read_catalog(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800") | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.dictionaries(st.text(max_size=5) | st.sampled_from(["id", "image"]), json_values), min_size=1, max_size=4
    )
)
@example([{"f": [1e308, 10**400]}, {"f": True}, {"f": "\x00"}])
def test_whatever_is_accepted_can_be_stored_served_and_filtered(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, object]]
) -> None:
    directory = tmp_path_factory.mktemp("table")
    lines = [json.dumps({"id": str(place), "image": "a.jpg", **one}) for place, one in enumerate(records)]
    try:
        rows = rows_of_table(write(directory / "list.jsonl", "\n".join(lines)))
    except CatalogError as error:
        str(error).encode()
        return
    fields = describe_fields([row.fields for row in rows])
    labels = {row.id: label for label, row in enumerate(rows)}
    path = directory / "catalog.sqlite"
    catalog = Catalog(path, write_catalog(path, rows, Labels(labels, {}, len(rows)), fields))
    for row in rows:
        product = catalog.by_id(row.id)
        assert product is not None
        assert (product.label, product.image) == (labels[row.id], row.image)
        assert json.loads(product.fields.encode(), parse_constant=pytest.fail) == row.fields


@settings(deadline=None, max_examples=300)
@given(
    st.text(st.sampled_from("ab./\\:%?#@ é\0"), max_size=12), st.sampled_from(["", "/photos", "https://cdn.example/p"])
)
@example("//evil.example/a.jpg", "")
@example("\\\\evil.example\\a.jpg", "")
@example("https://evil.example/a.jpg", "")
@example("a/..\\../b.jpg", "/photos")
def test_an_accepted_image_stays_below_its_directory_and_on_its_host(
    tmp_path_factory: pytest.TempPathFactory, image: str, base: str
) -> None:
    directory = tmp_path_factory.mktemp("table")
    try:
        (row,) = rows_of_table(write(directory / "list.jsonl", json.dumps({"id": "x", "image": image})))
    except CatalogError:
        return
    assert (directory / row.image).resolve().is_relative_to(directory.resolve())
    shop = "https://shop.example/gallery/"
    url = urlsplit(urljoin(shop, f"{base}/{quote(row.image)}"))  # as the API makes it, and a browser resolves it
    assert url.netloc == urlsplit(urljoin(shop, base)).netloc
    assert (url.query, url.fragment) == ("", "")
    assert unquote(url.path).startswith(urlsplit(base).path + "/")
