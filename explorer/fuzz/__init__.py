"""Fuzzing of untrusted input: checkpoint folders and addresses of the page, mutated at random from valid ones."""
