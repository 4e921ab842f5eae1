"""Account locks: what is lost or in dispute stays where it is."""
