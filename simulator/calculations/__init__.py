"""What is computed of a circuit: states, expectations, derivatives, samples."""
