"""How notebook 02 trains: rows encoded, batches, the Trainer and what stands beside it."""
