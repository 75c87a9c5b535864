"""A model on an inference server
==============================

Write a classifier as the model folder of NVIDIA's Triton Inference Server, and send a request to ONNX Runtime.

A custom server would need security fixes, batching and metrics for years; Triton has them. With Docker:

    docker run --rm -p 8000:8000 -v ./models:/models nvcr.io/nvidia/tritonserver:25.01-py3 tritonserver \
        --model-repository=/models

It then answers POST /v2/models/iris/infer on port 8000. Needs: pip install 'qumba[onnx,plot]'

.. image:: /static/gallery/onnx_server.png
   :alt: Microseconds per row against the number of rows of a request, which fall with larger requests
"""

# sphinx_gallery_thumbnail_path = "static/gallery/onnx_server.png"
from pathlib import Path
from timeit import repeat

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
from sklearn.datasets import load_iris

from qml import VariationalClassifier
from qml.deploy import check_onnx, export_onnx

X, y = load_iris(return_X_y=True)
classifier = VariationalClassifier(epochs=30, random_state=0).fit(X, y)

folder = Path("models/iris/1")  # name of the model, version
folder.mkdir(parents=True, exist_ok=True)
export_onnx(classifier, folder / "model.onnx", feature_names=load_iris().feature_names)
(folder.parent / "config.pbtxt").write_text('platform: "onnxruntime_onnx"\ndynamic_batching { }\n')
print(check_onnx(folder / "model.onnx")["feature_names"])

# The body of the request in the Open Inference Protocol, which other servers understand as well.
request = {"inputs": [{"name": "X", "shape": [2, 4], "datatype": "FP64", "data": X[:2].ravel().tolist()}]}
rows = np.reshape(request["inputs"][0]["data"], request["inputs"][0]["shape"])
session = onnxruntime.InferenceSession(folder / "model.onnx")
labels, probabilities = session.run(None, {"X": rows})
print(labels, probabilities.round(3))
assert (labels == classifier.predict(X[:2])).all()

sizes = 2 ** np.arange(8)
for size in sizes:
    batch = {"X": np.resize(X, (size, 4))}
    seconds = min(repeat(lambda batch=batch: session.run(None, batch), number=20, repeat=3)) / 20
    plt.loglog(size, 1e6 * seconds / size, "o", color="#0072b2")
plt.xlabel("rows in a request")
plt.ylabel("microseconds per row")
plt.show()
