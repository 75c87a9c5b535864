from simulator.gates import *
