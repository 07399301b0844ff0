"""One's own documents, in six formats, to chunks of whole sentences."""
