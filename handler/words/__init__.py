"""Search by words: the catalog's own text, and what its photos have taught about each word."""
