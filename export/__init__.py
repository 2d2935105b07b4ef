"""Everything that prepares a bundle: model to ONNX, photos to vectors, vectors to index, index to bundle."""
