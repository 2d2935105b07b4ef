"""From vectors to a published bundle: labels, projection, index, recall check."""
