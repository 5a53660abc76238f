"""Stories: facts in, what the neighbour and the kernel see out."""
