"""Paying orders with points: acceptance, holds, payments, and giving them back."""
