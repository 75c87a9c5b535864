from simulator.pennylane_device import *
