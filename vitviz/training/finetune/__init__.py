"""Fine-tuning: a classifier from folders of labelled photos."""
