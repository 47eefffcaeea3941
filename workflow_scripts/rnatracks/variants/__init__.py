"""What a changed sequence would do: edits, variants of a VCF, their effects on genes, and mutagenesis."""
