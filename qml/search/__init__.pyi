from qml.search.circuits import search_circuit as search_circuit
from qml.search.evolved_circuit import EvolvedCircuit as EvolvedCircuit
from qml.search.leaderboard import Leaderboard as Leaderboard
from qml.search.pruning import PrunedCircuit as PrunedCircuit
from qml.search.pruning import prune_circuit as prune_circuit
from qml.search.search_cv import QuantumSearchCV as QuantumSearchCV
