"""`bardling evaluate`: the tasks of GPT-2's paper, counted on a model that is here."""
