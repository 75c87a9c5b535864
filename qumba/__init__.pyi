from qml import *
from simulator import *

__version__: str
