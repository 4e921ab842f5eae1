"""Members: who has an account."""
