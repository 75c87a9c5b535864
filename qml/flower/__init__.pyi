from qml.flower.client import client_app as client_app
from qml.flower.server import server_app as server_app
