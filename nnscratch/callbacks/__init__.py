"""Callbacks: what runs at the corners of training, with Keras's names and order."""

from nnscratch.callbacks.backup import BackupAndRestore
from nnscratch.callbacks.callback import Callback, CallbackList, Logs
from nnscratch.callbacks.csv_logger import CSVLogger
from nnscratch.callbacks.early_stopping import EarlyStopping
from nnscratch.callbacks.history import History
from nnscratch.callbacks.lambda_callback import LambdaCallback
from nnscratch.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from nnscratch.callbacks.live_plot import LivePlot
from nnscratch.callbacks.model_checkpoint import ModelCheckpoint
from nnscratch.callbacks.tensorboard import TensorBoard
from nnscratch.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "LivePlot",
    "Logs",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]
