"""Getting a model by name: the catalogue, the plan, and files that may break off."""
