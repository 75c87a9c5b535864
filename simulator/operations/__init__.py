"""The value of a circuit: operations, and what is made of them."""
