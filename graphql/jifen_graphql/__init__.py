"""Jifen's GraphQL API: one public port over the facade of a running node, and one administrative listener."""
