"""A shop's photos: reading catalogs, embedding photos, remembering embeddings."""
