"""The tables of the state keep apart."""

from jifen.ledger import state


def test_no_two_tables_begin_with_the_same_letter() -> None:
    letters = {name: value for name, value in vars(state).items() if isinstance(value, bytes) and "_KEY" not in name}

    assert all(len(letter) == 1 for letter in letters.values())
    assert sorted({*letters.values()}) == sorted(letters.values())
