"""All checks of scikit-learn on both estimators, with the settings that they have by default and with some others.

    python scripts/check_estimators.py [NAME ...]

The tests run those that are quick each time; with the default settings some checks take minutes. The exit code is 1
where a check fails.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter

from sklearn.utils.estimator_checks import check_estimator

from surefit.sklearn import FitClassifier, FitRegressor

QUICK = {"solver": "adam", "max_iter": 60}
ESTIMATORS = {
    "classifier": FitClassifier(), "regressor": FitRegressor(),
    "classifier adam": FitClassifier(**QUICK), "regressor adam": FitRegressor(**QUICK),
    "classifier features": FitClassifier(solver="features", early_stopping=False),
    "regressor features": FitRegressor(solver="features", early_stopping=False),
    "regressor all rows": FitRegressor(early_stopping=False),
    "classifier lm": FitClassifier((4,), solver="lm", max_iter=20),
    "regressor lm": FitRegressor((4,), activation="logistic", solver="lm", max_iter=20),
    "classifier lbfgs": FitClassifier((8, 4), activation="relu", solver="lbfgs", max_iter=30, alpha=1e-3),
    "regressor lbfgs": FitRegressor((8, 4), activation="identity", solver="lbfgs", max_iter=30),
    "classifier varpro": FitClassifier((4,), solver="varpro", max_iter=10),
    "regressor varpro": FitRegressor((4,), solver="varpro", max_iter=10, random_state=3),
    "classifier polynomial": FitClassifier(solver="polynomial"),
    "regressor additive": FitRegressor(solver="additive"),
    "classifier sgd": FitClassifier((8,), solver="sgd", learning_rate="adaptive", batch_size=16, max_iter=40),
    "regressor float64": FitRegressor((8,), solver="adam", max_iter=300, dtype="float64", restarts=2),
}  # fmt: skip


def main() -> int:
    """Print what became of the checks of each, and which fail."""
    about = argparse.ArgumentParser(description=__doc__)
    about.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ESTIMATORS))
    given = about.parse_args()
    failed = False
    for name in given.names or ESTIMATORS:
        began, cpu = time.perf_counter(), time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = check_estimator(ESTIMATORS[name], on_fail=None)
        counts = Counter(result["status"] for result in results)
        words = ", ".join(f"{n} {status}" for status, n in counts.items())
        spent = f"{time.perf_counter() - began:.0f} s, {time.process_time() - cpu:.0f} s of the processor"
        print(f"{name}: {words} ({spent})", flush=True)
        for result in results:
            if result["status"] == "failed":
                print(f"  {result['check_name']}: {result['exception']}", flush=True)
                failed = True
            elif result["status"] != "passed":
                print(f"  {result['status']}: {result['check_name']}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
