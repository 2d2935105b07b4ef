"""Sessions: their state, and the signed tokens that carry it."""
