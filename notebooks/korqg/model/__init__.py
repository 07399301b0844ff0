"""Which model, loaded, asked and saved."""
