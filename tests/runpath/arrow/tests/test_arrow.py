"""pyarrow and onnxruntime compute."""

import base64
import io

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# y = x @ x for a matrix of two rows and columns, made with `onnx.helper`.
MODEL = "CAgSADpAChEKAXgKAXgSAXkiBk1hdE11bBIBZ1oTCgF4Eg4KDAgLEggKAggCCgIIAmITCgF5Eg4KDAgLEggKAggCCgIIAkIECgAQDQ=="


def test_a_table_comes_back_from_parquet() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"x": np.arange(1000), "y": [f"{n % 7}" for n in range(1000)]}), file, compression="zstd")
    table = pq.read_table(io.BytesIO(file.getvalue()))
    assert pc.sum(table["x"]).as_py() == 499500
    counts = table.group_by("y").aggregate([("x", "count")])["x_count"].to_pylist()
    assert sorted(counts) == [142, 143, 143, 143, 143, 143, 143]


def test_a_model_is_evaluated() -> None:
    session = onnxruntime.InferenceSession(base64.b64decode(MODEL), providers=["CPUExecutionProvider"])
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    (y,) = session.run(None, {"x": x})
    np.testing.assert_array_equal(y, x @ x)
