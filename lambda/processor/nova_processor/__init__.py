"""The processor of Novaline's evaluations: what a model answered in, its metrics out."""
