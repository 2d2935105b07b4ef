"""Where bundles are kept: a directory or S3, and the local copies of what is there."""
