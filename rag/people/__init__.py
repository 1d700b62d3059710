"""People: who they are, and what of theirs is kept."""
