"""Points as such: lots and holdings, earning, refunds, transfers, expiry, what is held, what organizations hold."""
