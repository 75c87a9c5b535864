from qml.federated.secure.checks import MessageError as MessageError
from qml.federated.secure.client import SecureClient as SecureClient
from qml.federated.secure.fixed_point import FixedPoint as FixedPoint
from qml.federated.secure.messages import MaskedVector as MaskedVector
from qml.federated.secure.messages import PublicKeys as PublicKeys
from qml.federated.secure.messages import RevealedShares as RevealedShares
from qml.federated.secure.messages import SealedShares as SealedShares
from qml.federated.secure.server import SecureServer as SecureServer
