"""What a circuit means, independent of any machine: levels of rotations and matrices."""
