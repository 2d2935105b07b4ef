"""What a deployment costs, and which one fits a shop: `vitrine plan`, on paper and without asking AWS."""
