"""The scheduled re-index on AWS."""
