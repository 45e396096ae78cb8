"""Three complete customizations, the generator of their data, and a converter for one's own CSV. See README.md."""
