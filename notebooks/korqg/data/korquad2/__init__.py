"""KorQuAD 2.x: archives of whole Wikipedia pages to passages with their questions."""
