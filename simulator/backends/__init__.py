"""Where circuits run: the backend trait, and this engine as a backend."""
