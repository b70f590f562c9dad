"""Writers of what happens in a fit: files of rows, TensorBoard, MLflow. Each is a callback."""

from surefit.integrations.loggers import CSVLogger, JSONLogger
from surefit.integrations.trackers import MLflowLogger, TensorBoardLogger
from surefit.keywords import naming_all

__all__ = ["CSVLogger", "JSONLogger", "MLflowLogger", "TensorBoardLogger"]

naming_all(globals(), __all__)
