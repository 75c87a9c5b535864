from qml import *
from simulator import *
