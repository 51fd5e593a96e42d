"""A decision tree of scikit-learn for each organization, in place of rules. Runs in the environment ``bench``.

``decision_tree.py FILE ...`` reads ``{"columns": {name: [cell, ...]}, "groups": [{"present": [...], "right": [...]}]}``
from each file, and prints for each how well the trees know who should be in a group, and how many rules they would be.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def main(path: str) -> dict[str, Any]:
    """Fit one tree a group. A leaf that says "member" is one rule."""
    import numpy as np
    from sklearn.preprocessing import OneHotEncoder
    from sklearn.tree import DecisionTreeClassifier

    data = json.loads(Path(path).read_text(encoding="utf-8"))
    began = time.process_time()
    cells = np.array(list(zip(*data["columns"].values(), strict=True)), dtype=object)
    features = OneHotEncoder(dtype=np.float32, min_frequency=3, handle_unknown="infrequent_if_exist").fit_transform(
        cells
    )
    right = wrong = missed = leaves = 0
    for group in data["groups"]:
        present, true = np.zeros(len(cells), dtype=bool), np.zeros(len(cells), dtype=bool)
        present[group["present"]], true[group["right"]] = True, True
        tree = DecisionTreeClassifier(min_samples_leaf=3, min_impurity_decrease=1e-4, random_state=0)
        tree.fit(features, present)
        said = tree.predict(features).astype(bool)
        right, wrong = right + int((said & true).sum()), wrong + int((said & ~true).sum())
        missed += int((true & ~said).sum())
        leaves += len(set(tree.apply(features)[said]))
    return {"right": right, "wrong": wrong, "missed": missed, "rules": leaves, "seconds": time.process_time() - began}


if __name__ == "__main__":
    print(json.dumps([main(path) for path in sys.argv[1:]]))
