"""The products of a bundle: catalog, filters, labels and nearest neighbors."""
