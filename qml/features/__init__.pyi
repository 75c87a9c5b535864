from qml.features.angles import AngleScaler as AngleScaler
from qml.features.images import ImagePooling as ImagePooling
from qml.features.reduction import QubitReducer as QubitReducer
from qml.features.sums import SumFeatures as SumFeatures
from qml.features.tabular import tabular_preprocessor as tabular_preprocessor
