"""The same training task in several libraries, each as its users write it: `python -m benchmarks.coming_from`."""
