"""Evidence of validators that contradict themselves."""
