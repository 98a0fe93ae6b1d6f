"""A small server of SavedModels that speaks TensorFlow Serving's REST and gRPC, for where TensorFlow Serving is not."""
