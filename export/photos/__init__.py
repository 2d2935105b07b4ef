"""A shop's photos: reading catalogues, embedding photos, remembering embeddings."""
