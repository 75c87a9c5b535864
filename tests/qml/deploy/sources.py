"""Sources of frames that a new process can import in a moment."""

import os
import threading


class Raising:
    """Ten frames, then an error, which can be pickled or not."""

    def __init__(self, frames, pickled=True):
        self.frames, self.pickled = frames, pickled

    def __iter__(self):
        yield from self.frames
        error = ConnectionError("camera unplugged")
        if not self.pickled:
            error.lock = threading.Lock()
        raise error


class Ending:
    """Ten frames, then the end of the process."""

    def __init__(self, frames):
        self.frames = frames

    def __iter__(self):
        yield from self.frames
        os._exit(3)


class Endless:
    """The same frame again and again."""

    def __init__(self, frame):
        self.frame = frame

    def __iter__(self):
        while True:
            yield self.frame
