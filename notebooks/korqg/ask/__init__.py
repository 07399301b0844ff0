"""Candidate answers, the rule, the round trip, the editor, and which questions are recommended."""
