"""Single-base RNA-seq coverage from DNA: the library behind the rnatracks workflow.

Coordinates are 0-based and half-open everywhere inside the library. They are
1-based and inclusive only where a person types a region (`chr19:39,407,000-39,439,000`).
"""
