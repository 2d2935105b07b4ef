"""The scheduled re-index on AWS: Plan, Embed, Build and Prune, which a state machine runs."""
