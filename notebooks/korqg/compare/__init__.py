"""What notebook 03 reads and shows; needs no model."""
