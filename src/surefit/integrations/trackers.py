"""The epochs of a fit in TensorBoard and in MLflow. Each package is imported when the first fit begins."""

from __future__ import annotations

import math
import os
import time as clock
from pathlib import Path
from typing import Any

from surefit.attempts.events import Epoch, Failed, Finished, Started
from surefit.checking import whole_number
from surefit.errors import DataError, MissingExtraError
from surefit.files import make_directory, reason
from surefit.integrations.loggers import Logger

MOST_POINTS = 200  # of the curve of an attempt, where `every` is left open: each costs some 20 microseconds
WAITING = 4096  # points in the queue of TensorBoard, so that nobody waits for its thread
NAMES = ("loss/train", "loss/validation", "lr")
Row = tuple[int, float, float, float | None, float]  # number of the epoch, seconds since the fit began, values
BATCH = 1000  # metrics that one call of MLflow takes


class Tracker(Logger):
    """A Logger of curves: losses and learning rate over the number of the epoch in `Fit.history`."""

    def __init__(self, every: int | None) -> None:
        super().__init__(1)
        self.chosen = None if every is None else whole_number(f"{type(self).__name__}: every", every, 1)
        self.every = self.chosen or 1

    def __call__(self, event: Any) -> None:
        if isinstance(event, Started) and self.chosen is None:
            self.every = max(1, math.ceil(event.epochs / MOST_POINTS))
        super().__call__(event)

    def row(self, number: int, event: Epoch) -> Row:
        return number, event.seconds, event.train_loss, event.validation_loss, event.lr


def _scalars(row: Row) -> list[tuple[str, float]]:
    """(name, value) of what is finite."""
    return [(n, float(v)) for n, v in zip(NAMES, row[2:], strict=True) if v is not None and math.isfinite(v)]


class TensorBoardLogger(Tracker):
    """A callback of `fit` that writes losses and learning rate for TensorBoard (`tensorboard --logdir DIR`).

    Needs `pip install "surefit[tensorboard]"`; the file is written by that package.

    Args:
        directory: where; made if needed. The second fit that one logger follows goes to fit-2 in it, and so on.
        every: epochs between two points of a curve. None: at most 200 points for each attempt.

    Raises:
        ArgumentError: every is no whole number > 0. When training begins MissingExtraError: the package is not there;
            DataError: the directory cannot be written.
    """

    def __init__(self, directory: str | os.PathLike[str], *, every: int | None = None) -> None:
        super().__init__(every)
        self.directory = Path(directory)
        self.writer: Any = None
        self.began = 0.0

    def where(self) -> str:
        return repr(str(self.directory))

    def begin(self) -> None:
        try:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise MissingExtraError(
                'TensorBoardLogger needs the package tensorboard: pip install "surefit[tensorboard]"'
            ) from None
        folder = make_directory(self.directory if self.fit == 1 else self.directory / f"fit-{self.fit}")
        try:
            self.writer = EventFileWriter(str(folder), max_queue_size=WAITING)
        except OSError as e:
            raise DataError(f"TensorBoardLogger: cannot write {str(folder)!r} ({reason(e)})") from None
        self.began = 0.0

    def write(self, rows: list[Row]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        self.began = self.began or clock.time() - rows[-1][1]
        for row in rows:
            values = [Summary.Value(tag=name, simple_value=value) for name, value in _scalars(row)]
            self.writer.add_event(Event(wall_time=self.began + row[1], step=row[0], summary=Summary(value=values)))
        self.writer.flush()

    def end(self) -> None:
        writer, self.writer = self.writer, None
        if writer is not None:
            writer.close()


class MLflowLogger(Tracker):
    """A callback of `fit` that logs losses and learning rate to MLflow, as metrics of a run.

    Needs `pip install "surefit[mlflow]"`. Where and in which experiment is MLflow's own affair (`set_tracking_uri`,
    `set_experiment`, its environment variables). A run that is active is logged to and stays open; otherwise each fit
    has a run of its own, which ends with it: FINISHED, or FAILED where there is no fit.

    Args:
        name: of the run. None: MLflow chooses one.
        every: epochs between two points of a curve. None: at most 200 points for each attempt.

    Raises:
        ArgumentError: every is no whole number > 0. When training begins MissingExtraError: the package is not there;
            DataError: MLflow does not begin a run.
    """

    def __init__(self, name: str | None = None, *, every: int | None = None) -> None:
        super().__init__(every)
        self.name = name
        self.client: Any = None
        self.run = ""
        self.own = False
        self.status = "FINISHED"
        self.began = 0.0

    def where(self) -> str:
        return f"the MLflow run {self.run}"

    def begin(self) -> None:
        try:
            import mlflow
        except ImportError:
            raise MissingExtraError('MLflowLogger needs the package mlflow: pip install "surefit[mlflow]"') from None
        try:
            active = mlflow.active_run()
            self.own = active is None
            self.run = (mlflow.start_run(run_name=self.name) if active is None else active).info.run_id
            self.client = mlflow.MlflowClient()
        except Exception as e:  # MLflow's own errors, and those of what it stores in
            raise DataError(f"MLflowLogger: MLflow does not begin a run ({reason(e)})") from None
        self.status, self.began = "FINISHED", 0.0

    def write(self, rows: list[Row]) -> None:
        from mlflow.entities import Metric

        self.began = self.began or clock.time() - rows[-1][1]
        metrics = [
            Metric(name, value, int(1000 * (self.began + row[1])), row[0])
            for row in rows
            for name, value in _scalars(row)
        ]
        for first in range(0, len(metrics), BATCH):
            self.client.log_batch(self.run, metrics=metrics[first : first + BATCH])

    def other(self, event: Any) -> None:
        if isinstance(event, Finished):
            self.client.set_tag(self.run, "stop_reason", str(event.reason))
        elif isinstance(event, Failed):
            self.status = "FAILED"
            self.client.set_tag(self.run, "error", f"{type(event.error).__name__}: {event.error}")

    def end(self) -> None:
        if self.own:
            import mlflow

            self.own = False
            mlflow.end_run(self.status)


__all__ = ["MLflowLogger", "TensorBoardLogger", "Tracker"]
