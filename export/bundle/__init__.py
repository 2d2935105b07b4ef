"""From vectors to a published bundle: labels, whitening, index, recall check."""
