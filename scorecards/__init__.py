"""How good each thing is, and why: facts, checks, levels and the next best step."""
