from qml.federated.secure.aggregation import SecureAggregation as SecureAggregation
from qml.federated.secure.checks import TooFewClientsError as TooFewClientsError
from qml.federated.updates import Update as Update
from qml.federated.updates import UpdateError as UpdateError
