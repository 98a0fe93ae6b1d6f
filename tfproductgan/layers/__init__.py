"""Building blocks of networks, as Keras layers without any TensorFlow of their own."""
