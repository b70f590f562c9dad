"""Pictures: of a fit, of its errors, of its training, of a computation graph and of a network.

This room draws arrays, histories and Programs and knows nothing of fits. Nothing is shown or written unless
asked; Matplotlib is imported by the first chart.
"""

from .animation import Film, snapshots
from .charts import Curve, Panel, chart
from .classes import class_confusion, class_curves, class_map, class_points
from .data_plots import data_panels
from .drawing import Drawing
from .errormap import error_map
from .graph import GraphDrawing, Node, draw_graph, draw_program, graph_dot, network_diagram
from .history import loss_curves, rate_curve
from .plots import fit_1d, fit_2d, fit_scatter, scatter_2d, slice_points, slices, surface
from .ranking import dots
from .samples import sample_map
from .sizes import tradeoff
from .structure import structure_diagram

__all__ = [
    "Curve",
    "Drawing",
    "Film",
    "GraphDrawing",
    "Node",
    "Panel",
    "chart",
    "class_confusion",
    "class_curves",
    "class_map",
    "class_points",
    "data_panels",
    "dots",
    "draw_graph",
    "draw_program",
    "error_map",
    "fit_1d",
    "fit_2d",
    "fit_scatter",
    "graph_dot",
    "loss_curves",
    "network_diagram",
    "rate_curve",
    "sample_map",
    "scatter_2d",
    "slice_points",
    "slices",
    "snapshots",
    "structure_diagram",
    "surface",
    "tradeoff",
]
