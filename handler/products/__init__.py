"""The products of a bundle: catalogue, filters, labels and nearest neighbours."""
