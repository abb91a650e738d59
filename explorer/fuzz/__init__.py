"""Fuzzing of what strangers may write: checkpoint folders and addresses, changed at random from good ones."""
