# Makes test/fixtures/reference.safetensors, read by test/shared/onnx/safetensors.test.ts.
# Run with Python 3.11, numpy 2.4.6, safetensors 0.8.0, ml_dtypes 0.6.0:  python3 safetensors_file.py
import pathlib

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

values = np.array([[0.5, -1.25, 3.0], [65504.0, 1e-7, -0.0]], dtype=np.float32)
save_file(
    {
        "weights": values,
        "half": values.astype(np.float16),
        "brain": values.astype(ml_dtypes.bfloat16),
        "ids": np.array([1, -2, 2**40], dtype=np.int64),
        "scalar": np.array(7.0, dtype=np.float32),
    },
    pathlib.Path(__file__).parent.parent / "fixtures" / "reference.safetensors",
    metadata={"made-by": "safetensors 0.8.0"},
)
