"""The invariants of the checkpoints."""

from jifen.ledger.checking import Items, require
from jifen.ledger.checkpoints.records import Checkpoints


def check_checkpoints_are_attested_once_by_each(items: Items) -> None:
    """Heights descend by multiples, nobody attests one twice, and what is certified was attested so."""
    for _, record in items:
        if not isinstance(record, Checkpoints):
            continue
        heights = [item.height for item in record.recent]
        require(heights == sorted({*heights}, reverse=True), f"checkpoints of heights {heights} do not descend")
        for item in record.recent:
            require(item.height % record.every == 0, f"block {item.height} is no checkpoint")
            names = [attestation.validator for attestation in item.attestations]
            require(len({*names}) == len(names) > 0, f"checkpoint {item.height} is attested by {names}")
            whole = (item.certified_root is None) == (item.certified_hash is None) == (item.certified_at == 0)
            require(whole, f"checkpoint {item.height} is half certified")
            if item.certified_root is not None and item.certified_hash is not None:
                agreeing = item.agreeing(item.certified_hash, item.certified_root)
                require(len(agreeing) > 0, f"checkpoint {item.height} is certified with a root that nobody attested")
