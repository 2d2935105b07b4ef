"""From a PyTorch checkpoint to an ONNX encoder that keeps its neighbors."""
