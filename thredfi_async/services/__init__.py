"""One service per resource; one method per operation."""
