"""What an import needs of a home: keys, addresses, the chain."""

from pathlib import Path

import msgspec

from jifen import config
from jifen.client import TransactionBuilder
from jifen.demo.importer import Sender
from jifen.demo.planning import deal_out, merchants_of
from jifen.demo.purchases import Purchase
from jifen.home import MEMBERS_KEY_FILE, AllianceRecord, validators_of
from jifen.keys.keystore import KeyFileError, read_key_file, read_secret


class ImportInputs(msgspec.Struct, frozen=True):
    """An import, ready to be carried out."""

    senders: tuple[Sender, ...]
    builder: TransactionBuilder
    master: bytes
    """Master secret of the members' keys."""

    def __repr__(self) -> str:
        """Leaves the secrets out."""
        return f"ImportInputs({len(self.senders)} merchants)"


def load_import(home: Path, record: AllianceRecord, purchases: list[Purchase]) -> ImportInputs:
    """Open the keys of an import and deal the purchases out; raises ConfigError or KeyFileError.

    Opening the keys takes a tenth of a second each.
    """
    if not (home / MEMBERS_KEY_FILE).is_file():
        raise KeyFileError(f"{home / MEMBERS_KEY_FILE} is missing: without it nobody can act for the demo's members")
    master = read_secret(home / MEMBERS_KEY_FILE, config.read_secret_text(home / config.PASSPHRASE_FILE))
    genesis = config.read_genesis(home / record.organizations[0])
    urls = {validator.id: validator.url for validator in validators_of(home, record)}
    senders = []
    for share in deal_out(purchases, merchants_of(genesis)):
        directory = home / share.merchant.id
        passphrase = config.read_secret_text(directory / config.PASSPHRASE_FILE)
        operator = read_key_file(directory / config.OPERATOR_KEY_FILE, passphrase)
        own = urls[share.merchant.id]
        senders.append(Sender(share, operator, (own, *(url for url in urls.values() if url != own))))
    return ImportInputs(tuple(senders), TransactionBuilder(bytes.fromhex(record.chain_id)), master)
