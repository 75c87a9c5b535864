"""A dressed circuit reads digits
==============================

A dressed circuit (arXiv:1912.08278) is a small circuit between two classical layers: the first chooses the angles, the
last reads the expectations. Beside it stands the linear model that the two layers would be without the circuit.

Run with `python examples/dressed_digits.py`.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from qumba import DressedClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0, stratify=y)
dressed = DressedClassifier(epochs=60, random_state=0).fit(X_train, y_train)
classical = LogisticRegression(max_iter=1000).fit(X_train, y_train)
print(dressed.network_.summary())
print(f"dressed circuit     {dressed.score(X_test, y_test):.3f} on {len(X_test)} test images")
print(f"logistic regression {classical.score(X_test, y_test):.3f}")

predictions = dressed.predict(X_test)
figure, axes = plt.subplots(1, 2, figsize=(10, 4.4))
ConfusionMatrixDisplay.from_predictions(y_test, predictions, ax=axes[0], colorbar=False, cmap="Blues")
axes[0].set_title("Digits of the test images")
wrong = (predictions != y_test).nonzero()[0][:6]
for position, row in enumerate(wrong):
    inset = axes[1].inset_axes([position % 3 / 3, 0.5 - position // 3 / 2, 0.3, 0.42])
    inset.imshow(X_test[row].reshape(8, 8), cmap="gray_r")
    inset.set_title(f"{y_test[row]} read as {predictions[row]}", fontsize=9)
    inset.axis("off")
axes[1].axis("off")
plt.show()
