"""Photos to vectors: decoding, the encoder and the projection."""
