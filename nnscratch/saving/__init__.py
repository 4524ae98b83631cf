"""Files: models, weights and the state of a training, written whole and read without trust."""
