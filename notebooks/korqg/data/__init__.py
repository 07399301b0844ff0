"""Corpora and documents to rows: what notebook 01 reads and writes."""
