from simulator.errors import *
