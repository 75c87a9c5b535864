from qml.federated.updates import Update as Update
from qml.federated.updates import UpdateError as UpdateError
