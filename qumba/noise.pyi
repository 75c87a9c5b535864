from simulator.noise import *
