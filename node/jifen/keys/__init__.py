"""Keys: BIP-340 signatures on secp256k1, checked in batches, kept in encrypted files."""
