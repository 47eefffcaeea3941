"""Whether the samples are sound."""
