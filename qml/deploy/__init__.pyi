from qml.deploy.circuits import CannotCollapseError as CannotCollapseError
from qml.deploy.collapsed import CollapsedClassifier as CollapsedClassifier
from qml.deploy.collapsed import CollapsedRegressor as CollapsedRegressor
from qml.deploy.collapsed import collapse as collapse
