"""Files of purchases: every row is checked before anything is sent."""

from pathlib import Path

import pytest

from jifen.demo.purchases import PACKAGED, Purchase, PurchaseFileError, read_purchases

HEADER = "purchase,date,customer,items,amount_cents\n"


def write(directory: Path, text: str) -> Path:
    """Return a file with this text."""
    path = directory / "purchases.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_packaged_purchases_are_those_their_readme_describes() -> None:
    purchases = read_purchases(PACKAGED)

    assert len(purchases) == 6919
    assert len({purchase.customer for purchase in purchases}) == 2357
    assert purchases[0] == Purchase(1, 852_076_800_000, "0001", 2, 2933)
    assert (PACKAGED.parent / "README.md").is_file()


def test_a_free_purchase_counts(tmp_path: Path) -> None:
    [purchase] = read_purchases(write(tmp_path, HEADER + "7,1970-01-01,a.b_c-d,0,0\n"))

    assert (purchase.amount_cents, purchase.purchased_at) == (0, 0)


def test_a_file_as_spreadsheets_write_it_is_read(tmp_path: Path) -> None:
    rows = (HEADER + "7,1997-01-01,0001,1,250\n").replace("\n", "\r\n")
    (tmp_path / "purchases.csv").write_bytes(b"\xef\xbb\xbf" + rows.encode())

    [purchase] = read_purchases(tmp_path / "purchases.csv")

    assert (purchase.number, purchase.amount_cents) == (7, 250)


def test_a_file_without_an_end_is_not_begun() -> None:
    with pytest.raises(PurchaseFileError, match="/dev/zero is no regular file"):
        read_purchases(Path("/dev/zero"))


def test_no_more_rows_are_read_than_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "1,1997-01-01,1,1,1\n2,1997-01-01,1,1,1\n3,nonsense\n")

    assert [purchase.number for purchase in read_purchases(path, limit=2)] == [1, 2]
    assert read_purchases(path, limit=0) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,1997-01-01,1,1", "line 2: 4 columns instead of 5"),
        ("", "line 2: 0 columns instead of 5"),
        ("x,1997-01-01,1,1,1", "line 2: purchase 'x' is no whole number from 1"),
        ("0,1997-01-01,1,1,1", "line 2: purchase '0' is no whole number from 1"),
        ("-1,1997-01-01,1,1,1", "line 2: purchase '-1' is no whole number from 1"),
        ("1,1997-02-30,1,1,1", "line 2: date '1997-02-30' is no day; write it as YYYY-MM-DD"),
        ("1,19970102,1,1,1", "line 2: date '19970102' is no day"),
        ("1,1969-12-31,1,1,1", "line 2: date '1969-12-31' lies before 1970"),
        ("1,1997-01-01,,1,1", "line 2: customer '' is not 1 to 64 letters"),
        ("1,1997-01-01,a b,1,1", "line 2: customer 'a b' is not 1 to 64 letters"),
        ("1,1997-01-01,1,1.5,1", "line 2: items '1.5' is no whole number from 0"),
        ("1,1997-01-01,1,1,-5", "line 2: amount_cents '-5' is no whole number from 0"),
        ("1,1997-01-01,1,1,1e3", "line 2: amount_cents '1e3' is no whole number from 0"),
        ("1,1997-01-01,1,1,1000000000001", "line 2: amount_cents '1000000000001' is no whole number from 0"),
        ("1,1997-01-01,1,1,٣", "line 2: amount_cents '٣' is no whole number from 0"),
        ('1,1997-01-01,"1,1,1', "line 2: "),
    ],
)
def test_a_wrong_row_is_named_by_its_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(PurchaseFileError, match=message):
        read_purchases(write(tmp_path, HEADER + row + "\n"))


def test_the_first_of_several_wrong_rows_is_named_and_the_others_counted(tmp_path: Path) -> None:
    rows = "1,1997-01-01,1,1,1\n2,x,1,1,1\n3,x,1,1,1\n4,x,1,1,1\n"

    with pytest.raises(PurchaseFileError, match=r"line 3: date 'x'.* \(and 2 more lines are wrong\); nothing was"):
        read_purchases(write(tmp_path, HEADER + rows))


def test_a_number_that_stands_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    with pytest.raises(PurchaseFileError, match="line 3: purchase 5 stands in line 2 already"):
        read_purchases(write(tmp_path, HEADER + "5,1997-01-01,1,1,1\n5,1997-01-01,1,1,1\n"))


@pytest.mark.parametrize("text", ["", "a,b\n", "purchase;date;customer;items;amount_cents\n"])
def test_other_columns_are_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        PurchaseFileError, match="line 1: the columns must be purchase,date,customer,items,amount_cents"
    ):
        read_purchases(write(tmp_path, text))


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(PurchaseFileError, match="cannot be read"):
        read_purchases(tmp_path / "nothing.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PurchaseFileError, match="not UTF-8"):
        read_purchases(tmp_path / "binary.csv")
