"""Reading purchases from CSV: everything is checked, and named by its line, before anything is sent."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from jifen.ledger.types import AMOUNT_FEN_MAX

COLUMNS: Final = ("purchase", "date", "customer", "items", "amount_cents")
"""Header of the file: running number, date (YYYY-MM-DD), customer, items, amount in cents."""

FILE_BYTES_MAX: Final = 1 << 30
"""Largest file read: some thirty million rows, more than fits into memory as signed transactions."""

NUMBER_MAX: Final = 2**53 - 1
"""Largest running number and count of items."""

PACKAGED: Final = Path(__file__).parent.parent / "data" / "purchases_1997_1998.csv"
"""The purchases that come with Jifen; the README beside them names their source."""

_CUSTOMER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NUMBER: Final = re.compile(r"[0-9]{1,16}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class PurchaseFileError(Exception):
    """A file of purchases that cannot be imported; the text names file, line and fault."""


class Purchase(msgspec.Struct, frozen=True, gc=False):
    """One row."""

    number: int
    """Running number, unique in the file: it becomes the order id."""
    purchased_at: int
    """Midnight UTC of the date, ms."""
    customer: str
    items: int
    amount_cents: int
    """What the purchase came to; the import takes a cent for a fen. May be 0: samples were free."""


class _BadRow(Exception):
    """What is wrong with a row."""


def read_purchases(path: Path, limit: int | None = None) -> list[Purchase]:
    """Return the purchases of a file, at most `limit` of them; raises PurchaseFileError."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise PurchaseFileError(f"{path} is no regular file; write the purchases into one")
        if path.stat().st_size > FILE_BYTES_MAX:
            raise PurchaseFileError(f"{path} has more than {FILE_BYTES_MAX >> 20} MiB; split it and import the parts")
        # Spreadsheets begin their UTF-8 with a byte order mark, which is no part of the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _checked(path, csv.reader(file, strict=True), limit)
    except OSError as error:
        raise PurchaseFileError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PurchaseFileError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from None


def _checked(path: Path, rows: Iterator[list[str]], limit: int | None) -> list[Purchase]:
    purchases: list[Purchase] = []
    faults: list[str] = []
    lines: dict[int, int] = {}
    try:
        header = tuple(next(rows, ()))
        if header != COLUMNS:
            raise PurchaseFileError(f"{path} line 1: the columns must be {','.join(COLUMNS)}, not {','.join(header)!r}")
        for line, row in enumerate(rows, start=2):
            if limit is not None and len(purchases) >= limit:
                break
            try:
                purchase = _purchase(row)
                if purchase.number in lines:
                    raise _BadRow(f"purchase {purchase.number} stands in line {lines[purchase.number]} already")
                lines[purchase.number] = line
                purchases.append(purchase)
            except _BadRow as fault:
                faults.append(f"line {line}: {fault}")
    except csv.Error as error:
        faults.append(f"line {len(purchases) + len(faults) + 2}: {error}")
    if faults:
        more = f" (and {len(faults) - 1} more lines are wrong)" if len(faults) > 1 else ""
        raise PurchaseFileError(f"{path} {faults[0]}{more}; nothing was imported")
    return purchases


def _purchase(row: list[str]) -> Purchase:
    if len(row) != len(COLUMNS):
        raise _BadRow(f"{len(row)} columns instead of {len(COLUMNS)}")
    number, date, customer, items, amount = row
    if not _CUSTOMER.fullmatch(customer):
        raise _BadRow(f"customer {customer!r} is not 1 to 64 letters, digits, dots, dashes or underscores")
    return Purchase(
        number=_whole("purchase", number, 1, NUMBER_MAX),
        purchased_at=_midnight(date),
        customer=customer,
        items=_whole("items", items, 0, NUMBER_MAX),
        amount_cents=_whole("amount_cents", amount, 0, AMOUNT_FEN_MAX),
    )


def _whole(column: str, text: str, least: int, most: int) -> int:
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise _BadRow(f"{column} {text!r} is no whole number from {least} to {most}")
    return int(text)


def _midnight(text: str) -> int:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        moment = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise _BadRow(f"date {text!r} is no day; write it as YYYY-MM-DD") from None
    if moment.year < 1970:
        raise _BadRow(f"date {text!r} lies before 1970, where the ledger's time begins")
    return int(moment.timestamp()) * 1000
