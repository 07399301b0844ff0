"""Candidate answers, the rule, questions from headings, the round trip, the editor, and
which are recommended."""
