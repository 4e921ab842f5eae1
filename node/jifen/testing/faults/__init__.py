"""What can be wrong with a transaction of every kind."""
