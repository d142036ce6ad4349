"""Distillation: a student that learns a teacher from photos without labels."""
