"""Numbers of the model's layers and heads as charts."""
