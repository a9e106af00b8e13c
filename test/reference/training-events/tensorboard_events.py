"""Event records as tensorboardX writes them, for test/training/run/tensorboard-events.test.ts.

Run: python3 tensorboard_events.py > tensorboard-events.json
Made with Python 3.11, tensorboardX 2.6.2.2, protobuf 7.36.2, numpy 2.4.6.

Every record goes through tensorboardX's own RecordWriter (framing, masked CRC-32C) and protobuf classes; only the
wall time is fixed, so that the bytes can be compared.
"""
import io
import json
import sys

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import RecordWriter
import tensorboardX.record_writer as record_writer

WALL_TIME = 1763800000.25


def framed(event):
    buffer = io.BytesIO()
    buffer.close = lambda: None
    record_writer.open_file = lambda path: buffer
    RecordWriter("memory").write(event.SerializeToString())
    return buffer.getvalue().hex()


def scalars(step, values):
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
    return Event(wall_time=WALL_TIME, step=step, summary=summary)


CURVES = [
    (0, {"loss/train": 2.5}),
    (1, {"loss/train": 0.1, "optimizer/gradNorm": 1e-30}),
    (300, {"손실": -1.5}),
    (5_000_000_000, {"speed/tokensPerSecond": 12345.678}),
]
json.dump(
    {
        "versions": "Python 3.11, tensorboardX 2.6.2.2, protobuf 7.36.2, numpy 2.4.6",
        "wallTime": WALL_TIME,
        "fileVersion": framed(Event(wall_time=WALL_TIME, file_version="brain.Event:2")),
        "sessionStart": framed(
            Event(wall_time=WALL_TIME, step=101, session_log=SessionLog(status=SessionLog.START))
        ),
        "scalars": [
            {"step": step, "values": values, "record": framed(scalars(step, values))} for step, values in CURVES
        ],
    },
    sys.stdout,
    ensure_ascii=False,
    indent=2,
)
print()
