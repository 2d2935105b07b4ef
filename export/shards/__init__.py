"""Indexing by many processes: each embeds a share of the photos, and one merges the shares into a bundle."""
