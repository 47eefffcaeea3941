"""VCF files: reading, checking, and their alleles as edits of the genome."""
