"""Account ids as text: BIP-350's own examples of the checksum, and every slip of a pen."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jifen.codec import addresses
from jifen.codec.addresses import decode_account, encode_account
from jifen.codec.errors import Malformed

ACCOUNT: Final = bytes(range(20))
TEXT: Final = encode_account(ACCOUNT)
ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def checksum_fits(text: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Tell whether the checksum function takes a bech32m text of any prefix for good."""
    prefix, _, rest = text.lower().rpartition("1")
    monkeypatch.setattr(addresses, "PREFIX", prefix)
    values = [ALPHABET.index(letter) for letter in rest]
    return addresses._polymod([*addresses._expanded_prefix(), *values]) == addresses._BECH32M


@pytest.mark.parametrize(
    "text",
    [
        "A1LQFN3A",
        "a1lqfn3a",
        "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
        "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
        "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
        "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
        "?1v759aa",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    ],
)
def test_the_checksum_is_that_of_bip_350(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checksum_fits(text, monkeypatch)


@pytest.mark.parametrize(
    "text",
    [
        "M1VUXWEZ",  # checksum calculated with the capital letter
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",  # bech32 instead of bech32m
        "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
        "a12uel5l",  # valid bech32 (BIP-173)
    ],
)
def test_what_bip_350_calls_invalid_does_not_fit(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not checksum_fits(text, monkeypatch)


@given(st.binary(min_size=20, max_size=20))
def test_an_account_comes_back_as_it_was(account: bytes) -> None:
    text = encode_account(account)

    assert text.startswith("jf1")
    assert len(text) == 41
    assert set(text[3:]) <= set(ALPHABET)
    assert decode_account(text) == decode_account(text.upper()) == account


def test_every_wrong_letter_is_found() -> None:
    for place in range(3, len(TEXT)):
        for letter in ALPHABET:
            if letter != TEXT[place]:
                with pytest.raises(Malformed, match="checksum does not fit"):
                    decode_account(TEXT[:place] + letter + TEXT[place + 1 :])


def test_every_exchange_of_neighbours_is_found() -> None:
    for place in range(3, len(TEXT) - 1):
        other = TEXT[:place] + TEXT[place + 1] + TEXT[place] + TEXT[place + 2 :]
        if other != TEXT:
            with pytest.raises(Malformed, match="checksum does not fit"):
                decode_account(other)


@given(st.data())
def test_up_to_four_wrong_letters_are_found(data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(3, len(TEXT) - 1), min_size=2, max_size=4, unique=True))
    letters = list(TEXT)
    for place in places:
        letters[place] = data.draw(st.sampled_from([letter for letter in ALPHABET if letter != TEXT[place]]))

    with pytest.raises(Malformed, match="checksum does not fit"):
        decode_account("".join(letters))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "has 0 characters instead of 41", id="nothing"),
        pytest.param(TEXT[:-1], "has 40 characters instead of 41", id="a letter lost"),
        pytest.param(TEXT + "q", "has 42 characters instead of 41", id="a letter too many"),
        pytest.param(f" {TEXT}", "has 42 characters instead of 41", id="a space in front"),
        pytest.param(TEXT[:-1] + "\n", "holds a letter that no account has", id="a line feed"),
        pytest.param(TEXT[:5] + TEXT[5:].upper(), "mixes capitals and small letters", id="capitals at the end"),
        pytest.param(TEXT.capitalize(), "mixes capitals and small letters", id="a capital in front"),
        pytest.param("jx" + TEXT[2:], "begins with jf1", id="another prefix"),
        pytest.param("jfq" + TEXT[3:], "begins with jf1", id="no separator"),
        pytest.param("bc1" + TEXT[3:], "begins with jf1", id="a bitcoin address"),
        *(
            pytest.param(TEXT[:7] + letter + TEXT[8:], "holds a letter that no account has", id=name)
            for letter, name in [("b", "b"), ("i", "i"), ("o", "o"), ("1", "1"), ("-", "dash"), ("\u0661", "arabic 1")]
        ),
    ],
)
def test_a_text_that_is_no_account_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_account(text)

    assert reason in str(caught.value)


@pytest.mark.parametrize(("letter", "stranger"), [("K", "\u212a"), ("S", "\u017f")])
def test_a_letter_that_only_folds_to_one_of_ours_is_refused(letter: str, stranger: str) -> None:
    texts = (encode_account(bytes([number]) * 20).upper() for number in range(256))
    text = next(text for text in texts if letter in text)

    for other in (text.replace(letter, stranger, 1), text.lower().replace(letter.lower(), stranger, 1)):
        with pytest.raises(Malformed, match="holds a letter that no account has"):
            decode_account(other)


@pytest.mark.parametrize("size", [0, 19, 21, 32])
def test_an_account_id_has_twenty_bytes(size: int) -> None:
    with pytest.raises(AssertionError, match="an account id has 20 bytes"):
        encode_account(bytes(size))


@given(st.text(max_size=45) | st.text(min_size=41, max_size=41))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        decode_account(text)
