"""What a store of bundles holds: versions, labels handed out, rollback and pruning."""
