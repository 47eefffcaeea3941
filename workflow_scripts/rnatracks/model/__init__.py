"""The network: its parts, its assembly for training, and the folder in which it is saved."""
