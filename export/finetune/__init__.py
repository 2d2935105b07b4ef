"""Fine-tuning a checkpoint to a shop's photos, for `vitrine export --finetune`."""
