from qml.search.leaderboard import Leaderboard as Leaderboard
from qml.search.search_cv import QuantumSearchCV as QuantumSearchCV
