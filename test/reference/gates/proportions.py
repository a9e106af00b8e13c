# Reference for training/gates: intervals and p-values of SciPy and statsmodels. Writes proportions.json beside itself.
# Run with Python 3.11 or later, scipy 1.17.1, statsmodels 0.15.0:  python3 proportions.py
import json
import pathlib

import scipy
import statsmodels
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar

HERE = pathlib.Path(__file__).parent
assert scipy.__version__ == "1.17.1", scipy.__version__
assert statsmodels.__version__ == "0.15.0", statsmodels.__version__

SHARES = [(0, 1), (1, 1), (0, 20), (20, 20), (7, 10), (1, 500), (311, 500), (499, 500), (4321, 10000)]
PAIRS = [(0, 0), (1, 0), (0, 5), (3, 3), (2, 9), (30, 12), (61, 40), (250, 251), (700, 600), (2000, 0), (40, 160)]


def interval(correct, questions):
    found = binomtest(correct, questions).proportion_ci(confidence_level=0.95, method="wilson")
    return [found.low, found.high]


def p_value(first, second):
    return float(mcnemar([[0, first], [second, 0]], exact=True).pvalue)


result = {
    "scipy": scipy.__version__,
    "statsmodels": statsmodels.__version__,
    "wilson": [{"correct": k, "questions": n, "interval": interval(k, n)} for k, n in SHARES],
    "mcnemar": [{"onlyFirst": b, "onlySecond": c, "pValue": p_value(b, c)} for b, c in PAIRS],
}
(HERE / "proportions.json").write_text(json.dumps(result, indent=1) + "\n")
