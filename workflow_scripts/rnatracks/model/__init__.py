"""The network: what it is made of, built from and saved as."""
