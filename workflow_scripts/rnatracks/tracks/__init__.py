"""Coverage as numbers: bigWigs, their means, targets and sums over genes."""
