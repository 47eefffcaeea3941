"""The genome: its sequence, genes and regions."""
