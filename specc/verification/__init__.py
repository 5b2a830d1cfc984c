"""What `specc.verify` is made of: batches, masks, the two sides, their comparison."""
